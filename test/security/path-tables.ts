/** Random route tables. */
import fc from "fast-check";
import type { BearerAuthenticator } from "../../src/contract/authenticators.ts";
import type { Access, Policy, Route, Service } from "../../src/contract/policy.ts";
import { atOnce } from "../../src/contract/steps.ts";
import { readRouteKey, type Segment } from "../../src/policy/pattern.ts";
import { hostTable, methodTrees, prefixSegments, SegmentTree, type Mountable } from "../../src/policy/table.ts";

export interface RouteSketch {
  readonly method: "GET" | "POST";
  /** Literals, `{name}` and at the end perhaps `{name...}` or nothing. */
  readonly segments: readonly string[];
  readonly denied: boolean;
  readonly keepsSlash: boolean;
}

export interface ServiceSketch {
  readonly prefix: string;
  readonly stripPrefix: boolean;
  readonly basePath: string;
  /** The placeholder `{tenant}` names the tenant. */
  readonly tenant: boolean;
  readonly routes: readonly RouteSketch[];
}

/** A route of a table with what the judge needs to know of it. */
export interface TableRoute {
  readonly route: Route;
  readonly segments: readonly Segment[];
}

export interface Table {
  readonly policy: Policy;
  readonly routesOf: ReadonlyMap<Service, readonly TableRoute[]>;
}

const LITERALS = [
  [
    "admin",
    "admin",
    "admin",
    "public",
    "public",
    "users",
    "me",
    "v1",
    "a",
    "b",
    "A",
    "api",
    ".well-known",
    "a b",
    "x;y",
    "100%",
    "it's",
    "-",
  ],
  ["ü", "u\u0308", "\u212a", "k", "ﬁ", "fi", "ſ", "s", "İ", "straße", "STRASSE", "Σ", "ς", "٣", "😀"],
].flat();
const PREFIXES = ["", "/v2", "/V3", "/api", "/api/v1", "/admin", "/a b", "/ſ", "/public/deep"];
const BASE_PATHS = ["", "", "/base", "/base/v1"];
const NAMES = ["{tenant}", "{id}", "{name}"];

/** Any text that a table may have as a segment. */
export const anyLiteral = fc.constantFrom(...LITERALS);
const anySegment = fc.oneof({ weight: 3, arbitrary: anyLiteral }, { weight: 2, arbitrary: fc.constantFrom(...NAMES) });
const anyEnding = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.constant(["{rest...}"]), fc.constant([""]));

const anyRoute: fc.Arbitrary<RouteSketch> = fc.record({
  method: fc.constantFrom("GET", "GET", "GET", "POST"),
  segments: fc.tuple(fc.array(anySegment, { minLength: 1, maxLength: 4 }), anyEnding).map(([most, last]) => [...most, ...last]),
  denied: fc.nat(5).map((n) => n === 5),
  keepsSlash: fc.nat(3).map((n) => n === 3),
});

/** A line that differs from another in one segment: what one reader takes for this, another may take for that. */
interface Twin {
  readonly of: number;
  readonly at: number;
  readonly segment: string;
  readonly denied: boolean;
}

const anyTwin: fc.Arbitrary<Twin> = fc.record({ of: fc.nat(3), at: fc.nat(4), segment: anySegment, denied: fc.boolean() });

const anyService: fc.Arbitrary<ServiceSketch> = fc.record({
  prefix: fc.constantFrom(...PREFIXES),
  stripPrefix: fc.nat(3).map((n) => n === 3),
  basePath: fc.constantFrom(...BASE_PATHS),
  tenant: fc.boolean(),
  routes: fc.tuple(fc.array(anyRoute, { minLength: 1, maxLength: 4 }), fc.array(anyTwin, { maxLength: 3 })).map(withTwins),
});

function withTwins([routes, twins]: readonly [readonly RouteSketch[], readonly Twin[]]): readonly RouteSketch[] {
  return [...routes, ...twins.map((one) => twinOf(routes[one.of % routes.length]!, one))];
}

function twinOf(original: RouteSketch, { at, segment: other, denied }: Twin): RouteSketch {
  return { ...original, denied, segments: original.segments.with(at % original.segments.length, other) };
}

export const tableSketch: fc.Arbitrary<readonly ServiceSketch[]> = fc.array(anyService, { minLength: 1, maxLength: 3 });

/* ── sketch → table ───────────────────────────────────────────────────── */

