import type { Phase } from "./sources.ts";

/** What kubelets and balancers are told. */
export interface Readiness {
  readonly code: 200 | 503;
  readonly status: "ready" | "starting" | "draining";
}

/**
 * Ready is whoever serves. An issuer or the key store out of reach does not count: each concerns some services only, all
 * replicas lose it at the same moment, and out of the balancer none of them would serve the others either. It is detail
 * for the operator, on the admin door.
 */
export function readinessOf(phase: Phase): Readiness {
  return phase === "serving" ? { code: 200, status: "ready" } : { code: 503, status: phase };
}
