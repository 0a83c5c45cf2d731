/** The text of a first service file. Every character of the document's that gets here is quoted, or in one line of a comment. */
import { comment, commented, review } from "./comments.ts";
import type { ApiDocument } from "./model.ts";
import type { LeftOut, Line } from "./lines.ts";
import type { ServicePlace } from "./place-of-service.ts";
import type { Rule } from "./rule.ts";
import type { DraftAuthenticator } from "./schemes.ts";
import type { TenantHint } from "./tenant-hints.ts";
import { commentText, routeScalar, scalar, variableName } from "./words.ts";

export interface ServiceDraft {
  readonly service: string;
  readonly document: ApiDocument;
  readonly place: ServicePlace;
  readonly authenticators: readonly DraftAuthenticator[];
  readonly lines: readonly Line[];
  readonly leftOut: readonly LeftOut[];
  readonly tenants: readonly TenantHint[];
}

export function serviceText(draft: ServiceDraft): string {
  const blocks = [head(draft), upstream(draft), tenants(draft), roles(draft), authenticators(draft), routes(draft), leftOut(draft)];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

function head({ service, document, place }: ServiceDraft): readonly string[] {
  return [
    ...comment(`Made from "${document.title}" (OpenAPI ${document.version}, ${counted(document.operations.length, "operation")}).`),
    "# Nothing here is public. What was not sure says REVIEW, and is denied or",
    "# narrower than the document.",
    "version: 1",
    `service: ${service}`,
    ...(place.prefix === "" ? [] : [`prefix: ${scalar(place.prefix)}`]),
  ];
}

function upstream({ service, place }: ServiceDraft): readonly string[] {
  const url = place.upstream === undefined ? `\${${variableName(service, "URL")}}` : scalar(place.upstream);
  return [...place.remarks.flatMap((remark) => review(remark)), "upstream:", `  url: ${url}`];
}

const MOST_HINTS = 8;

function tenants({ tenants: hints, lines }: ServiceDraft): readonly string[] {
  if (hints.length === 0) return [];
  return [
    "# REVIEW: these parameters look as if they named a tenant. If so, name the",
    "# place here, give each authenticator a `tenant:`, and let lines without one say",
    "# `tenant: unchecked` or `crossTenantOnly`.",
    "# tenant:",
    ...hints.slice(0, MOST_HINTS).map(({ place, name, lines: count }) => {
      return `#   ${place}: ${commentText(scalar(name.slice(0, 100)))}  # in ${count} of ${counted(lines.length, "line")}`;
    }),
  ];
}

/** Keys need owners, and owners need a role: one that may do what the document lets keys do. */
function roles({ authenticators: all, lines }: ServiceDraft): readonly string[] {
  const keys = new Set(all.filter(({ proof }) => proof.kind === "apiKey").map(({ name }) => name));
  if (keys.size === 0) return [];
  const permissions = lines.flatMap(({ rule }) =>
    rule.kind === "access" && rule.authenticators.some((name) => keys.has(name)) ? rule.permissions : [],
  );
  return [
    "# REVIEW: what accounts that own keys may do at most",
    "roles:",
    `  key_owner: [${[...new Set(permissions)].map(scalar).join(", ")}]`,
  ];
}

function authenticators({ authenticators: all }: ServiceDraft): readonly string[] {
  return all.length === 0 ? [] : ["authenticators:", ...all.flatMap(authenticatorLines)];
}

function authenticatorLines({ name, proof, scopes }: DraftAuthenticator): readonly string[] {
  const grants = [...scopes].map(([scope, permission]) => `      ${scalar(scope)}: [${scalar(permission)}]`);
  const isToken = proof.kind === "jwt";
  const words = isToken ? "scopes count for machines alone; what people may do, `groups:` or a `role:` says" : "scopes of keys";
  return [
    `  ${scalar(name)}:`,
    ...(isToken ? tokenLines(proof) : [`    apiKey: { header: ${scalar(proof.header)}, prefix: ${scalar(proof.prefix)} }`]),
    ...(grants.length === 0 ? [] : [...commented("    scopes:", comment(words, 4)), ...grants]),
  ];
}

function tokenLines({ issuer, audience, remarks }: Extract<DraftAuthenticator["proof"], { kind: "jwt" }>): readonly string[] {
  return [
    ...remarks.flatMap((remark) => review(remark, 4)),
    "    jwt:",
    ...commented(`      issuer: ${issuer.startsWith("${") ? issuer : scalar(issuer)}`, comment("compared byte for byte with `iss`", 6)),
    ...commented(`      audience: ["${audience}"]`, comment("values of `aud`; or `clients:`, for values of `client_id`", 6)),
  ];
}

/* ── routes ───────────────────────────────────────────────────────────── */

function routes({ lines, authenticators: all }: ServiceDraft): readonly string[] {
  if (lines.length === 0) return ["routes: {}"];
  const names = all.map(({ name }) => name);
  const usual = usualReason(lines);
  const linesOf = ({ key, rule }: Line): readonly string[] => {
    const line = `  ${routeScalar(key)}: ${ruleText(rule, names)}`;
    const isSaid = rule.reasons.length === 0 || (rule.kind === "denied" && rule.reasons.join() === usual);
    return isSaid ? [line] : commented(line, review(rule.reasons.join("; "), 2));
  };
  const above = usual === undefined ? [] : [...review(`\`denied\` without a reason beside it: ${usual}`)];
  return [...above, "routes:", ...lines.flatMap(linesOf)];
}

const MANY_LINES = 20;

/** The reason that so many lines are denied for that it is said once above them. */
function usualReason(lines: readonly Line[]): string | undefined {
  const denials = lines.flatMap(({ rule }) => (rule.kind === "denied" ? rule.reasons.join() : []));
  return [...new Set(denials)].find((reason) => denials.filter((one) => one === reason).length >= MANY_LINES);
}

function ruleText(rule: Rule, all: readonly string[]): string {
  if (rule.kind === "denied") return "denied";
  const access = accessText(rule);
  const isEvery = all.every((name) => rule.authenticators.includes(name));
  if (isEvery && !access.startsWith("{")) return access;
  const only = isEvery ? "" : `, authenticators: [${rule.authenticators.map(scalar).join(", ")}]`;
  return `{ access: ${access}${only} }`;
}

function accessText({ need, permissions }: Extract<Rule, { kind: "access" }>): string {
  if (need === "authenticated") return "authenticated";
  const [first = "", ...others] = permissions.map(scalar);
  return others.length === 0 ? first : `{ ${need}Of: [${[first, ...others].join(", ")}] }`;
}

function leftOut({ leftOut: left, document }: ServiceDraft): readonly string[] {
  if (left.length + document.unread.length === 0) return [];
  return [
    "# REVIEW: these have no line of their own; what no other line takes is 404:",
    ...left.flatMap(({ operation: { method, path }, reason }) => comment(`${method} ${path}: ${reason}`)),
    ...document.unread.flatMap(({ place, reason }) => comment(`${place}: ${reason}`)),
  ];
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
