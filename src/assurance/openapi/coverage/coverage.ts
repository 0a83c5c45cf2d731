/** An OpenAPI document against the table of a service: what decides each operation, and which lines are no operation's. */
import type { Policy, Route, Service } from "../../../contract/policy.ts";
import { percentOf } from "../../coverage.ts";
import type { ApiDocument, Operation } from "../model.ts";
import { type ApiSegment, apiSegments } from "./api-path.ts";
import { type Difference, Differences } from "./difference.ts";
import { type Landing, landings, type Site, siteOf } from "./site.ts";
import { SingleValues } from "./single-values.ts";

export interface ApiCoverage {
  readonly service: Service;
  readonly operations: readonly OperationCoverage[];
  /** Of the operations, how many of a hundred some line decides; rounded down to a tenth. */
  readonly percent: number;
  readonly lone: readonly LoneRoute[];
}

/** `uncovered`: not every request of it is decided by a line. `wildcard`: a line takes it that says less than the document. */
export type OperationCoverage =
  | {
      readonly kind: "uncovered";
      readonly operation: Operation;
      readonly reason: string;
      /** Those for which the table has the path. */
      readonly methods: readonly string[];
      /** Lines that single values of its parameters reach. */
      readonly partly: readonly Route[];
    }
  | { readonly kind: "denied"; readonly operation: Operation; readonly route: Route; readonly wildcard: boolean }
  | {
      readonly kind: "reached";
      readonly operation: Operation;
      readonly route: Route;
      readonly wildcard: boolean;
      readonly difference: Difference;
    };

/** A line that is no operation's. */
export interface LoneRoute {
  readonly route: Route;
  /** Those for which the document has the path. */
  readonly methods: readonly string[];
  /** An operation of which single values lead here. */
  readonly within: Operation | undefined;
}

/** `base`: what stands before the document's paths, where it is not the service's first prefix. `now`: epoch milliseconds. */
export function apiCoverage(
  policy: Policy,
  service: Service,
  document: ApiDocument,
  base: string | undefined,
  now: number = Date.now(),
): ApiCoverage {
  const site = siteOf(policy, service, base);
  const traces = tracesOf(site, document);
  const differences = new Differences(policy, service, document, now);
  const values = new SingleValues(site);
  const operations = traces.map((trace) => coverageOf(trace, values, differences));
  const percent = percentOf(operations.map(({ kind }) => ({ covered: kind !== "uncovered" })));
  return { service, operations, percent, lone: loneRoutes(service, traces, values) };
}

/* ── operations ───────────────────────────────────────────────────────── */

/** An operation with where its requests land. */
interface Trace {
  readonly operation: Operation;
  /** The base's before its own; undefined where no request can have its path. */
  readonly segments: readonly ApiSegment[] | undefined;
  readonly own: readonly Landing[];
  /** Method of the table → where its path leads with it. */
  readonly byMethod: ReadonlyMap<string, readonly Landing[]>;
}

function tracesOf(site: Site, { operations }: ApiDocument): readonly Trace[] {
  const methods = [...new Set(site.service.routes.map(({ method }) => method))];
  const ofPath = (path: string): Pick<Trace, "segments" | "byMethod"> => {
    const written = apiSegments(path);
    const segments = written && [...site.base, ...written];
    return { segments, byMethod: new Map(segments && methods.map((method) => [method, landings(site, method, segments)])) };
  };
  const known = new Map(operations.map(({ path }) => [path, undefined as ReturnType<typeof ofPath> | undefined]));
  return operations.map((operation) => {
    const found = known.get(operation.path) ?? ofPath(operation.path);
    known.set(operation.path, found);
    const { segments, byMethod } = found;
    const own = byMethod.get(operation.method) ?? (segments ? landings(site, operation.method, segments) : []);
    return { operation, segments, byMethod, own };
  });
}

function coverageOf(trace: Trace, values: SingleValues, differences: Differences): OperationCoverage {
  const { operation, segments, own } = trace;
  const [first] = own;
  if (!segments || first?.kind !== "route" || own.some(({ kind }) => kind !== "route")) return uncovered(trace, values);
  const { route, mount } = first;
  const decided = { operation, route, wildcard: isWildcard(route, segments.slice(mount.prefixLength)) };
  if (route.access.kind === "denied") return { kind: "denied", ...decided };
  return { kind: "reached", ...decided, difference: differences.between(operation.security, route) };
}

/** Whether the line has a placeholder where the document has a text, or takes whatever follows. */
function isWildcard({ pattern }: Route, segments: readonly ApiSegment[]): boolean {
  return pattern
    .slice(1)
    .split("/")
    .some((text, index) => {
      if (!text.startsWith("{")) return false;
      return segments[index]?.kind !== (text.endsWith("...}") ? "rest" : "parameter");
    });
}

function uncovered({ operation, segments, own, byMethod }: Trace, values: SingleValues): OperationCoverage {
  const methods = [...byMethod].filter(([, found]) => found.every(({ kind }) => kind === "route")).map(([method]) => method);
  const method = operation.method === "HEAD" ? "GET" : operation.method;
  const partly = segments ? [...values.reached(method, segments, () => true)] : [];
  const astray = own.find((found) => found.kind === "astray")?.reason;
  const reason = segments ? (astray ?? missing(operation, methods, partly)) : noPath(operation);
  return { kind: "uncovered", operation, reason, methods: methods.toSorted(), partly };
}

function missing({ method }: Operation, methods: readonly string[], partly: readonly Route[]): string {
  if (methods.length > 0) return `no route for ${method}; the path has ${methods.toSorted().join(", ")}`;
  return partly.length > 0 ? "no route for every value" : "no route has this path";
}

function noPath({ path }: Operation): string {
  return path.startsWith("/") ? "no request can have its path: it cannot be decoded" : "its path does not begin with `/`";
}

/* ── lines ────────────────────────────────────────────────────────────── */

function loneRoutes({ routes: all }: Service, traces: readonly Trace[], values: SingleValues): readonly LoneRoute[] {
  const met = new Set(traces.filter(({ operation }) => operation.method !== "HEAD").flatMap(({ own }) => own.flatMap(routeIn)));
  const routes = all.filter((route) => !met.has(route));
  if (routes.length === 0) return [];
  const methods = methodsByRoute(traces);
  const within = withinOf(values, traces, new Set(routes));
  return routes.map((route) => ({ route, methods: [...(methods.get(route) ?? [])].toSorted(), within: within.get(route) }));
}

function routeIn(found: Landing): readonly Route[] {
  return found.kind === "route" ? [found.route] : [];
}

/** Line → methods of the operations whose paths would lead there, were they of its method. */
function methodsByRoute(traces: readonly Trace[]): ReadonlyMap<Route, ReadonlySet<string>> {
  const methods = new Map<Route, Set<string>>();
  for (const { operation, byMethod } of traces) {
    for (const route of [...byMethod.values()].flat().flatMap(routeIn)) {
      methods.set(route, (methods.get(route) ?? new Set()).add(operation.method));
    }
  }
  return methods;
}

function withinOf(values: SingleValues, traces: readonly Trace[], lone: ReadonlySet<Route>): ReadonlyMap<Route, Operation> {
  const within = new Map<Route, Operation>();
  for (const { operation, segments } of traces) {
    if (within.size === lone.size) break;
    if (!segments?.some(({ kind }) => kind !== "literal")) continue;
    const counts = (route: Route): boolean => lone.has(route) && !within.has(route);
    for (const route of values.reached(operation.method, segments, counts)) within.set(route, operation);
  }
  return within;
}
