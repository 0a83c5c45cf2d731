/** The CORS verdict (Fetch standard, "HTTP-CORS protocol"): from the table, never from what the request asks for. */
import type { Denial, Matched, PreflightAnswer, RequestFacts } from "../contract/decision.ts";
import type { Cors, Service } from "../contract/policy.ts";
import { allowedMethods } from "./match.ts";

const VARY = { vary: "Origin" } as const;

/**
 * Headers that go on every answer of the service from here on, refusals included.
 * Undefined in a service without `cors`. Compared byte for byte, so that `null` or a look-alike never matches.
 */
export function corsHeaders(service: Service | undefined, origin: string | undefined): Readonly<Record<string, string>> | undefined {
  const cors = service?.cors;
  if (!cors) return undefined;
  return origin === undefined || !cors.origins.has(origin) ? VARY : headersFor(cors, origin);
}

/** By a service's rule and each of its origins. */
const ofOrigin = new WeakMap<Cors, Map<string, Readonly<Record<string, string>>>>();

function headersFor(cors: Cors, origin: string): Readonly<Record<string, string>> {
  const before = ofOrigin.get(cors);
  const known = before ?? new Map<string, Readonly<Record<string, string>>>();
  if (before === undefined) ofOrigin.set(cors, known);
  const headers = known.get(origin);
  if (headers !== undefined) return headers;
  const made = {
    "access-control-allow-origin": origin,
    ...(cors.credentials && { "access-control-allow-credentials": "true" }),
    ...(cors.exposed.length > 0 && { "access-control-expose-headers": cors.exposed.join(",") }),
    ...VARY,
  };
  known.set(origin, made);
  return made;
}

/** Answers a preflight, refuses other origins where told to; undefined lets the request go on. */
export function corsVerdict(match: Matched, request: RequestFacts): Denial | PreflightAnswer | undefined {
  const { service } = match.route;
  if (!service.cors)
    return isPageHandshake(request) ? refusal(match, "a WebSocket handshake of a page, in a service without cors") : undefined;
  if (match.preflight) return answerPreflight(match, service.cors, request);
  if (request.origin === undefined || service.cors.origins.has(request.origin)) return undefined;
  if (request.websocket) return refusal(match, "a WebSocket handshake of an origin that is not listed");
  return service.cors.otherOrigins === "refuse" ? refusal(match, "origin is not listed") : undefined;
}

/** A page may open a WebSocket to any origin (RFC 6455 section 10.2), so that the handshake's Origin is all there is to go by. */
function isPageHandshake(request: RequestFacts): boolean {
  return request.websocket && request.origin !== undefined;
}

function answerPreflight(match: Matched, cors: Cors, request: RequestFacts): Denial | PreflightAnswer {
  if (!cors.origins.has(request.origin!)) return refusal(match, "preflight of an origin that is not listed");
  const methods = cors.methods ?? allowedMethods(match.mount, request.path);
  return {
    outcome: "preflight",
    route: match.route,
    headers: {
      "access-control-allow-methods": methods.join(","),
      ...(cors.headers.length > 0 && { "access-control-allow-headers": cors.headers.join(",") }),
      ...(cors.maxAgeSeconds !== undefined && { "access-control-max-age": String(cors.maxAgeSeconds) }),
    },
  };
}

function refusal(match: Matched, reason: string): Denial {
  return { outcome: "deny", code: "ORIGIN_NOT_ALLOWED", reason, service: match.route.service, route: match.route };
}
