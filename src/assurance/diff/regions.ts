/**
 * Which route of the old policy, and which of the new one, a request meets: every pair that some request meets. Where patterns of
 * the two overlap, the overlap is a request of its own, since another route may win there.
 */
import type { Policy, Route } from "../../contract/policy.ts";
import { match } from "../../decision/match.ts";
import type { Place } from "../classes/reach.ts";

/** The routes that one kind of request meets; undefined: none. At least one of them is there. */
export interface Pair {
  readonly before: Route | undefined;
  readonly after: Route | undefined;
  /** `GET /models/{id}`, with the host where the services name hosts. */
  readonly labels: readonly string[];
}

export interface Version {
  readonly policy: Policy;
  readonly places: readonly Place[];
}

/** Tells whether two routes under one pattern are known to be the same to everybody, so that no request need be looked at. */
export type IsSame = (before: Route, after: Route) => boolean;

export function pairsOf(versions: readonly [Version, Version], isSame: IsSame): readonly Pair[] {
  const found = new Map<Route | undefined, Map<Route | undefined, Label[]>>();
  for (const host of hostsOf(versions)) {
    for (const [method, root] of treesOf(versions, host.words, isSame)) {
      const visit = (path: readonly string[], label: readonly string[]): void => {
        const [before, after] = versions.map(({ policy }) => routeAt(policy, host.name, method, path));
        if (!before && !after) return;
        const row = found.get(before) ?? new Map<Route | undefined, Label[]>();
        found.set(before, row.set(after, [...(row.get(after) ?? []), { host: host.words, method, path: label }]));
      };
      walk({ alive: [root], rests: [] }, [], [], visit);
    }
  }
  return [...found].flatMap(([before, row]) =>
    [...row].map(([after, labels]) => ({ before, after, labels: shownLabels(before, after, labels) })),
  );
}

function routeAt(policy: Policy, host: string, method: string, segments: readonly string[]): Route | undefined {
  const request = { method, path: { segments, encodedSlash: false }, query: "", host, address: "", websocket: false, header: () => [] };
  const found = match(policy, request);
  return found.kind === "route" ? found.route : undefined;
}

function hostsOf(versions: readonly Version[]): readonly { readonly words: string; readonly name: string }[] {
  const hosts = new Map(versions.flatMap(({ places }) => places.map(({ hostWords, host }) => [hostWords, host] as const)));
  return [...hosts].map(([words, name]) => ({ words, name }));
}

/* ── labels ───────────────────────────────────────────────────────────── */

interface Label {
  readonly host: string;
  readonly method: string;
  readonly path: readonly string[];
}

/** The patterns themselves where they are among what was met; otherwise the first overlap. */
function shownLabels(before: Route | undefined, after: Route | undefined, labels: readonly Label[]): readonly string[] {
  const forms = [before, after].flatMap((route) => (route ? [form(route.pattern)] : []));
  const own = labels.filter((label) => forms.some((pattern) => form(`/${label.path.join("/")}`).endsWith(pattern)));
  const words = (own.length > 0 ? own : labels.slice(0, 1)).map(({ host, method, path }) => `${method} ${host}/${path.join("/")}`);
  return [...new Set(words)];
}

function form(pattern: string): string {
  return pattern.replaceAll(/\{[^}.]*(\.\.\.)?\}/g, "{$1}");
}

/* ── the patterns of both, as one tree ────────────────────────────────── */

interface Node {
  readonly literals: Map<string, Node>;
  placeholder?: Node;
  rest?: Node;
  /** Name of the placeholder or rest that leads here. */
  readonly name: string;
  ends: boolean;
  /** Something at or below this place is not the same in both policies. */
  differs: boolean;
}

function node(name = ""): Node {
  return { literals: new Map(), name, ends: false, differs: false };
}

interface Line {
  readonly method: string;
  readonly segments: readonly string[];
  readonly route?: Route;
}

function treesOf(versions: readonly [Version, Version], host: string, isSame: IsSame): ReadonlyMap<string, Node> {
  const sides = versions.map(({ places }) => linesUnder(places, host));
  const [old, current] = sides.map((lines) => new Map(lines.map((line) => [lineKey(line), line])));
  const trees = new Map(sides.flat().map(({ method }) => [method, node()]));
  for (const [key, line] of [...old!, ...current!])
    add(trees.get(line.method)!, line.segments, !isSameLine(old!.get(key), current!.get(key), isSame));
  addPrefixes(trees, versions, host);
  return trees;
}

