/** A request with its credential, put to the policy as the running gateway would put it. */
import type { Decision, Denial, Match, RequestFacts } from "../contract/decision.ts";
import { ERRORS, type ErrorCode } from "../contract/errors.ts";
import type { Policy, Service } from "../contract/policy.ts";
import type { RequestSketch } from "../contract/policy-tests.ts";
import { bodyUnderRule, denialOfAllowed } from "../decision/body.ts";
import { corsHeaders } from "../decision/cors.ts";
import { decide } from "../decision/decide.ts";
import { addIdentity } from "../decision/identity-headers.ts";
import { match } from "../decision/match.ts";
import { readPlace } from "../decision/target.ts";
import { upstreamTarget } from "../decision/upstream-path.ts";
import { type Credential, proofAt } from "./credential.ts";
import { sketchedBody } from "./sketched-body.ts";

export interface Inquiry {
  readonly request: RequestSketch;
  readonly credential: Credential;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What came out, and on the way to it; `seen` is undefined where the edge refuses. */
export interface Verdict {
  readonly decision: Decision;
  /** What the rules say; the forward stage may refuse the body of what they allow. */
  readonly ruled: Decision;
  readonly seen?: { readonly request: RequestFacts; readonly match: Match };
}

/** The gateway's own decision, with what its forward stage reads of the head. */
export function judge(policy: Policy, { request: sketch, credential, now }: Inquiry): Verdict {
  const place = readPlace(sketch.method, sketch.target, sketch.headers.get("host") ?? []);
  if (place.kind === "refused") return { decision: place.denial, ruled: place.denial };
  const request = factsOf(sketch, place);
  const found = match(policy, request);
  const service = serviceOf(found);
  const proof = service ? proofAt(policy, credential, service) : credential.proof;
  const ruled = decide(policy, { request, proof, now });
  return { decision: forwarded(ruled, request), ruled, seen: { request, match: found } };
}

/** A WebSocket's handshake has no body. */
function forwarded(ruled: Decision, request: RequestFacts): Decision {
  if (ruled.outcome !== "allow" || request.websocket) return ruled;
  const framing = bodyUnderRule(sketchedBody(request), request, ruled.route.body);
  return framing.kind === "refused" ? denialOfAllowed(ruled, framing) : ruled;
}

function factsOf(sketch: RequestSketch, { path, query, host }: Pick<RequestFacts, "path" | "query" | "host">): RequestFacts {
  const { method, headers, address, websocket } = sketch;
  const origin = headers.get("origin")?.[0];
  const preflightMethod = headers.get("access-control-request-method")?.[0];
  return {
    method,
    path,
    query,
    host,
    address,
    ...(origin !== undefined && { origin }),
    ...(preflightMethod !== undefined && { preflightMethod }),
    websocket,
    header: (name) => headers.get(name) ?? [],
  };
}

/** The service that a request is for, as far as it is known. */
export function serviceOf(found: Match): Service | undefined {
  return found.kind === "route" ? found.route.service : found.mount?.service;
}

/** Status of a refusal: the service's own where it sets one. */
export function statusOf(code: ErrorCode, service: Service | undefined): number {
  return service?.errors.overrides.get(code)?.status ?? ERRORS[code].status;
}

/** Status of any answer that the gateway gives itself; undefined where the upstream answers. */
export function statusOfDecision(decision: Decision): number | undefined {
  if (decision.outcome === "preflight") return 204;
  return decision.outcome === "deny" ? statusOf(decision.code, decision.service) : undefined;
}

/** CORS headers of the answer, whoever gives it; none where the edge refuses. */
export function corsHeadersOf({ decision, seen }: Verdict): ReadonlyMap<string, string> {
  if (!seen) return new Map();
  const everywhere = corsHeaders(serviceOf(seen.match), seen.request.origin);
  const ofPreflight = decision.outcome === "preflight" ? decision.headers : {};
  return new Map(Object.entries({ ...everywhere, ...ofPreflight }));
}

export interface Told {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path and query. */
  readonly target: string;
  /** Identity headers. */
  readonly headers: ReadonlyMap<string, string>;
}

/** What the upstream is told of an allowed request. */
export function toldOf({ decision, seen }: Verdict): Told | undefined {
  if (decision.outcome !== "allow" || seen?.match.kind !== "route") return undefined;
  const { upstream } = decision.route.service;
  const flat: string[] = [];
  addIdentity(flat, upstream.identity, decision);
  const headers = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) headers.set(flat[at]!, flat[at + 1]!);
  return { origin: upstream.origin, target: upstreamTarget(seen.match, seen.request), headers };
}

/** The outcome in a few words: `allowed by models.read`, `403 TENANT_MISMATCH`. */
export function outcomeWords(decision: Decision): string {
  switch (decision.outcome) {
    case "allow":
      return `allow by ${decision.route.rule} (${decision.route.name})`;
    case "preflight":
      return `preflight answered (${decision.route.name})`;
    case "deny":
      return denialWords(decision);
  }
}

function denialWords({ code, service, route }: Denial): string {
  const line = route ? ` at ${route.rule} (${route.name})` : "";
  return `${statusOf(code, service)} ${code}${line}`;
}
