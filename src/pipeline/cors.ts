/** Stage 5: answers preflights from the table, refuses other origins where told to. */
import type { Matched } from "../contract/decision.ts";
import { corsVerdict } from "../decision/cors.ts";
import type { Check, Stage } from "./exchange.ts";

export const corsStage: Stage = (route) => {
  if (!route.service.cors && !route.websocket) return undefined;
  return compareOrigin;
};

const compareOrigin: Check = (exchange) => corsVerdict(exchange.match as Matched, exchange.facts);
