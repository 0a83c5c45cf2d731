/** Stage 6: finds one credential, proves it, names the caller. Public routes read none. */
import type { Proof } from "../contract/caller.ts";
import type { Denial } from "../contract/decision.ts";
import { AUTHENTICATION_FAILURES } from "../contract/errors.ts";
import type { Route, Service } from "../contract/policy.ts";
import { identify } from "../decision/identify.ts";
import type { Check, Exchange, Verdict } from "./exchange.ts";

/** Looks at the credential that a request carries for a service; synchronous whenever nothing must be fetched. */
export type Prove = (service: Service, exchange: Exchange) => Proof | Promise<Proof>;

/** What is to be said of a failed authentication: the failure, or that the address has failed too often. */
export type Brake = (exchange: Exchange, failure: Denial) => Denial | Promise<Denial>;

/** A proof that had to be waited for counts at the instant at which it is there. */
export interface Clock {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Milliseconds that never go back. */
  readonly monotonicNow: () => number;
}

export function identifyStage(route: Route, prove: Prove, brake: Brake, clock: Clock): Check | undefined {
  if (route.access.kind === "public" || route.access.kind === "denied") return undefined;
  return (exchange) => {
    const proof = prove(route.service, exchange);
    if (!(proof instanceof Promise)) return settle(exchange, route, proof, brake, exchange.now);
    return proof.then((late) => {
      exchange.provedAt = clock.monotonicNow();
      return settle(exchange, route, late, brake, clock.now());
    });
  };
}

function settle(exchange: Exchange, route: Route, proof: Proof, brake: Brake, now: number): Verdict | Promise<Verdict> {
  exchange.proof = proof;
  const identified = identify(route, proof, now);
  if (identified.outcome === "caller") {
    exchange.caller = identified.caller;
    return undefined;
  }
  return AUTHENTICATION_FAILURES.has(identified.code) ? brake(exchange, identified) : identified;
}
