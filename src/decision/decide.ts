/**
 * The one decision function: stages 2, 4, 5, the claim rules of 6, and 8, in the order of the request's way.
 * Pure: no clock, network or store. The running gateway walks these same steps, with proving and limits
 * between them; everything that is proved offline calls `decide`.
 */
import type { Decision, Denial, Facts, Match, Matched, RequestFacts } from "../contract/decision.ts";
import type { Policy } from "../contract/policy.ts";
import { withoutSignatureFields } from "../contract/signed-query.ts";
import { authorize } from "./authorize.ts";
import { corsVerdict } from "./cors.ts";
import { identify } from "./identify.ts";
import { match } from "./match.ts";
import { looseFieldName, queryFields } from "./query.ts";

/** What the policy says of a request whose credential has been looked at. */
export function decide(policy: Policy, facts: Facts): Decision {
  const found = match(policy, facts.request);
  const refused = routeVerdict(found, facts.request);
  if (refused) return refused;
  const matched = found as Matched;
  const answered = corsVerdict(matched, facts.request);
  if (answered) return answered;
  const identified = identify(matched.route, facts.proof, facts.now);
  return identified.outcome === "deny" ? identified : authorize(matched, identified.caller, facts.request);
}

/** Stage 4: refuses what matched nothing, what is `denied`, and what does not have the form that its route allows. */
export function routeVerdict(found: Match, request: RequestFacts): Denial | undefined {
  if (found.kind === "none") return unmatched(found);
  const { route } = found;
  const deny = (code: Denial["code"], reason: string): Denial => ({ outcome: "deny", code, reason, service: route.service, route });
  if (route.access.kind === "denied") return deny("ROUTE_NOT_FOUND", "the table denies it");
  if (found.preflight) return undefined;
  if (request.path.encodedSlash && !route.encodedSlash) return deny("REQUEST_INVALID", "path has an encoded slash");
  if (request.websocket && !route.websocket) return deny("ROUTE_NOT_FOUND", "the route takes no WebSocket");
  return route.query && !queryAllowed(route.query, upstreamQuery(route, request))
    ? deny("REQUEST_INVALID", "the query has a name that the route does not allow")
    : undefined;
}

function unmatched(found: Extract<Match, { kind: "none" }>): Denial {
  const service = found.mount && { service: found.mount.service };
  if (found.allow.length === 0) return { outcome: "deny", code: "ROUTE_NOT_FOUND", reason: "no line of the table matches", ...service };
  return {
    outcome: "deny",
    code: "METHOD_NOT_ALLOWED",
    reason: "the table has the path for other methods",
    allow: found.allow,
    ...service,
  };
}

/** What of the query is the upstream's: not the credential of a presigned request. */
function upstreamQuery({ service }: Matched["route"], { query }: RequestFacts): string {
  return service.authenticators.some(({ kind }) => kind === "sigv4") ? withoutSignatureFields(query) : query;
}

/** A name counts however it is written: case, brackets and separators fold for `deny`, and must be exact for `allow`. */
function queryAllowed(rule: NonNullable<Matched["route"]["query"]>, query: string): boolean {
  const names = queryFields(query).map((field) => field.name);
  if (rule.kind === "allow") return names.every((name) => rule.names.has(name) || name === "");
  const denied = new Set([...rule.names].map(looseFieldName));
  return !names.some((name) => denied.has(looseFieldName(name)));
}
