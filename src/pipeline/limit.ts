/**
 * Stages 3 and 7, and the brake of stage 6: counts requests in the buckets that their route names.
 * A limit by address counts everybody; one by caller, tenant or key counts whoever was proved,
 * and where nobody was, the address.
 */
import type { Denial } from "../contract/decision.ts";
import type { Limit } from "../contract/policy.ts";
import type { Bucket, CounterStore, LimitState, LimitVerdict } from "../contract/stores.ts";
import type { Check, Exchange, Verdict } from "./exchange.ts";
import { addressSubject, callerSubject } from "./subject.ts";

/** Makes the check that counts one request in these limits; undefined where there are none. */
export function countIn(limits: readonly Limit[], counters: CounterStore): Check | undefined {
  if (limits.length === 0) return undefined;
  return (exchange) => {
    const buckets = bucketsOf(limits, exchange);
    if (buckets.length === 0) return undefined;
    const verdict = counters.take(buckets, exchange.provedAt);
    return verdict instanceof Promise ? verdict.then((late) => settle(exchange, late)) : settle(exchange, verdict);
  };
}

/**
 * Counts what came from an address and has no method that could be read; undefined where no limit counts it. It goes by
 * the buckets that the requests of the address go by.
 */
export function countAddress(
  limits: readonly Limit[],
  counters: CounterStore,
  address: string,
  now: number,
): LimitVerdict | Promise<LimitVerdict> | undefined {
  const counting = limits.filter(({ methods, authenticators }) => methods === undefined && authenticators === undefined);
  if (counting.length === 0) return undefined;
  const subject = addressSubject(address);
  return counters.take(
    counting.map((limit) => ({ limit, subject })),
    now,
  );
}

/** For the log. */
export function limitReason({ limit }: LimitState): string {
  return `limit ${limit.name} of ${limit.place}: ${limit.count} in ${limit.windowMs / 1000} s`;
}

/**
 * Counts one failed authentication, and says RATE_LIMITED in place of the failure once the address
 * has failed too often. Only failures come here, so that a credential that proves good is never refused.
 */
export function brake(limits: readonly Limit[], counters: CounterStore): (exchange: Exchange, failure: Denial) => Denial | Promise<Denial> {
  const count = countIn(limits, counters);
  if (!count) return (_exchange, failure) => failure;
  return (exchange, failure) => {
    const verdict = count(exchange);
    return verdict instanceof Promise ? verdict.then((late) => limited(late) ?? failure) : (limited(verdict) ?? failure);
  };
}

function limited(verdict: Verdict): Denial | undefined {
  return verdict?.outcome === "deny" ? verdict : undefined;
}

function settle(exchange: Exchange, verdict: LimitVerdict): Denial | undefined {
  if (!verdict.allowed || !exchange.limit || isTighter(verdict.tightest, exchange.limit)) exchange.limit = verdict.tightest;
  if (verdict.allowed) return undefined;
  return denial(exchange, limitReason(verdict.tightest));
}

function denial(exchange: Exchange, reason: string): Denial {
  const route = exchange.match.kind === "route" ? exchange.match.route : undefined;
  const service = route?.service ?? (exchange.match.kind === "none" ? exchange.match.mount?.service : undefined);
  const { caller } = exchange;
  return { outcome: "deny", code: "RATE_LIMITED", reason, ...(service && { service }), ...(route && { route }), ...(caller && { caller }) };
}

function isTighter(left: LimitState, right: LimitState): boolean {
  return left.remaining / left.limit.count < right.remaining / right.limit.count;
}

function bucketsOf(limits: readonly Limit[], exchange: Exchange): readonly Bucket[] {
  const method = exchange.facts.method === "HEAD" ? "GET" : exchange.facts.method;
  const authenticator = exchange.caller?.authenticator;
  const buckets: Bucket[] = [];
  for (const limit of limits) {
    if (limit.methods && !limit.methods.has(method)) continue;
    if (limit.authenticators && !limit.authenticators.has(authenticator ?? "")) continue;
    buckets.push({ limit, subject: subjectOf(limit, exchange) });
  }
  return buckets;
}

function subjectOf(limit: Limit, exchange: Exchange): string {
  switch (limit.by) {
    case "address":
      return addressSubject(exchange.facts.address);
    case "caller":
      return callerSubject(exchange);
    case "tenant":
      return tenantSubject(exchange) ?? callerSubject(exchange);
    case "apiKey":
      return exchange.caller?.kind === "key" ? `key ${exchange.caller.credentialId}` : callerSubject(exchange);
  }
}

/** The caller's own tenant, never one that the request merely names: nobody spends another's budget. */
function tenantSubject(exchange: Exchange): string | undefined {
  const { caller } = exchange;
  return caller?.tenants.length === 1 ? `tenant ${caller.tenants[0]}` : undefined;
}
