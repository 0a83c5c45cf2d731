/** L505, L506: bodies without a bound, and time-outs that are lifted. */
import type { LintCode } from "../../../contract/lint-codes.ts";
import type { Route } from "../../../contract/policy.ts";
import { blockSpot, type Observation, routeSpot, type ServiceRule, type ServiceSubject, type Spot } from "../observation.ts";

interface Bound {
  readonly code: LintCode;
  readonly block: "body" | "timeouts";
  readonly key: string;
  readonly isLifted: (route: Route) => boolean;
  readonly message: string;
}

/** `total` is none by default. */
const BOUNDS: readonly Bound[] = [
  {
    code: "L505",
    block: "body",
    key: "max",
    isLifted: ({ body }) => body.maxBytes === undefined,
    message: "request bodies may have any size",
  },
  {
    code: "L506",
    block: "timeouts",
    key: "connect",
    isLifted: ({ timeouts }) => timeouts.connectMs === undefined,
    message: "a connection may take for ever",
  },
  {
    code: "L506",
    block: "timeouts",
    key: "headers",
    isLifted: ({ timeouts }) => timeouts.headersMs === undefined,
    message: "the service may think for ever",
  },
  {
    code: "L506",
    block: "timeouts",
    key: "idle",
    isLifted: ({ timeouts }) => timeouts.idleMs === undefined,
    message: "an exchange may stand still for ever",
  },
];

export const bounds: ServiceRule = (subject) => {
  const found = new Map<string, Observation>();
  for (const route of subject.service.routes) {
    if (route.access.kind === "denied") continue;
    for (const { code, block, key, isLifted, message } of BOUNDS) {
      if (!isLifted(route)) continue;
      const spot = originOf(subject, route, block, key);
      found.set(JSON.stringify(spot.path), { code, ...spot, part: "value", message });
    }
  }
  return [...found.values(), ...subject.service.routes.flatMap((route) => silentWebSocket(subject, route))];
};

/** Where the bound was lifted: in the route's line, or for the whole service. */
function originOf(subject: ServiceSubject, route: Route, block: string, key: string): Spot {
  const own = routeSpot(subject, route, block, key);
  return own.file.written(own.path) === undefined ? blockSpot(subject, block, key) : own;
}

/** With `websocket: true` a WebSocket has the route's own `idle`. */
function silentWebSocket(subject: ServiceSubject, route: Route): readonly Observation[] {
  const spot = routeSpot(subject, route, "websocket", "idle");
  if (!route.webSocketBounds || route.webSocketBounds.idleMs !== undefined || spot.file.written(spot.path) === undefined) return [];
  return [{ code: "L506", ...spot, message: "a WebSocket may be silent for ever" }];
}
