/** Single edits of the policy: of one line, one grant, one list. */
import type { Caller } from "../../contract/caller.ts";
import type { Authenticator, Grants, JwtAuthenticator } from "../../contract/authenticators.ts";
import type { Route } from "../../contract/policy.ts";
import { scopeClaim } from "../../decision/claims.ts";
import { replaced, type Edit, ruleEdit, type Situation } from "./edit.ts";

/** Edits that may let the request through: those of the rule that refused it, since no other can change that. */
export function wideningEdits(situation: Situation, caller: Caller | undefined): readonly Edit[] {
  const { decision, seen } = situation.verdict;
  if (decision.outcome !== "deny" || seen?.match.kind !== "route") return [];
  const { route } = seen.match;
  const line = (words: string, change: Partial<Route>) => ruleEdit(situation, `on the line \`${route.name}\`: ${words}`, route, change);
  switch (decision.code) {
    case "INSUFFICIENT_ROLE":
    case "INSUFFICIENT_SCOPE":
      return grantEdits(situation, route, caller);
    case "TENANT_MISMATCH":
      return [line("`tenant: unchecked`", { tenant: "unchecked" })];
    case "WRONG_TOKEN_TYPE":
      return [...listingEdits(situation, route), ...countingEdits(route, caller, line)];
    case "ORIGIN_NOT_ALLOWED":
      return originEdits(situation, route);
    case "ADDRESS_NOT_ALLOWED":
      return addressEdits(situation, route);
    case "REQUEST_INVALID":
      return [...queryEdits(situation, route), line("`encodedSlash: keep`", { encodedSlash: true })];
    case "ROUTE_NOT_FOUND":
      return route.access.kind === "denied"
        ? [opened(line, "authenticated"), opened(line, "public")]
        : [line("`websocket: true`", { websocket: true })];
    default:
      return [];
  }
}

type LineEdit = (words: string, change: Partial<Route>) => Edit;

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
  return replacing(situation, `let the role \`${role}\` grant ${list(permissions)}`, service.roles, roles);
}

/** For the scopes and groups that the caller has. */
function heldEdits(situation: Situation, authenticator: Authenticator, permissions: readonly string[]): readonly Edit[] {
  const { proof } = situation.inquiry.credential;
  const scopes = proof.kind === "jwt" ? (scopeClaim(proof.claims) ?? []) : proof.kind === "key" ? proof.key.scopes : [];
  const groupList: unknown = proof.kind === "jwt" && authenticator.kind === "jwt" ? proof.claims[authenticator.groupsClaim] : [];
  const groups = Array.isArray(groupList) ? groupList.filter((one) => typeof one === "string") : [];
  const held = [
    ...scopes.filter((one) => one !== "").map((one) => ({ word: "scope", name: one, grants: authenticator.scopes })),
    ...groups.map((one) => ({ word: "group", name: one, grants: authenticator.groups })),
  ];
  return held.map(({ word, name, grants }) =>
    replacing(situation, `let the ${word} \`${name}\` grant ${list(permissions)}`, grants, withGrant(grants, name, permissions)),
  );
}

function withGrant(grants: ReadonlyMap<string, Grants>, name: string, permissions: readonly string[]): ReadonlyMap<string, Grants> {
  return new Map([...grants, [name, new Set([...(grants.get(name) ?? []), ...permissions])]]);
}

function replacing({ policy, inquiry }: Situation, words: string, old: object, next: object): Edit {
  return { of: "rule", words, apply: () => ({ policy: replaced(policy, old, next), inquiry }) };
}

function list(permissions: readonly string[]): string {
  return permissions.map((one) => `\`${one}\``).join(" and ");
}

/* ── lists and lines ──────────────────────────────────────────────────── */

function originEdits(situation: Situation, { service: { cors } }: Route): readonly Edit[] {
  const origin = situation.inquiry.request.headers.get("origin")?.[0];
  if (!cors || origin === undefined) return [];
  return [ruleEdit(situation, "list the request's origin in `cors.origins`", cors, { origins: new Set([...cors.origins, origin]) })];
}

function addressEdits(situation: Situation, { from }: Route): readonly Edit[] {
  const { address } = situation.inquiry.request;
  if (!from) return [];
  const wider = { cidrs: [...from.cidrs, address], has: (one: string) => one === address || from.has(one) };
  return [replacing(situation, "list the client's address in `from`", from, wider)];
}

function queryEdits(situation: Situation, { name, query }: Route): readonly Edit[] {
  return query
    ? [ruleEdit(situation, `on the line \`${name}\`: allow every query`, query, { kind: "deny", names: new Set<string>() })]
    : [];
}

/** For a token whose client or audience no authenticator of its issuer lists. */
function listingEdits(situation: Situation, { service }: Route): readonly Edit[] {
  const { proof } = situation.inquiry.credential;
  if (proof.kind !== "jwt") return [];
  return service.authenticators.flatMap((one) => {
    if (one.kind !== "jwt" || one.issuer.iss !== proof.iss) return [];
    return [
      ...listed(situation, `${one.name}.jwt.clients`, one.clients, proof.claims["client_id"]),
      ...listed(situation, `${one.name}.jwt.audience`, one.audience, proof.claims["aud"]),
    ];
  });
}

function listed(situation: Situation, place: string, allowed: JwtAuthenticator["clients"], value: unknown): readonly Edit[] {
  if (typeof allowed !== "object" || typeof value !== "string" || allowed.has(value)) return [];
  return [replacing(situation, `list \`${value}\` in \`authenticators.${place}\``, allowed, new Set([...allowed, value]))];
}

function countingEdits(route: Route, caller: Caller | undefined, line: LineEdit): readonly Edit[] {
  const authenticator = route.service.authenticators.find((one) => one.name === caller?.authenticator);
  if (!authenticator || route.authenticators.includes(authenticator)) return [];
  return [line(`let \`${authenticator.name}\` count`, { authenticators: [...route.authenticators, authenticator] })];
}

/** Proposed for a `denied` line alone: to open a line that asks for something would mend every refusal, and nothing. */
function opened(line: LineEdit, word: "authenticated" | "public"): Edit {
  return line(`\`access: ${word}\``, { access: { kind: word }, rule: word });
}
