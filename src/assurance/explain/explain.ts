/** Every step of one decision, in the order of the request's way, and what would turn it round. */
import type { Caller, Proof } from "../../contract/caller.ts";
import type { Decision, Match, Matched, RequestFacts } from "../../contract/decision.ts";
import type { Limit, Policy, Route } from "../../contract/policy.ts";
import { corsHeaders, corsVerdict } from "../../decision/cors.ts";
import { routeVerdict } from "../../decision/decide.ts";
import { identify } from "../../decision/identify.ts";
import { encodeSegment } from "../../decision/upstream-path.ts";
import { proofAt } from "../credential.ts";
import { corsHeadersOf, type Inquiry, judge, statusOfDecision, type Told, toldOf, type Verdict } from "../inquiry.ts";
import { authorizeDetails } from "./authorize-details.ts";
import { bodyDetails, bodyDoubts } from "./body-details.ts";
import { candidatesOf } from "./candidates.ts";
import { credentialDetails } from "./credential-details.ts";
import { type Flip, flipsOf } from "./flip.ts";

export type Stage = "edge" | "match" | "limits by address" | "route" | "cors" | "credential" | "limits by caller" | "authorize" | "forward";

/** `refuses` and `answers` are the last step. */
export interface Step {
  readonly stage: Stage;
  readonly verdict: "passes" | "refuses" | "answers";
  readonly details: readonly Detail[];
}

export interface Detail {
  readonly about: string;
  readonly is: string;
}

export interface Explanation {
  readonly decision: Decision;
  /** Of the gateway's own answer; undefined where the upstream answers. */
  readonly status?: number;
  readonly steps: readonly Step[];
  readonly upstream?: Told;
  readonly flips: readonly Flip[];
}

/** Explains one request of one caller at one time. */
export function explain(policy: Policy, inquiry: Inquiry): Explanation {
  const verdict = judge(policy, inquiry);
  const status = statusOfDecision(verdict.decision);
  const upstream = toldOf(verdict);
  return {
    decision: verdict.decision,
    ...(status !== undefined && { status }),
    steps: [...stepsOf(policy, inquiry, verdict)],
    ...(upstream && { upstream }),
    flips: flipsOf(policy, inquiry, verdict),
  };
}

function* stepsOf(policy: Policy, inquiry: Inquiry, verdict: Verdict): Generator<Step> {
  const { decision, seen } = verdict;
  if (!seen) return yield { stage: "edge", verdict: "refuses", details: [reasonDetail(decision)] };
  const { request, match } = seen;
  yield { stage: "edge", verdict: "passes", details: edgeDetails(request) };
  yield { stage: "match", verdict: "passes", details: matchDetails(match, request) };
  yield { stage: "limits by address", verdict: "passes", details: limitDetails(addressLimits(policy, match), request, undefined) };
  if (match.kind === "none" || routeVerdict(match, request))
    return yield { stage: "route", verdict: "refuses", details: [reasonDetail(decision)] };
  yield { stage: "route", verdict: "passes", details: routeDetails(match) };
  const answered = corsVerdict(match, request);
  const origins = corsDetails(policy, inquiry, match, request);
  if (answered)
    return yield {
      stage: "cors",
      verdict: answered.outcome === "deny" ? "refuses" : "answers",
      details: [...origins, ...ownReason(decision)],
    };
  yield { stage: "cors", verdict: "passes", details: origins };
  yield* behindOrigins(verdict, match, proofAt(policy, inquiry.credential, match.route.service), inquiry.now);
}

/** Stages 6 to 9. */
function* behindOrigins(verdict: Verdict, match: Matched, proof: Proof, now: number): Generator<Step> {
  const { decision, ruled, seen } = verdict;
  const { route } = match;
  const identified = identify(route, proof, now);
  const credential = [...credentialDetails(route, proof, identified.caller, now), ...failureDetails(route)];
  if (identified.outcome === "deny")
    return yield { stage: "credential", verdict: "refuses", details: [...credential, reasonDetail(decision)] };
  yield { stage: "credential", verdict: "passes", details: credential };
  yield { stage: "limits by caller", verdict: "passes", details: limitDetails(route.callerLimits, seen!.request, identified.caller) };
  const authorize = authorizeDetails(match, identified.caller, seen!.request, proof);
  if (ruled.outcome === "deny") return yield { stage: "authorize", verdict: "refuses", details: [...authorize, reasonDetail(ruled)] };
  yield { stage: "authorize", verdict: "passes", details: authorize };
  yield* forwardStep(verdict, seen!.request, route);
}

/** Stage 9, as far as the head of the request decides it. */
function* forwardStep(verdict: Verdict, request: RequestFacts, route: Route): Generator<Step> {
  const body = bodyDetails(request, route);
  const { decision } = verdict;
  if (decision.outcome === "deny") return yield { stage: "forward", verdict: "refuses", details: [...body, reasonDetail(decision)] };
  const told = toldOf(verdict);
  if (!told) return;
  yield { stage: "forward", verdict: "passes", details: [...forwardDetails(told, request), ...body, ...bodyDoubts(request, route)] };
}

function reasonDetail(decision: Decision): Detail {
  return { about: "reason", is: decision.outcome === "deny" ? decision.reason : "" };
}

function ownReason(decision: Decision): readonly Detail[] {
  return decision.outcome === "deny" ? [reasonDetail(decision)] : [];
}

