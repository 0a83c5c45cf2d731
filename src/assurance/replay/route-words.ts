/** The line of the table that a request is about. */
import type { Decision } from "../../contract/decision.ts";

/** `GET /clients/{client_id} (pie)`; where no line matched, the method and what is known of the service. */
export function lineWords(route: string | undefined, service: string | undefined, method: string): string {
  const place = service === undefined ? "" : ` (${service})`;
  return route === undefined ? `${method}, no line${place}` : `${route}${place}`;
}

export function lineOfDecision(decision: Decision, method: string): string {
  const service = decision.outcome === "deny" ? decision.service : decision.route.service;
  return lineWords(decision.route?.name, service?.name, method);
}
