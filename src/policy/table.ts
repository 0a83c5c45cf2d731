/** The table that the matcher walks: hosts, prefixes, and a tree of segments for each method. */
import type { HostTable, Mount, Route, RouteNode, Service } from "../contract/policy.ts";
import type { Steps } from "../contract/steps.ts";
import { looseSegment } from "../decision/path.ts";
import type { HostName } from "./names.ts";
import type { Segment } from "./pattern.ts";

/** Two entries that one request could mean. `loose`: only a careless reader would take one for the other. */
export interface Collision<Entry> {
  readonly kind: "equal" | "loose";
  readonly first: Entry;
  readonly second: Entry;
}

/* ── segments ─────────────────────────────────────────────────────────── */

interface Growing<Entry> {
  entry?: Entry;
  names?: readonly string[];
  /** An entry somewhere below, to name in a collision. */
  readonly witness: Entry;
  literals?: Map<string, Growing<Entry>>;
  loose?: Map<string, Growing<Entry>>;
  placeholder?: Growing<Entry>;
  rest?: Growing<Entry>;
}

/** A tree of segments that tells which of the entries put in it collide. */
export class SegmentTree<Entry> {
  #root: Growing<Entry> | undefined;
  readonly collisions: Collision<Entry>[] = [];

  add(segments: readonly Segment[], entry: Entry): void {
    this.#root ??= { witness: entry };
    let node = this.#root;
    const names: string[] = [];
    for (const segment of segments) {
      if (segment.kind !== "literal") names.push(segment.name);
      node = this.#step(node, segment, entry);
    }
    if (node.entry === undefined) Object.assign(node, { entry, names });
    else this.collisions.push({ kind: "equal", first: node.entry, second: entry });
  }

  #step(node: Growing<Entry>, segment: Segment, entry: Entry): Growing<Entry> {
    if (segment.kind === "placeholder") return (node.placeholder ??= { witness: entry });
    if (segment.kind === "rest") return (node.rest ??= { witness: entry });
    const literals = (node.literals ??= new Map());
    const looseOnes = (node.loose ??= new Map());
    const known = literals.get(segment.text);
    if (known) return known;
    const next = { witness: entry };
    const loose = looseSegment(segment.text);
    const rival = looseOnes.get(loose);
    if (rival) this.collisions.push({ kind: "loose", first: rival.witness, second: entry });
    literals.set(segment.text, next);
    looseOnes.set(loose, next);
    return next;
  }

  /** The tree in the contract's shape. */
  *finish(this: SegmentTree<Route>): Steps<RouteNode> {
    const root = new FinishedNode();
    const open: (readonly [Growing<Route>, FinishedNode])[] = this.#root ? [[this.#root, root]] : [];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const [from, to] = next;
      for (const pair of to.take(from)) open.push(pair);
      yield;
    }
    return root;
  }
}

const NO_NODES: ReadonlyMap<string, RouteNode> = new Map();

/** All nodes are of one form, whatever hangs on them: the matcher walks them on every request. */
class FinishedNode implements RouteNode {
  route?: Route;
  placeholders?: readonly string[];
  literals = NO_NODES;
  looseLiterals = NO_NODES;
  placeholder?: FinishedNode;
  rest?: FinishedNode;

  /** Becomes what has grown there; the nodes below are still to be finished. */
  take({ entry, names, literals, placeholder, rest }: Growing<Route>): readonly (readonly [Growing<Route>, FinishedNode])[] {
    if (entry) Object.assign(this, { route: entry, placeholders: names ?? [] });
    const below: (readonly [Growing<Route>, FinishedNode])[] = [];
    if (literals) {
      const nodes = [...literals].map(([text, next]) => [text, next, new FinishedNode()] as const);
      this.literals = new Map(nodes.map(([text, , node]) => [text, node]));
      this.looseLiterals = new Map(nodes.map(([text, , node]) => [looseSegment(text), node]));
      for (const [, next, node] of nodes) below.push([next, node]);
    }
    if (placeholder) below.push([placeholder, (this.placeholder = new FinishedNode())]);
    if (rest) below.push([rest, (this.rest = new FinishedNode())]);
    return below;
  }
}

/** One tree for each method of the routes. */
export function* methodTrees(
  routes: Iterable<{ readonly route: Route; readonly segments: readonly Segment[] }>,
): Steps<ReadonlyMap<string, RouteNode>> {
  const trees = new Map<string, SegmentTree<Route>>();
  for (const { route, segments } of routes) {
    const tree = trees.get(route.method) ?? new SegmentTree<Route>();
    trees.set(route.method, tree);
    tree.add(segments, route);
    yield;
  }
  const finished = new Map<string, RouteNode>();
  for (const [method, tree] of trees) finished.set(method, yield* tree.finish());
  return finished;
}

/* ── hosts and prefixes ───────────────────────────────────────────────── */

/** A service with what the table needs of it beside the contract's shape. */
export interface Mountable {
  readonly service: Service;
  /** Empty: every host. */
  readonly hosts: readonly HostName[];
  readonly methods: ReadonlyMap<string, RouteNode>;
}

interface GrowingPrefix {
  mount?: Mount;
  readonly next: Map<string, GrowingPrefix>;
  readonly looseNext: Map<string, GrowingPrefix>;
}

function growingPrefix(): GrowingPrefix {
  return { next: new Map(), looseNext: new Map() };
}

/** Segments of a prefix that `readPrefix` accepted. */
export function prefixSegments(prefix: string): readonly string[] {
  return prefix === "" ? [] : prefix.slice(1).split("/");
}

/** Every service under each of its hosts and prefixes; collisions were refused before. */
export function hostTable(services: readonly Mountable[]): HostTable {
  const exact = new Map<string, GrowingPrefix>();
  const suffix = new Map<string, GrowingPrefix>();
  let any: GrowingPrefix | undefined;
  for (const mountable of services) {
    if (mountable.hosts.length === 0) hang((any ??= growingPrefix()), mountable, undefined);
    for (const host of mountable.hosts) {
      const tables = host.placeholder === undefined ? exact : suffix;
      const table = tables.get(host.name) ?? growingPrefix();
      tables.set(host.name, table);
      hang(table, mountable, host.placeholder);
    }
  }
  return { exact, suffix, ...(any && { any }) };
}

function hang(table: GrowingPrefix, { service, methods }: Mountable, hostPlaceholder: string | undefined): void {
  for (const prefix of service.prefixes) {
    const segments = prefixSegments(prefix);
    let node = table;
    for (const segment of segments) {
      const next = node.next.get(segment) ?? growingPrefix();
      node.next.set(segment, next);
      node.looseNext.set(looseSegment(segment), next);
      node = next;
    }
    node.mount = { service, prefix, prefixLength: segments.length, methods, ...(hostPlaceholder !== undefined && { hostPlaceholder }) };
  }
}
