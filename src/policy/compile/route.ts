/** One line of the table → a route with everything decided that can be decided without a request. */
import type { Access, BodyRule, Limit, Route, Service, Timeouts } from "../../contract/policy.ts";
import { addressSet } from "../addresses.ts";
import { readRouteKey, type RoutePattern, type Segment } from "../pattern.ts";
import type { BodyFile, TimeoutsFile } from "../schema/blocks.ts";
import type { AccessFile, RuleFile } from "../schema/service.ts";
import type { SoundRoute } from "../sound.ts";
import { addLimits, addressLimits, callerLimits, failureLimits, type LimitsByName } from "./limits.ts";

/** What holds for every route of the service that does not say otherwise. */
export interface RouteSurroundings {
  readonly service: Service;
  readonly limits: LimitsByName;
  readonly body: BodyFile | undefined;
  readonly timeouts: TimeoutsFile | undefined;
}

const DEFAULT_BODY_BYTES = 5 * 1024 * 1024;
const DEFAULT_MESSAGE_BYTES = 1024 * 1024;

export interface CompiledRoute {
  readonly route: Route;
  readonly segments: readonly Segment[];
}

/** The key of a route that the schema accepted, in its parts. */
function patternOf(key: string): RoutePattern {
  const reading = readRouteKey(key);
  if (reading.kind === "wrong") throw new Error(`route key ${key} passed the schema: ${reading.message}`);
  return reading.value;
}

/** The file's line, checked before. */
export function compileRoute({ key, rule: file, place }: SoundRoute, around: RouteSurroundings): CompiledRoute {
  const { service } = around;
  const { method, pattern, segments } = patternOf(key);
  const limits = addLimits(around.limits, file.limits, `${service.name} ${key}`);
  const named = file.authenticators && new Set(file.authenticators);
  const authenticators = named ? service.authenticators.filter((one) => named.has(one.name)) : service.authenticators;
  const timeouts = compileTimeouts(file.timeouts, around.timeouts);
  const counting = new Set(authenticators.map((one) => one.name));
  const route: Route = {
    name: key,
    service,
    method,
    pattern,
    rule: ruleWords(file.access),
    access: compileAccess(file.access),
    authenticators,
    tenant: file.tenant ?? "match",
    addressLimits: addressLimits(limits),
    callerLimits: callerLimits(limits).filter((limit) => concerns(limit, method, counting)),
    failureLimits: failureLimits(limits),
    ...(file.from && { from: addressSet(file.from) }),
    ...(file.query && { query: compileQuery(file.query) }),
    body: compileBody(file.body, around.body),
    timeouts,
    encodedSlash: file.encodedSlash === "keep",
    websocket: file.websocket !== undefined && file.websocket !== false,
    ...(typeof file.websocket === "object" && { webSocketBounds: compileWebSocket(file.websocket, timeouts.idleMs) }),
    source: place,
  };
  return { route, segments };
}

/** Whether a limit can ever count on the route: others cost nothing there. */
function concerns(limit: Limit, method: string, authenticators: ReadonlySet<string>): boolean {
  if (limit.methods && !limit.methods.has(method)) return false;
  return !limit.authenticators || !limit.authenticators.isDisjointFrom(authenticators);
}

function ruleWords(access: AccessFile): string {
  if ("word" in access) return access.word;
  if ("permission" in access) return access.permission;
  return access.anyOf ? `anyOf(${access.anyOf.join(", ")})` : `allOf(${(access.allOf ?? []).join(", ")})`;
}

function compileAccess(access: AccessFile): Access {
  if ("word" in access) return { kind: access.word };
  if ("permission" in access) return { kind: "permissions", need: "all", names: [access.permission] };
  return access.anyOf
    ? { kind: "permissions", need: "any", names: access.anyOf }
    : { kind: "permissions", need: "all", names: access.allOf ?? [] };
}

function compileQuery(query: NonNullable<RuleFile["query"]>): NonNullable<Route["query"]> {
  return query.deny ? { kind: "deny", names: new Set(query.deny) } : { kind: "allow", names: new Set(query.allow) };
}

function compileBody(route: BodyFile | undefined, service: BodyFile | undefined): BodyRule {
  const max = route?.max ?? service?.max ?? DEFAULT_BODY_BYTES;
  const types = route?.types ?? service?.types;
  return { ...(max !== "none" && { maxBytes: max }), ...(types && { types }), explicit: route !== undefined };
}

type WebSocketFile = Extract<RuleFile["websocket"], object>;

function compileWebSocket({ maxMessage, idle }: WebSocketFile, routeIdleMs: number | undefined): NonNullable<Route["webSocketBounds"]> {
  const idleMs = idle === undefined ? routeIdleMs : bound(idle);
  return { maxMessageBytes: maxMessage ?? DEFAULT_MESSAGE_BYTES, ...(idleMs !== undefined && { idleMs }) };
}

function compileTimeouts(route: TimeoutsFile | undefined, service: TimeoutsFile | undefined): Timeouts {
  const connectMs = bound(route?.connect ?? service?.connect ?? 2_000);
  const headersMs = bound(route?.headers ?? service?.headers ?? 30_000);
  const idleMs = bound(route?.idle ?? service?.idle ?? 60_000);
  const totalMs = bound(route?.total ?? service?.total ?? "none");
  return {
    ...(connectMs !== undefined && { connectMs }),
    ...(headersMs !== undefined && { headersMs }),
    ...(idleMs !== undefined && { idleMs }),
    ...(totalMs !== undefined && { totalMs }),
  };
}

function bound(written: number | "none"): number | undefined {
  return written === "none" ? undefined : written;
}
