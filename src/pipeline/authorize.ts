/** Stage 8: address list, permission, tenant; never cached. */
import type { Matched } from "../contract/decision.ts";
import type { Stage } from "./exchange.ts";
import { authorize } from "../decision/authorize.ts";

export const authorizeStage: Stage = () => (exchange) => {
  const decision = authorize(exchange.match as Matched, exchange.caller, exchange.facts);
  if (decision.outcome === "deny") return decision;
  exchange.allowance = decision;
  return undefined;
};
