/** The table that the matcher walks: hosts, prefixes, and a tree of segments for each method. */
import type { HostTable, Mount, Route, RouteNode, Service } from "../contract/policy.ts";
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
  readonly literals: Map<string, Growing<Entry>>;
  /** An entry somewhere below, to name in a collision. */
  readonly witness: Entry;
  readonly loose: Map<string, Growing<Entry>>;
  placeholder?: Growing<Entry>;
  rest?: Growing<Entry>;
}

function growing<Entry>(witness: Entry): Growing<Entry> {
  return { literals: new Map(), loose: new Map(), witness };
}

/** A tree of segments that tells which of the entries put in it collide. */
export class SegmentTree<Entry> {
  #root: Growing<Entry> | undefined;
  readonly collisions: Collision<Entry>[] = [];

  add(segments: readonly Segment[], entry: Entry): void {
    this.#root ??= growing(entry);
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
    if (segment.kind === "placeholder") return (node.placeholder ??= growing(entry));
    if (segment.kind === "rest") return (node.rest ??= growing(entry));
    const known = node.literals.get(segment.text);
    if (known) return known;
    const next = growing(entry);
    const loose = looseSegment(segment.text);
    const rival = node.loose.get(loose);
    if (rival) this.collisions.push({ kind: "loose", first: rival.witness, second: entry });
    node.literals.set(segment.text, next);
    node.loose.set(loose, next);
    return next;
  }

  /** The tree in the contract's shape. */
  finish(this: SegmentTree<Route>): RouteNode {
    return this.#root ? finished(this.#root) : { literals: new Map(), looseLiterals: new Map() };
  }
}

function finished(node: Growing<Route>): RouteNode {
  const literals = new Map([...node.literals].map(([text, next]) => [text, finished(next)]));
  return {
    ...(node.entry && { route: node.entry, placeholders: node.names ?? [] }),
    literals,
    looseLiterals: new Map([...literals].map(([text, next]) => [looseSegment(text), next])),
    ...(node.placeholder && { placeholder: finished(node.placeholder) }),
    ...(node.rest && { rest: finished(node.rest) }),
  };
}

/** One tree for each method of the routes. */
export function methodTrees(
  routes: readonly { readonly route: Route; readonly segments: readonly Segment[] }[],
): ReadonlyMap<string, RouteNode> {
  const trees = new Map<string, SegmentTree<Route>>();
  for (const { route, segments } of routes) {
    const tree = trees.get(route.method) ?? new SegmentTree<Route>();
    trees.set(route.method, tree);
    tree.add(segments, route);
  }
  return new Map([...trees].map(([method, tree]) => [method, tree.finish()]));
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
