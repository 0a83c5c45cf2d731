/** What a shadow policy says of a request that is over, beside what was said of it. */
import type { Decision, Match } from "../../contract/decision.ts";
import type { Policy, Service } from "../../contract/policy.ts";
import type { DecidedExchange, Effect, ShadowRecord } from "../../contract/recorded.ts";
import { hasSignatureFields } from "../../contract/signed-query.ts";
import { type Exactly, trustsOf, trustsOfOne } from "../replay/reads.ts";
import { callerClass } from "../replay/caller-class.ts";
import { decideAnew } from "../replay/decide-anew.ts";
import type { Evidence } from "../replay/evidence.ts";
import { isUnread, verdictOf } from "../replay/facts.ts";
import { differenceOf, type Outcome, outcomeOf } from "../replay/outcome.ts";
import { lineOfDecision, lineWords } from "../replay/route-words.ts";

/** `apart`: the rules did not decide it. `record` is there where the log is to say it. */
export interface Compared {
  readonly result: "same" | Effect | "unknown" | "apart";
  readonly record?: ShadowRecord;
}

const APART: Compared = { result: "apart" };
const SAME: Compared = { result: "same" };

/** Pure, and of no consequence for the exchange. */
export function compare(exchange: DecidedExchange, shadow: Policy): Compared {
  if (isUnread(exchange.facts)) return APART;
  const verdict = verdictOf(exchange);
  if (verdict === undefined) return APART;
  const evidence = evidenceOf(exchange, shadow);
  const anew = decideAnew(shadow, evidence);
  if (anew.kind === "unknown") return { result: "unknown", record: unknownRecord(exchange, shadow, anew.why, matchedLine(anew.match)) };
  const { decision } = anew;
  if (hangsOnAddress(exchange, decision, shadow)) return { result: "unknown", record: unknownRecord(exchange, shadow, OTHER_PROXIES) };
  const difference = differenceOf(enforcedOutcome(exchange, verdict), outcomeOf(decision, exchange.facts));
  if (!difference) return SAME;
  const named = exchange.caller ?? (decision.outcome === "preflight" ? undefined : decision.caller);
  const decided = decision.outcome === "deny" ? decision.service : decision.route.service;
  const record: ShadowRecord = {
    policy: shadow.revision,
    ...difference,
    route: routeOf(exchange) ? enforcedLine(exchange) : lineOfDecision(decision, exchange.facts.method),
    caller: callerClass(serviceOf(exchange) ?? decided, exchange.proof ?? anew.proof, named),
    ...(decision.outcome === "deny" && { reason: decision.reason }),
  };
  return { result: difference.effect, record };
}

const OTHER_PROXIES = "it would take the client's address from other proxies";

/** The address in the facts is the enforced policy's reading. */
function hangsOnAddress({ policy }: DecidedExchange, { route }: Decision, shadow: Policy): boolean {
  return route?.from !== undefined && policy.gateway.trustProxy.cidrs.join() !== shadow.gateway.trustProxy.cidrs.join();
}

function unknownRecord(exchange: DecidedExchange, shadow: Policy, why: string, route: string = enforcedLine(exchange)): ShadowRecord {
  return { policy: shadow.revision, unknown: why, route, caller: callerClass(serviceOf(exchange), exchange.proof, exchange.caller) };
}

/** The shadow policy's own, since it is the one that cannot be followed. */
function matchedLine(match: Match): string | undefined {
  return match.kind === "route" ? lineWords(match.route.name, match.route.service.name, "") : undefined;
}

function enforcedOutcome({ allowance, facts, corsHeaders }: DecidedExchange, verdict: string): Outcome {
  const page = facts.origin === undefined ? {} : { readable: corsHeaders?.["access-control-allow-origin"] !== undefined };
  if (!allowance) return { verdict, ...page };
  const { route, tenant } = allowance;
  return { verdict, service: route.service.name, ...(tenant !== undefined && { tenant }), ...page };
}

function routeOf({ match }: DecidedExchange): string | undefined {
  return match.kind === "route" ? match.route.name : undefined;
}

function serviceOf({ match }: DecidedExchange): Service | undefined {
  return match.kind === "route" ? match.route.service : match.mount?.service;
}

function enforcedLine(exchange: DecidedExchange): string {
  return lineWords(routeOf(exchange), serviceOf(exchange)?.name, exchange.facts.method);
}

/* ── what is known ────────────────────────────────────────────────────── */

/** All of the request is at hand, and both policies whole; of the credential what was made of it. */
function evidenceOf(exchange: DecidedExchange, shadow: Policy): Evidence {
  const { policy, facts: request, proof, now } = exchange;
  const service = proof && serviceOf(exchange);
  return {
    request,
    now,
    home: service?.name,
    proof,
    trusts: service ? trustsKnown(service, policy) : NO_TRUSTS,
    trust: service && proof?.kind === "key" ? trustOfKey(service, policy, proof.authenticator) : undefined,
    trustsOf: (one) => trustsKnown(one, shadow),
    carries: (place) => carries(exchange, place),
    hidesClaim: () => false,
    hidesHeader: () => false,
    hidesField: () => false,
  };
}

const NO_TRUSTS: ReadonlySet<string> = new Set();
const known = new WeakMap<Service, ReadonlySet<string>>();

/** To the last secret: none of this leaves the process. */
function trustsKnown(service: Service, policy: Policy): ReadonlySet<string> {
  const made = known.get(service) ?? new Set(trustsOf(service, exactly(policy)));
  known.set(service, made);
  return made;
}

function exactly({ gateway: { stores, listen } }: Policy): Exactly {
  return { keyStore: stores.keys.path, authorities: listen.tls?.clients?.ca ?? "" };
}

function trustOfKey({ authenticators, tenant }: Service, policy: Policy, name: string): string | undefined {
  const authenticator = authenticators.find((one) => one.name === name);
  return authenticator && trustsOfOne(authenticator, tenant?.header ?? "", exactly(policy))[0];
}

function carries({ facts, policy }: DecidedExchange, place: string): boolean | undefined {
  if (place === "query") return hasSignatureFields(facts.query);
  if (place === "certificate") return policy.gateway.listen.tls?.clients === undefined ? false : undefined;
  return facts.header(place).length > 0;
}