/* ── edge, match, route ───────────────────────────────────────────────── */

function edgeDetails(request: RequestFacts): readonly Detail[] {
  const { path, query, host, address } = request;
  return [
    { about: "method", is: methodWords(request) },
    { about: "path", is: `/${path.segments.map(encodeSegment).join("/")}` },
    { about: "query", is: query === "" ? "none" : query },
    { about: "host", is: host },
    { about: "address", is: address },
  ];
}

function methodWords({ method, websocket, preflightMethod }: RequestFacts): string {
  if (websocket) return `${method}, upgrade to WebSocket`;
  return preflightMethod === undefined ? method : `${method}, which asks for ${preflightMethod} (access-control-request-method)`;
}

function matchDetails(match: Match, request: RequestFacts): readonly Detail[] {
  const { mount } = match;
  if (!mount) return [{ about: "service", is: "none: no prefix or host of the policy fits" }];
  const matched = match.kind === "route" ? match : undefined;
  const line = matched?.route;
  return [
    { about: "service", is: `${mount.service.name}, under ${mount.prefix === "" ? "/" : mount.prefix}` },
    { about: "line", is: line ? `${line.name}: ${line.rule} (${line.source.file}:${line.source.line})` : "none" },
    ...[...(matched?.params ?? [])].map(([name, value]) => ({ about: `{${name}}`, is: value })),
    ...candidatesOf(mount, request, matched).map(({ route, why }) => ({ about: "not", is: `${route.name}: ${why}` })),
  ];
}

function routeDetails({ route, preflight }: Matched): readonly Detail[] {
  const what = preflight ? "a preflight for this line" : route.rule;
  return [{ about: "access", is: what }];
}

/* ── limits ───────────────────────────────────────────────────────────── */

function addressLimits(policy: Policy, match: Match): readonly Limit[] {
  if (match.kind === "route") return match.route.addressLimits;
  return match.mount ? match.mount.service.addressLimits : policy.addressLimits;
}

/** Past one of them what would be a 401 is RATE_LIMITED; a good credential never is. */
function failureDetails({ access, failureLimits }: Route): readonly Detail[] {
  if (access.kind === "public") return [];
  return failureLimits.map((limit) => ({
    about: limit.name,
    is: `${rateWords(limit)}, 401s only, for a missing credential too (${limit.place})`,
  }));
}

/** Those that would count this request; whether one is used up, only the running gateway knows. */
function limitDetails(limits: readonly Limit[], { method }: RequestFacts, caller: Caller | undefined): readonly Detail[] {
  const counted = method === "HEAD" ? "GET" : method;
  const counting = limits.filter(
    (limit) =>
      (!limit.methods || limit.methods.has(counted)) && (!limit.authenticators || limit.authenticators.has(caller?.authenticator ?? "")),
  );
  if (counting.length === 0) return [{ about: "counts", is: "nothing" }];
  return counting.map((limit) => ({
    about: limit.name,
    is: `${rateWords(limit)} (${limit.place})`,
  }));
}

function rateWords({ count, windowMs, by }: Limit): string {
  return `${count} in ${windowMs / 1000} s by ${by}`;
}

/* ── cors ─────────────────────────────────────────────────────────────── */

function corsDetails(policy: Policy, inquiry: Inquiry, match: Matched, request: RequestFacts): readonly Detail[] {
  const { service } = match.route;
  if (!service.cors) return [{ about: "origin", is: "the service has no `cors`: it means nothing here" }];
  if (request.origin === undefined)
    return [{ about: "origin", is: "none sent" }, ...headerDetails("every answer", corsHeaders(service, undefined) ?? {})];
  const listed = service.cors.origins.has(request.origin);
  return [
    { about: "origin", is: `${request.origin}, which is ${listed ? "listed" : "not listed"}` },
    ...headerDetails("answer and refusals", corsHeaders(service, request.origin) ?? {}),
    ...preflightDetails(policy, inquiry, match),
  ];
}

/** The preflight that a browser would send before this request; the request itself where it is one. */
function preflightDetails(policy: Policy, inquiry: Inquiry, { preflight, route }: Matched): readonly Detail[] {
  const { headers } = inquiry.request;
  const asked = {
    ...inquiry.request,
    method: "OPTIONS",
    headers: new Map([...headers, ["access-control-request-method", [route.method]]]),
  };
  const verdict = judge(policy, { ...inquiry, request: preflight ? inquiry.request : asked });
  const outcome = verdict.decision.outcome === "deny" ? `${statusOfDecision(verdict.decision)} ${verdict.decision.code}` : "204";
  return [{ about: "preflight", is: outcome }, ...headerDetails("preflight", Object.fromEntries(corsHeadersOf(verdict)))];
}

function headerDetails(about: string, headers: Readonly<Record<string, string>>): readonly Detail[] {
  return Object.entries(headers).map(([name, value]) => ({ about, is: `${name}: ${value}` }));
}

/* ── forward ──────────────────────────────────────────────────────────── */

function forwardDetails({ origin, target, headers }: Told, { method }: RequestFacts): readonly Detail[] {
  return [
    { about: "request", is: `${method} ${origin}${target}` },
    ...[...headers].map(([name, value]) => ({ about: "header", is: `${name}: ${value}` })),
  ];
}