const ANYONE: BearerAuthenticator = {
  name: "anyone",
  kind: "bearer",
  secrets: [{ id: "anyone", digest: new Uint8Array(32), grants: new Set(["*"]) }],
  scopes: new Map(),
  groups: new Map(),
  groupPatterns: [],
  hasGrants: true,
  role: { kind: "fixed", role: "any" },
  crossTenant: { kind: "role", value: "any" },
};

/** What of the sketch would load: lines that are no lines, and those that collide with an earlier one, are left out. */
export function tableOf(sketches: readonly ServiceSketch[]): Table {
  const prefixes = new SegmentTree<string>();
  const routesOf = new Map<Service, readonly TableRoute[]>();
  const mountable: Mountable[] = [];
  for (const sketch of sketches) {
    if (collides(prefixes, sketch.prefix)) continue;
    const service = serviceOf(sketch, mountable.length);
    const routes = routesIn(service, sketch);
    routesOf.set(service, routes);
    mountable.push({ service, hosts: [], methods: atOnce(methodTrees(routes)) });
  }
  return { policy: policyOf(mountable), routesOf };
}

function collides(prefixes: SegmentTree<string>, prefix: string): boolean {
  const before = prefixes.collisions.length;
  const segments = prefixSegments(prefix).map((text) => ({ kind: "literal", text }) as const);
  prefixes.add(segments, prefix);
  return prefixes.collisions.length > before;
}

function serviceOf(sketch: ServiceSketch, index: number): Service {
  return {
    name: `service-${index}`,
    prefixes: [sketch.prefix],
    stripPrefix: sketch.stripPrefix,
    upstream: {
      origin: "http://127.0.0.1:1",
      basePath: sketch.basePath,
      verifyTls: true,
      maxConnections: 1_000,
      identity: { subject: "x-auth-subject", kind: "x-auth-kind", tenant: "x-auth-tenant", permissions: "x-auth-permissions" },
      forward: { credential: false, cookies: false },
    },
    authenticators: [ANYONE],
    maxOpenPerCaller: 1_000,
    roles: new Map([["any", new Set(["*"])]]),
    ...(sketch.tenant && { tenant: { path: "tenant", required: false } }),
    errors: { format: "problem", overrides: new Map() },
    routes: [],
    addressLimits: [],
  };
}

function routesIn(service: Service, sketch: ServiceSketch): readonly TableRoute[] {
  const kept: TableRoute[] = [];
  for (const one of sketch.routes) {
    const reading = readRouteKey(`${one.method} /${one.segments.join("/")}`);
    if (reading.kind === "wrong") continue;
    const candidate = { route: routeOf(service, one, reading.value.pattern), segments: reading.value.segments };
    if (!anyCollision([...kept, candidate])) kept.push(candidate);
  }
  return kept;
}

function anyCollision(routes: readonly TableRoute[]): boolean {
  const trees = Map.groupBy(routes, ({ route }) => route.method);
  return [...trees.values()].some((ofMethod) => {
    const tree = new SegmentTree<Route>();
    for (const { route, segments } of ofMethod) tree.add(segments, route);
    return tree.collisions.length > 0;
  });
}

function routeOf(service: Service, sketch: RouteSketch, pattern: string): Route {
  const access: Access = { kind: sketch.denied ? "denied" : "authenticated" };
  return {
    name: `${sketch.method} ${pattern}`,
    service,
    method: sketch.method,
    pattern,
    rule: access.kind,
    access,
    authenticators: service.authenticators,
    tenant: sketch.segments.includes("{tenant}") ? "match" : "unchecked",
    addressLimits: [],
    callerLimits: [],
    failureLimits: [],
    body: { explicit: false },
    timeouts: {},
    encodedSlash: sketch.keepsSlash,
    websocket: false,
    source: { file: `${service.name}.yaml`, line: 1, column: 1 },
  };
}

function policyOf(mountable: readonly Mountable[]): Policy {
  return {
    revision: "000000000000",
    gateway: {
      listen: { host: "127.0.0.1", port: 0 },
      connections: { total: 1_000, perAddress: 1_000, headersMs: 10_000, idleMs: 10_000 },
      trustProxy: { cidrs: [], has: () => false },
      stores: {
        keys: { kind: "sqlite", path: ":memory:" },
        counters: { kind: "memory", perWorker: false },
        tokenCacheBytes: 64 * 1024 ** 2,
      },
      log: { level: "silent", decisions: "refusals" },
      graceMs: 0,
    },
    services: mountable.map(({ service }) => service),
    hosts: hostTable(mountable),
    strippedHeaders: new Set(),
    addressLimits: [],
  };
}
