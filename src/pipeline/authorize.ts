/** Stage 8: address list, permission, tenant; never cached. */
import type { Matched } from "../contract/decision.ts";
import type { Check, Stage } from "./exchange.ts";
import { authorize } from "../decision/authorize.ts";

export const authorizeStage: Stage = () => authorizeExchange;

const authorizeExchange: Check = (exchange) => {
  const decision = authorize(exchange.match as Matched, exchange.caller, exchange.facts);
  if (decision.outcome === "deny") return decision;
  exchange.allowance = decision;
  return undefined;
};
