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

export function identifyStage(route: Route, prove: Prove, brake: Brake): Check | undefined {
  if (route.access.kind === "public" || route.access.kind === "denied") return undefined;
  return (exchange) => {
    const proof = prove(route.service, exchange);
    return proof instanceof Promise ? proof.then((late) => settle(exchange, route, late, brake)) : settle(exchange, route, proof, brake);
  };
}

function settle(exchange: Exchange, route: Route, proof: Proof, brake: Brake): Verdict | Promise<Verdict> {
  exchange.proof = proof;
  const identified = identify(route, proof, exchange.now);
  if (identified.outcome === "caller") {
    exchange.caller = identified.caller;
    return undefined;
  }
  return AUTHENTICATION_FAILURES.has(identified.code) ? brake(exchange, identified) : identified;
}