/** Services that name no host stand behind those that do. */
function placesUnder(places: readonly Place[], host: string): readonly Place[] {
  return places.filter(({ hostWords }) => hostWords === host || hostWords === "");
}

function linesUnder(places: readonly Place[], host: string): readonly Line[] {
  return placesUnder(places, host).flatMap(({ mount }) =>
    mount.service.routes.map((route) => ({ method: route.method, segments: `${mount.prefix}${route.pattern}`.slice(1).split("/"), route })),
  );
}

function lineKey({ method, segments }: Line): string {
  return `${method} ${form(segments.join("/"))}`;
}

function isSameLine(before: Line | undefined, after: Line | undefined, isSame: IsSame): boolean {
  return before?.route !== undefined && after?.route !== undefined && isSame(before.route, after.route);
}

/** A prefix takes every path below it, whether a route of its service matches or not: from whatever stands around it, too. */
function addPrefixes(trees: ReadonlyMap<string, Node>, versions: readonly [Version, Version], host: string): void {
  const [old, current] = versions.map(
    ({ places }) =>
      new Map(
        placesUnder(places, host).map(({ mount, hostWords }) => [`${hostWords} ${mount.prefix} ${mount.service.name}`, mount.prefix]),
      ),
  );
  for (const [key, prefix] of [...old!, ...current!]) {
    const differs = !old!.has(key) || !current!.has(key);
    const segments = prefix === "" ? [] : prefix.slice(1).split("/");
    for (const tree of trees.values()) {
      if (segments.length > 0) add(tree, segments, differs);
      // A rest takes no empty segment: the path that ends at the prefix's slash is one of its own.
      for (const last of ["", "{path...}"]) add(tree, [...segments, last], differs);
    }
  }
}

function add(tree: Node, segments: readonly string[], differs: boolean): void {
  let at = tree;
  at.differs ||= differs;
  for (const segment of segments) {
    at = step(at, segment);
    at.differs ||= differs;
  }
  at.ends = true;
}

function step(at: Node, segment: string): Node {
  if (segment.endsWith("...}")) return (at.rest ??= node(segment));
  if (segment.startsWith("{")) return (at.placeholder ??= node(segment));
  const next = at.literals.get(segment) ?? node();
  at.literals.set(segment, next);
  return next;
}

/* ── the walk ─────────────────────────────────────────────────────────── */

/** Where all patterns stand that the path so far could be the beginning of; `rests` have taken segments already. */
interface Standing {
  readonly alive: readonly Node[];
  readonly rests: readonly Node[];
}

type Visit = (path: readonly string[], label: readonly string[]) => void;

/** One path for each set of patterns that a path can satisfy together: a literal of theirs, or a value that is none of them. */
function walk({ alive, rests }: Standing, path: readonly string[], label: readonly string[], visit: Visit): void {
  if (![...alive, ...rests].some(({ differs }) => differs)) return;
  if (rests.length > 0 || alive.some(({ ends }) => ends)) visit(path, label);
  if (alive.length === 0) return;
  for (const literal of new Set(alive.flatMap(({ literals }) => [...literals.keys()]))) {
    walk(after(alive, rests, literal), [...path, literal], [...label, literal], visit);
  }
  const next = after(alive, rests, undefined);
  const name = next.alive[0]?.name ?? next.rests[0]?.name;
  if (name !== undefined) walk(next, [...path, `value-${path.length + 1}-of-path`], [...label, name], visit);
}

/** One segment further; undefined: a value that is no literal. An empty last segment is no value. */
function after(alive: readonly Node[], rests: readonly Node[], literal: string | undefined): Standing {
  const byLiteral = literal === undefined ? [] : alive.flatMap(({ literals }) => literals.get(literal) ?? []);
  if (literal === "") return { alive: byLiteral, rests };
  return {
    alive: [...byLiteral, ...alive.flatMap(({ placeholder }) => placeholder ?? [])],
    rests: [...new Set([...rests, ...alive.flatMap(({ rest }) => rest ?? [])])],
  };
}
