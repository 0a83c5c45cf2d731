/** Where an exchange goes at the upstream. */
import type { Matched } from "../../contract/decision.ts";
import type { Mount } from "../../contract/policy.ts";
import { upstreamTarget as targetOf } from "../../decision/upstream-path.ts";
import type { Exchange } from "../exchange.ts";

/** Path and query for the upstream. */
export function upstreamTarget(exchange: Exchange): string {
  return targetOf(matchedOf(exchange), exchange.facts);
}

/** The mount that the request matched. */
export function mountOf(exchange: Exchange): Mount {
  return matchedOf(exchange).mount;
}

function matchedOf({ match }: Exchange): Matched {
  if (match.kind !== "route") throw new Error("a request without a route cannot be forwarded");
  return match;
}
