/** Every answer of the gateway's own: refusals in the service's format, preflights from the table. */
import type { Denial, PreflightAnswer } from "../contract/decision.ts";
import { ERRORS, type ErrorCode } from "../contract/errors.ts";
import type { ErrorFormat, ErrorStyle, Service } from "../contract/policy.ts";
import type { LimitState } from "../contract/stores.ts";
import type { Exchange } from "./exchange.ts";
import { closeAfterAnswer, hasUnreadBody } from "./unread-body.ts";

export type Headers = Readonly<Record<string, string>>;

/** What a client reads of a refusal: never the reason. */
export interface RefusalText {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const DEFAULT_STYLE: ErrorStyle = { format: "problem", overrides: new Map() };

/** Body and status of a refusal, in the service's format; `problem` for what matches no service. */
export function refusalText(code: ErrorCode, decisionId: string, service: Service | undefined): RefusalText {
  const style = service?.errors ?? DEFAULT_STYLE;
  const override = style.overrides.get(code);
  const status = override?.status ?? ERRORS[code].status;
  const message = override?.message ?? ERRORS[code].message;
  const contentType = style.format === "problem" ? "application/problem+json" : "application/json; charset=utf-8";
  return { status, contentType, body: JSON.stringify(bodyOf(style.format, { code, status, message, decisionId })) };
}

interface Words {
  readonly code: ErrorCode;
  readonly status: number;
  readonly message: string;
  readonly decisionId: string;
}

function bodyOf(format: ErrorFormat, words: Words): object {
  switch (format) {
    case "problem":
      return { type: "about:blank", title: words.message, status: words.status, code: words.code, decisionId: words.decisionId };
    case "detail":
      return { detail: words.message, status_code: words.status };
    case "envelope":
      return { success: false, message: words.message };
    case "coded":
      return { error: words.message, code: words.code, requestId: words.decisionId };
  }
}

/** Headers that the pipeline puts on every answer, the upstream's too: decision id, CORS, the tightest limit. */
export function answerHeaders(exchange: Exchange): Headers {
  return { "x-decision-id": exchange.id, ...exchange.corsHeaders, ...(exchange.limit && limitHeaders(exchange.limit)) };
}

/** The field names of draft-ietf-httpapi-ratelimit-headers before its list syntax, and the customary ones. */
function limitHeaders(state: LimitState): Headers {
  const limit = String(state.limit.count);
  const remaining = String(state.remaining);
  const reset = String(Math.ceil(state.resetMs / 1000));
  return {
    "ratelimit-limit": limit,
    "ratelimit-remaining": remaining,
    "ratelimit-reset": reset,
    "x-ratelimit-limit": limit,
    "x-ratelimit-remaining": remaining,
    "x-ratelimit-reset": reset,
  };
}

/** Sends a refusal. A request whose body has not been read to its end takes its connection with it. */
export function sendRefusal(exchange: Exchange, denial: Denial): void {
  const { response } = exchange;
  const text = refusalText(denial.code, exchange.id, denial.service);
  exchange.outcome = { kind: "refused", code: denial.code, reason: denial.reason, status: text.status };
  if (hasUnreadBody(exchange)) closeAfterAnswer(exchange);
  // Node reads no more requests from a connection that has asked for an upgrade.
  if (exchange.upgrade) response.shouldKeepAlive = false;
  response.writeHead(text.status, {
    ...answerHeaders(exchange),
    ...refusalHeaders(exchange, denial, text.status),
    "cache-control": "no-store",
    "content-type": text.contentType,
    "content-length": Buffer.byteLength(text.body),
  });
  response.end(text.body);
}

function refusalHeaders(exchange: Exchange, denial: Denial, status: number): Headers {
  return {
    ...(status === 401 && { "www-authenticate": challenge(denial) }),
    ...(denial.allow && { allow: denial.allow.join(", ") }),
    ...(denial.code === "RATE_LIMITED" && { "retry-after": retryAfter(exchange) }),
  };
}

function retryAfter(exchange: Exchange): string {
  return String(Math.max(1, Math.ceil((exchange.limit?.retryAfterMs ?? 0) / 1000)));
}

const SCHEMES = { jwt: "Bearer", bearer: "Bearer", apiKey: "ApiKey", sigv4: "AWS4-HMAC-SHA256", mtls: "ClientCertificate" } as const;

/** RFC 9110 section 11.6.1, with RFC 6750 section 3 for tokens; it never says what was wrong. */
function challenge(denial: Denial): string {
  const schemes = new Set(denial.route?.authenticators.map((authenticator) => SCHEMES[authenticator.kind]));
  const challenges = [...schemes].map((scheme) => (scheme === "Bearer" ? bearerChallenge(denial.code) : scheme));
  return challenges.length > 0 ? challenges.join(", ") : "Bearer";
}

function bearerChallenge(code: ErrorCode): string {
  return code === "TOKEN_INVALID" || code === "TOKEN_EXPIRED" ? 'Bearer error="invalid_token"' : "Bearer";
}

/** Sends the answer to a preflight: 204, from the table. */
export function sendPreflight(exchange: Exchange, answer: PreflightAnswer): void {
  exchange.outcome = { kind: "preflight" };
  if (hasUnreadBody(exchange)) closeAfterAnswer(exchange);
  exchange.response.writeHead(204, { ...answerHeaders(exchange), ...answer.headers });
  exchange.response.end();
}

/** The service that an exchange is about, as far as it is known. */
export function serviceOf(exchange: Exchange): Service | undefined {
  return exchange.match.kind === "route" ? exchange.match.route.service : exchange.match.mount?.service;
}
