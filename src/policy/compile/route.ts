/** One line of the table → a route with everything decided that can be decided without a request. */
import type { Access, BodyRule, Limit, Route, Service, Timeouts } from "../../contract/policy.ts";
import { addressSet } from "../addresses.ts";
import { readRouteKey, type RoutePattern, type Segment } from "../pattern.ts";
import type { BodyFile, TimeoutsFile } from "../schema/blocks.ts";
import type { AccessFile, RuleFile } from "../schema/service.ts";
import type { SoundRoute } from "../sound.ts";
import { addLimits, addressLimits, callerLimits, failureLimits, type LimitsByName } from "./limits.ts";

interface RouteLimits {
  readonly byAddress: readonly Limit[];
  readonly byCaller: readonly Limit[];
  readonly ofFailures: readonly Limit[];
}

/** What holds for every route of the service that does not say otherwise: one object for all of them. */
export interface RouteSurroundings {
  readonly service: Service;
  readonly limitsByName: LimitsByName;
  readonly limits: RouteLimits;
  readonly bodyFile: BodyFile | undefined;
  readonly body: BodyRule;
  readonly timeoutsFile: TimeoutsFile | undefined;
  readonly timeouts: Timeouts;
  /** By permission, as far as they came up. */
  readonly accesses: Map<string, Access>;
}

export function surroundingsOf(
  service: Service,
  limits: LimitsByName,
  body: BodyFile | undefined,
  timeouts: TimeoutsFile | undefined,
): RouteSurroundings {
  return {
    service,
    limitsByName: limits,
    limits: routeLimits(limits),
    bodyFile: body,
    body: compileBody(undefined, body),
    timeoutsFile: timeouts,
    timeouts: compileTimeouts(undefined, timeouts),
    accesses: new Map(),
  };
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
  const own = file.limits && routeLimits(addLimits(around.limitsByName, file.limits, `${service.name} ${key}`));
  const limits = own ?? around.limits;
  const named = file.authenticators && new Set(file.authenticators);
  const authenticators = named ? service.authenticators.filter((one) => named.has(one.name)) : service.authenticators;
  const timeouts = file.timeouts ? compileTimeouts(file.timeouts, around.timeoutsFile) : around.timeouts;
  const route: Route = {
    name: key,
    service,
    method,
    pattern,
    rule: ruleWords(file.access),
    access: accessOf(file.access, around.accesses),
    authenticators,
    tenant: file.tenant ?? "match",
    addressLimits: limits.byAddress,
    callerLimits: concerning(limits.byCaller, method, authenticators),
    failureLimits: limits.ofFailures,
    ...(file.from && { from: addressSet(file.from) }),
    ...(file.query && { query: compileQuery(file.query) }),
    body: file.body ? compileBody(file.body, around.bodyFile) : around.body,
    timeouts,
    encodedSlash: file.encodedSlash === "keep",
    websocket: file.websocket !== undefined && file.websocket !== false,
    ...(typeof file.websocket === "object" && { webSocketBounds: compileWebSocket(file.websocket, timeouts.idleMs) }),
    source: place,
  };
  return { route, segments };
}

function routeLimits(limits: LimitsByName): RouteLimits {
  return { byAddress: addressLimits(limits), byCaller: callerLimits(limits), ofFailures: failureLimits(limits) };
}

/** Those that can ever count on the route: others cost nothing there. */
function concerning(limits: readonly Limit[], method: string, authenticators: Route["authenticators"]): readonly Limit[] {
  const concern = limits.filter((limit) => {
    if (limit.methods && !limit.methods.has(method)) return false;
    return !limit.authenticators || authenticators.some((one) => limit.authenticators?.has(one.name));
  });
  return concern.length === limits.length ? limits : concern;
}

function ruleWords(access: AccessFile): string {
  if ("word" in access) return access.word;
  if ("permission" in access) return access.permission;
  return access.anyOf ? `anyOf(${access.anyOf.join(", ")})` : `allOf(${(access.allOf ?? []).join(", ")})`;
}

function accessOf(access: AccessFile, known: Map<string, Access>): Access {
  if ("word" in access) return { kind: access.word };
  if ("permission" in access) return onePermission(access.permission, known);
  return access.anyOf
    ? { kind: "permissions", need: "any", names: access.anyOf }
    : { kind: "permissions", need: "all", names: access.allOf ?? [] };
}

function onePermission(permission: string, known: Map<string, Access>): Access {
  const before = known.get(permission);
  if (before) return before;
  const access: Access = { kind: "permissions", need: "all", names: [permission] };
  known.set(permission, access);
  return access;
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
