/** Every answer of the gateway's own: refusals in the service's format, preflights from the table. */
import type { Denial, PreflightAnswer } from "../contract/decision.ts";
import { ERRORS, type ErrorCode } from "../contract/errors.ts";
import type { ErrorFormat, ErrorStyle, Route, Service } from "../contract/policy.ts";
import type { LimitState } from "../contract/stores.ts";
import type { Exchange } from "./exchange.ts";
import { atTurnsEnd } from "./turn.ts";
import { closeAfterAnswer, endsConnection, isClosing } from "./unread-body.ts";

/** What a client reads of a refusal: never the reason. */
export interface RefusalText {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** How its bytes are written: Latin-1 where it is all ASCII, in which the two are the same, since Node writes that faster. */
  readonly encoding: "latin1" | "utf8";
}

const DEFAULT_STYLE: ErrorStyle = { format: "problem", overrides: new Map() };

/** Body and status of a refusal, in the service's format; `problem` for what matches no service. */
export function refusalText(code: ErrorCode, decisionId: string, service: Service | undefined): RefusalText {
  const { status, contentType, encoding, parts } = templateOf(code, service?.errors ?? DEFAULT_STYLE);
  return { status, contentType, encoding, body: parts.join(decisionId) };
}

/** A refusal's text, with a gap for each place of the decision id. */
interface Template extends Omit<RefusalText, "body"> {
  readonly parts: readonly string[];
}

const templates = new WeakMap<ErrorStyle, Map<ErrorCode, Template>>();

function templateOf(code: ErrorCode, style: ErrorStyle): Template {
  const known = templates.get(style) ?? new Map<ErrorCode, Template>();
  templates.set(style, known);
  const template = known.get(code) ?? makeTemplate(code, style);
  known.set(code, template);
  return template;
}

/** No message of a policy holds it, and no message in JSON what it becomes there. */
const GAP = "\u0001\u0002";

const ASCII = /^[\x20-\x7e]*$/;

function makeTemplate(code: ErrorCode, style: ErrorStyle): Template {
  const override = style.overrides.get(code);
  const status = override?.status ?? ERRORS[code].status;
  const message = override?.message ?? ERRORS[code].message;
  const contentType = style.format === "problem" ? "application/problem+json" : "application/json; charset=utf-8";
  const body = JSON.stringify(bodyOf(style.format, { code, status, message, decisionId: GAP }));
  return { status, contentType, encoding: ASCII.test(body) ? "latin1" : "utf8", parts: body.split(JSON.stringify(GAP).slice(1, -1)) };
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

/**
 * Headers that the pipeline puts on every answer, the upstream's too: decision id, CORS, the tightest limit. Names, in lower
 * case, and values in turn.
 */
export function answerHeaders({ id, corsHeaders, limit }: Exchange): string[] {
  const headers = ["x-decision-id", id];
  if (corsHeaders !== undefined) for (const name in corsHeaders) headers.push(name, corsHeaders[name]!);
  if (limit !== undefined) addLimit(headers, limit);
  return headers;
}

/** The field names of draft-ietf-httpapi-ratelimit-headers before its list syntax, and the customary ones. */
function addLimit(headers: string[], state: LimitState): void {
  const limit = String(state.limit.count);
  // V8 keeps what `String` makes of a number, and lives with the garbage of all those that do not come again.
  const remaining = state.remaining.toFixed(0);
  const reset = String(Math.ceil(state.resetMs / 1000));
  headers.push("ratelimit-limit", limit, "ratelimit-remaining", remaining, "ratelimit-reset", reset);
  headers.push("x-ratelimit-limit", limit, "x-ratelimit-remaining", remaining, "x-ratelimit-reset", reset);
}

/** Sends a refusal. A request whose body has not been read to its end takes its connection with it. */
export function sendRefusal(exchange: Exchange, denial: Denial): void {
  const { response } = exchange;
  const text = refusalText(denial.code, exchange.id, denial.service);
  exchange.outcome = { kind: "refused", code: denial.code, reason: denial.reason, status: text.status };
  if (endsConnection(exchange, true)) closeAfterAnswer(exchange);
  // Node reads no more requests from a connection that has asked for an upgrade.
  if (exchange.upgrade) response.shouldKeepAlive = false;
  const headers = answerHeaders(exchange);
  addRefusal(headers, exchange, denial, text.status);
  headers.push(
    "cache-control",
    "no-store",
    "content-type",
    text.contentType,
    "content-length",
    String(Buffer.byteLength(text.body, text.encoding)),
  );
  response.writeHead(text.status, headers);
  end(exchange, text.body, text.encoding);
}

function addRefusal(headers: string[], exchange: Exchange, denial: Denial, status: number): void {
  if (status === 401) headers.push("www-authenticate", challenge(denial));
  if (denial.allow !== undefined) headers.push("allow", denial.allow.join(", "));
  if (denial.code === "RATE_LIMITED") headers.push("retry-after", retryAfter(exchange));
}

/** At once where nothing more is read: what comes in this turn could otherwise find the answer unsent. */
function end({ request, response }: Exchange, body: string, encoding: RefusalText["encoding"]): void {
  if (isClosing(request.socket)) response.end(body, encoding);
  else atTurnsEnd({ turnEnds: () => void response.end(body, encoding) });
}

function retryAfter(exchange: Exchange): string {
  return String(Math.max(1, Math.ceil((exchange.limit?.retryAfterMs ?? 0) / 1000)));
}

const SCHEMES = { jwt: "Bearer", bearer: "Bearer", apiKey: "ApiKey", sigv4: "AWS4-HMAC-SHA256", mtls: "ClientCertificate" } as const;

/** RFC 9110 section 11.6.1, with RFC 6750 section 3 for tokens; it never says what was wrong. */
function challenge({ route, code }: Denial): string {
  if (route === undefined) return "Bearer";
  const known = challenges.get(route) ?? { plain: challengeOf(route, "Bearer"), afterToken: challengeOf(route, INVALID_TOKEN) };
  challenges.set(route, known);
  return code === "TOKEN_INVALID" || code === "TOKEN_EXPIRED" ? known.afterToken : known.plain;
}

const challenges = new WeakMap<Route, { readonly plain: string; readonly afterToken: string }>();
const INVALID_TOKEN = 'Bearer error="invalid_token"';

function challengeOf({ authenticators }: Route, bearer: string): string {
  const schemes = new Set(authenticators.map(({ kind }) => SCHEMES[kind]));
  return schemes.size === 0 ? "Bearer" : [...schemes].map((scheme) => (scheme === "Bearer" ? bearer : scheme)).join(", ");
}

/** Sends the answer to a preflight: 204, from the table. */
export function sendPreflight(exchange: Exchange, answer: PreflightAnswer): void {
  exchange.outcome = { kind: "preflight" };
  if (endsConnection(exchange, false)) closeAfterAnswer(exchange);
  const headers = answerHeaders(exchange);
  for (const name in answer.headers) headers.push(name, answer.headers[name]!);
  exchange.response.writeHead(204, headers);
  end(exchange, "", "latin1");
}

/** The service that an exchange is about, as far as it is known. */
export function serviceOf(exchange: Exchange): Service | undefined {
  return exchange.match.kind === "route" ? exchange.match.route.service : exchange.match.mount?.service;
}
