/** Single edits of the policy: of one line, one grant, one list. */
import type { Caller } from "../../contract/caller.ts";
import type { Authenticator, Cors, Grants, Route } from "../../contract/policy.ts";
import { replaced, type Edit, ruleEdit, type Situation } from "./edit.ts";

/** Edits that would let the request through, the narrowest first. */
export function wideningEdits(situation: Situation, caller: Caller | undefined): readonly Edit[] {
  const { seen } = situation.verdict;
  if (seen?.match.kind !== "route") return [];
  const { route } = seen.match;
  return [...grantEdits(situation, route, caller), ...listEdits(situation, route), ...lineEdits(situation, route, caller)];
}

/** The one edit that shuts any line. */
export function narrowingEdits(situation: Situation): readonly Edit[] {
  const { seen } = situation.verdict;
  if (seen?.match.kind !== "route") return [];
  const { route } = seen.match;
  return [ruleEdit(situation, `write \`${route.name}: denied\``, route, { access: { kind: "denied" }, rule: "denied" })];
}

/* ── grants ───────────────────────────────────────────────────────────── */

function grantEdits(situation: Situation, route: Route, caller: Caller | undefined): readonly Edit[] {
  const authenticator = route.service.authenticators.find((one) => one.name === caller?.authenticator);
  if (!caller || !authenticator || route.access.kind !== "permissions") return [];
  const { names, need } = route.access;
  const missing: readonly (readonly string[])[] = need === "all" ? [names] : names.map((name) => [name]);
  return missing.flatMap((permissions) => [
    ...(caller.role !== undefined && route.service.roles.has(caller.role) ? [roleGrant(situation, route, caller.role, permissions)] : []),
    ...heldEdits(situation, authenticator, permissions),
  ]);
}

function roleGrant(situation: Situation, { service }: Route, role: string, permissions: readonly string[]): Edit {
  const roles = withGrant(service.roles, role, permissions);
  return mapEdit(situation, `let the role \`${role}\` grant ${list(permissions)}`, service.roles, roles);
}

/** For the scopes and groups that the caller has. */
function heldEdits(situation: Situation, authenticator: Authenticator, permissions: readonly string[]): readonly Edit[] {
  const { proof } = situation.inquiry.credential;
  const scopes = proof.kind === "jwt" ? String(proof.claims["scope"] ?? "").split(" ") : proof.kind === "key" ? proof.key.scopes : [];
  const groupList: unknown = proof.kind === "jwt" && authenticator.kind === "jwt" ? proof.claims[authenticator.groupsClaim] : [];
  const groups = Array.isArray(groupList) ? groupList.filter((one) => typeof one === "string") : [];
  const held = [
    ...scopes.filter((one) => one !== "").map((one) => ({ word: "scope", name: one, grants: authenticator.scopes })),
    ...groups.map((one) => ({ word: "group", name: one, grants: authenticator.groups })),
  ];
  return held.map(({ word, name, grants }) =>
    mapEdit(situation, `let the ${word} \`${name}\` grant ${list(permissions)}`, grants, withGrant(grants, name, permissions)),
  );
}

function withGrant(grants: ReadonlyMap<string, Grants>, name: string, permissions: readonly string[]): ReadonlyMap<string, Grants> {
  return new Map([...grants, [name, new Set([...(grants.get(name) ?? []), ...permissions])]]);
}

function mapEdit({ policy, inquiry }: Situation, words: string, old: object, next: object): Edit {
  return { of: "rule", words, apply: () => ({ policy: replaced(policy, old, next), inquiry }) };
}

function list(permissions: readonly string[]): string {
  return permissions.map((one) => `\`${one}\``).join(" and ");
}

/* ── lists and lines ──────────────────────────────────────────────────── */

function listEdits(situation: Situation, { service, from }: Route): readonly Edit[] {
  const { headers, address } = situation.inquiry.request;
  const origin = headers.get("origin")?.[0];
  const cors: Cors | undefined = service.cors;
  return [
    ...(cors && origin !== undefined ? [ruleEdit(situation, "list the request's origin in `cors.origins`", cors, { origins: new Set([...cors.origins, origin]) })] : []),
    ...(from ? [mapEdit(situation, "list the client's address in `from`", from, { cidrs: [...from.cidrs, address], has: (one: string) => one === address || from.has(one) })] : []),
  ];
}

function lineEdits(situation: Situation, route: Route, caller: Caller | undefined): readonly Edit[] {
  const edit = (words: string, change: Partial<Route>) => ruleEdit(situation, `on the line \`${route.name}\`: ${words}`, route, change);
  const authenticator = route.service.authenticators.find((one) => one.name === caller?.authenticator);
  const counts = authenticator === undefined || route.authenticators.includes(authenticator);
  return [
    ...(counts ? [] : [edit(`let \`${authenticator.name}\` count`, { authenticators: [...route.authenticators, authenticator] })]),
    ...(route.websocket ? [] : [edit("`websocket: true`", { websocket: true })]),
    ...(route.encodedSlash ? [] : [edit("`encodedSlash: keep`", { encodedSlash: true })]),
    ...(route.query ? [ruleEdit(situation, `on the line \`${route.name}\`: allow every query`, route.query, { kind: "deny", names: new Set<string>() })] : []),
    ...(refusedForTenant(situation) ? [edit("`tenant: unchecked`", { tenant: "unchecked" })] : []),
    ...(route.access.kind === "denied" ? [opened(edit, "authenticated"), opened(edit, "public")] : []),
  ];
}

function refusedForTenant({ verdict: { decision } }: Situation): boolean {
  return decision.outcome === "deny" && decision.code === "TENANT_MISMATCH";
}

/** Proposed for a `denied` line alone: to open a line that asks for something would mend every refusal, and nothing. */
function opened(edit: (words: string, change: Partial<Route>) => Edit, word: "authenticated" | "public"): Edit {
  return edit(`\`access: ${word}\``, { access: { kind: word }, rule: word });
}
