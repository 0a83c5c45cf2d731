/** What every call to the admin door passes before anything is shown. */
import type { FastifyRequest } from "fastify";
import { createBrake } from "./brake.ts";
import { isOwnHost, mayChange } from "./origin.ts";
import type { RefusalCode } from "./refusals.ts";
import type { Sources } from "./sources.ts";
import { isGoodToken, sentToken } from "./tokens.ts";

/** Served without a token: for scrapers and probes, which hold none. */
const OPEN = new Set(["/metrics", "/health/live", "/health/ready"]);

export interface Refused {
  readonly code: RefusalCode;
  readonly retryAfterMs?: number;
}

/** Makes the check of each request: undefined lets it in. Tokens are those of the policy in force, so that a reload withdraws one. */
export function createGuard(configuredHost: string, sources: Sources): (request: FastifyRequest) => Refused | undefined {
  const brake = createBrake();
  return function guard(request) {
    if (!isOwnHost(request.raw.headersDistinct["host"], configuredHost)) return { code: "HOST_NOT_ALLOWED" };
    if (OPEN.has(request.routeOptions.url ?? "")) return undefined;
    const sent = sentToken(request.raw.headersDistinct["authorization"]);
    if (sent === undefined) return { code: "TOKEN_REQUIRED" };
    const now = sources.now();
    if (!isGoodToken(sent.token, sources.policy().gateway.admin?.tokens ?? [], now)) return wrongToken(brake.failed(request.ip, now));
    const changes = request.method !== "GET" && request.method !== "HEAD";
    return changes && !mayChange(request.raw, sent.scheme) ? { code: "CROSS_SITE" } : undefined;
  };
}

function wrongToken(waitMs: number): Refused {
  return waitMs > 0 ? { code: "RATE_LIMITED", retryAfterMs: waitMs } : { code: "TOKEN_REQUIRED" };
}
