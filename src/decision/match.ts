/**
 * Finds service and route: host, then the longest prefix, then method, then the most specific pattern.
 * No falling through from one service to another; the order of the files never matters.
 */
import type { CanonicalPath, Match, RequestFacts } from "../contract/decision.ts";
import type { HostTable, Mount, Policy, PrefixTable, Route, RouteNode } from "../contract/policy.ts";
import { looseSegment } from "./path.ts";

/** What the table says of a request. A `denied` route is found like any other. */
export function match(policy: Policy, request: RequestFacts): Match {
  const mount = findMount(policy.hosts, request);
  if (!mount) return { kind: "none", allow: [] };
  const preflight = isPreflight(mount, request);
  const method = preflight ? request.preflightMethod! : request.method;
  const found = findInMount(mount, tableMethod(method), request.path);
  if (!found) return { kind: "none", mount, allow: allowedMethods(mount, request.path) };
  const matched: Match = { kind: "route", mount, route: found.route, params: namedValues(found), preflight };
  return mount.hostPlaceholder === undefined ? matched : { ...matched, hostTenant: firstLabel(request.host) };
}

/** Fetch standard, "CORS-preflight request"; in a service without `cors` it is an ordinary OPTIONS. */
function isPreflight(mount: Mount, request: RequestFacts): boolean {
  if (!mount.service.cors) return false;
  return request.method === "OPTIONS" && request.origin !== undefined && request.preflightMethod !== undefined;
}

/** HEAD follows GET: same rule, same bucket (RFC 9110 section 9.3.2). */
function tableMethod(method: string): string {
  return method === "HEAD" ? "GET" : method;
}

function findMount(hosts: HostTable, request: RequestFacts): Mount | undefined {
  const table = hosts.exact.get(request.host) ?? hosts.suffix.get(afterFirstLabel(request.host));
  return (table && mountOf(table, request.path)) ?? (hosts.any && mountOf(hosts.any, request.path));
}

/** Whether a careless reader would have taken another step somewhere. */
interface Ways {
  parted: boolean;
}

type Step<Node> = (node: Node, segment: string, ways: Ways) => Node | undefined;

/** The longest prefix, unless a careless reader would see another one in the same path. */
function mountOf(table: PrefixTable, path: CanonicalPath): Mount | undefined {
  const ways: Ways = { parted: false };
  const strict = longestPrefix(table, path, strictNext, ways);
  // Where both readers take every step alike, they arrive at the same place.
  return !ways.parted || longestPrefix(table, path, looseNext, ways) === strict ? strict : undefined;
}

const strictNext: Step<PrefixTable> = (node, segment, ways) => {
  const next = node.next.get(segment);
  // Where a literal fits, its loose form leads to the same: siblings with one loose form do not load.
  if (next === undefined && looseNext(node, segment, ways) !== undefined) ways.parted = true;
  return next;
};

const looseNext: Step<PrefixTable> = (node, segment) => (node.looseNext.size === 0 ? undefined : node.looseNext.get(looseSegment(segment)));

function longestPrefix(table: PrefixTable, path: CanonicalPath, step: Step<PrefixTable>, ways: Ways): Mount | undefined {
  let found = table.mount;
  let node: PrefixTable | undefined = table;
  for (const segment of path.segments) {
    node = step(node, segment, ways);
    if (!node) break;
    found = node.mount ?? found;
  }
  return found;
}

function firstLabel(host: string): string {
  const dot = host.indexOf(".");
  return dot === -1 ? host : host.slice(0, dot);
}

function afterFirstLabel(host: string): string {
  const dot = host.indexOf(".");
  return dot <= 0 ? "" : host.slice(dot + 1);
}

/* ── inside one mount ─────────────────────────────────────────────────── */

interface Found {
  readonly route: Route;
  readonly placeholders: readonly string[];
  readonly values: readonly string[];
}

/**
 * The route, unless a careless reader (without case, cutting parameters off) would be led to another one:
 * a value that some upstream takes for the literal beside its placeholder must not slip through as a value.
 */
function findInMount(mount: Mount, method: string, path: CanonicalPath): Found | undefined {
  const root = mount.methods.get(method);
  if (root === undefined) return undefined;
  const ways: Ways = { parted: false };
  const strict = walk(root, path.segments, mount.prefixLength, { values: [], ways, step: strictly });
  if (!strict || !ways.parted || strict.values.length === 0) return strict;
  const loose = walk(root, path.segments, mount.prefixLength, { values: [], ways, step: loosely });
  return loose?.route === strict.route ? strict : undefined;
}

/** What one walk through the routes of a mount carries along. */
interface Going {
  /** Of the placeholders up to here. */
  readonly values: string[];
  readonly ways: Ways;
  readonly step: Step<RouteNode>;
}

const strictly: Step<RouteNode> = (node, segment, ways) => {
  const next = node.literals.get(segment);
  // As in `strictNext`.
  if (next === undefined && loosely(node, segment, ways) !== undefined) ways.parted = true;
  return next;
};

const loosely: Step<RouteNode> = (node, segment) =>
  node.looseLiterals.size === 0 ? undefined : node.looseLiterals.get(looseSegment(segment));

/** Literal before placeholder before rest, from the left, with backtracking. */
function walk(node: RouteNode, segments: readonly string[], index: number, going: Going): Found | undefined {
  const { values } = going;
  if (index === segments.length) return node.route && { route: node.route, placeholders: node.placeholders ?? [], values };
  const segment = segments[index]!;
  const literal = going.step(node, segment, going.ways);
  const found = literal && walk(literal, segments, index + 1, going);
  if (found) return found;
  if (segment === "") return undefined;
  if (node.placeholder) {
    values.push(segment);
    const taken = walk(node.placeholder, segments, index + 1, going);
    if (taken) return taken;
    values.pop();
  }
  return restOf(node, segments, index, values);
}

function restOf(node: RouteNode, segments: readonly string[], index: number, values: readonly string[]): Found | undefined {
  const route = node.rest?.route;
  if (!route) return undefined;
  return { route, placeholders: node.rest.placeholders ?? [], values: [...values, segments.slice(index).join("/")] };
}

const NOTHING: ReadonlyMap<string, string> = new Map();

function namedValues({ placeholders, values }: Found): ReadonlyMap<string, string> {
  if (values.length === 0) return NOTHING;
  const named = new Map<string, string>();
  for (let index = 0; index < values.length; index++) named.set(placeholders[index]!, values[index]!);
  return named;
}

/** Methods that the path has, for `Allow`; `denied` routes are invisible. GET brings HEAD along. */
export function allowedMethods(mount: Mount, path: CanonicalPath): readonly string[] {
  const allowed: string[] = [];
  for (const method of mount.methods.keys()) {
    const found = findInMount(mount, method, path);
    if (!found || found.route.access.kind === "denied") continue;
    allowed.push(method);
    if (method === "GET") allowed.push("HEAD");
  }
  return allowed.toSorted();
}
