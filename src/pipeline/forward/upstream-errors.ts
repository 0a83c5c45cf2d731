/** What went wrong on the way to an upstream: for the client a code, for the operator a reason without addresses. */
import { errors } from "undici";
import type { ErrorCode } from "../../contract/errors.ts";
import { BodyFault } from "./client-body.ts";

export interface Failure {
  readonly code: ErrorCode;
  readonly reason: string;
}

const TIMEOUTS: ReadonlySet<string> = new Set(["UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "ETIMEDOUT"]);

export function failureOf(error: Error): Failure {
  if (error instanceof BodyFault) return { code: error.code, reason: error.message };
  const cause = causeOf(error);
  if (TIMEOUTS.has(cause)) return { code: "UPSTREAM_TIMEOUT", reason: `upstream: ${cause}` };
  return { code: "UPSTREAM_UNREACHABLE", reason: `upstream: ${cause}` };
}

/** Trying again would wait as long again. */
export function isConnectTimeout(error: Error): boolean {
  return error instanceof errors.ConnectTimeoutError || codeOf(error) === "ETIMEDOUT";
}

function causeOf(error: Error): string {
  if (error instanceof errors.HTTPParserError) return `bad response (${codeOf(error) ?? error.name})`;
  return codeOf(error) ?? error.name;
}

function codeOf(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
