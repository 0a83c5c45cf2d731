/** Lines that an operation reaches by single values of its parameters alone: `GET /users/me` is one of `GET /users/{id}`. */
import type { Mount, Route, Service } from "../../../contract/policy.ts";
import { type ApiSegment, filled, fits } from "./api-path.ts";
import { landing, type Site } from "./site.ts";

/** The lines of a service, found by what stands in their patterns. */
export class SingleValues {
  readonly #site: Site;
  readonly #tables: ReadonlyMap<string, Shelves>;

  constructor(site: Site) {
    this.#site = site;
    this.#tables = tablesOf(site.service);
  }

  /** The lines of the method that some values lead to, as far as `counts` asks for them; `segments` hold the base. */
  reached(method: string, segments: readonly ApiSegment[], counts: (route: Route) => boolean): ReadonlySet<Route> {
    const reached = new Set<Route>();
    const shelves = this.#tables.get(method);
    for (const { mount, host } of shelves ? this.#site.places : []) {
      const below = belowPrefix(mount, segments);
      if (!below) continue;
      for (const line of candidates(shelves!, below)) {
        if (reached.has(line.route) || !counts(line.route)) continue;
        const leads = (path: readonly string[]) => this.#leads(host, line.route, [...mount.prefix.split("/").slice(1), ...path]);
        if (pathsTo(line.parts, below, this.#site.value).some(leads)) reached.add(line.route);
      }
    }
    return reached;
  }

  #leads(host: string, route: Route, path: readonly string[]): boolean {
    const found = landing(this.#site, host, route.method, path);
    return found.kind === "route" && found.route === route;
  }
}

/** What of the operation's path follows the prefix, where it can have that. */
function belowPrefix({ prefix, prefixLength }: Mount, segments: readonly ApiSegment[]): readonly ApiSegment[] | undefined {
  const texts = prefix.split("/").slice(1);
  const fitting = texts.every((text, index) => segments[index] && segments[index].kind !== "rest" && fits(segments[index], text));
  return fitting ? segments.slice(prefixLength) : undefined;
}

/* ── lines by their patterns ──────────────────────────────────────────── */

interface Line {
  readonly route: Route;
  /** The pattern's. */
  readonly parts: readonly string[];
}

interface Shelves {
  readonly all: readonly Line[];
  /** Those that take whatever follows. */
  readonly rests: readonly Line[];
  /** By position and literal, and by position alone for those that have a placeholder there. */
  readonly at: ReadonlyMap<string, readonly Line[]>;
}

function tablesOf({ routes }: Service): ReadonlyMap<string, Shelves> {
  const lines = routes.map((route): Line => ({ route, parts: route.pattern.slice(1).split("/") }));
  return new Map([...Map.groupBy(lines, ({ route }) => route.method)].map(([method, all]) => [method, shelvesOf(all)]));
}

function shelvesOf(all: readonly Line[]): Shelves {
  const at = new Map<string, Line[]>();
  for (const line of all) {
    for (const [index, part] of line.parts.entries()) {
      const key = shelf(index, part.startsWith("{") ? undefined : part);
      const lines = at.get(key) ?? [];
      lines.push(line);
      at.set(key, lines);
    }
  }
  return { all, rests: all.filter(({ parts }) => parts.at(-1)!.endsWith("...}")), at };
}

function shelf(index: number, literal: string | undefined): string {
  return literal === undefined ? `${index}` : `${index} ${literal}`;
}

/** All whose shape the operation can have, and others: those of its literal that fewest lines can have. */
function candidates({ all, rests, at }: Shelves, segments: readonly ApiSegment[]): readonly Line[] {
  let fewest = all;
  for (const [index, segment] of segments.entries()) {
    if (segment.kind === "rest") break;
    if (segment.kind !== "literal") continue;
    const lines = [...(at.get(shelf(index, segment.text)) ?? []), ...(at.get(shelf(index, undefined)) ?? []), ...rests];
    if (lines.length < fewest.length) fewest = lines;
  }
  return fewest;
}

/**
 * Paths that are most in the line's favour: its own literals, and elsewhere a value that no other line has. Where none of them
 * leads to it, no path of the operation does.
 */
function pathsTo(parts: readonly string[], segments: readonly ApiSegment[], value: string): readonly (readonly string[])[] {
  const step = (index: number, at: number, path: readonly string[]): readonly (readonly string[])[] => {
    const [part, segment] = [parts[index], segments[at]];
    if (part === undefined || segment === undefined) return part === segment ? [path] : [];
    if (part.endsWith("...}")) return [[...path, ...segments.slice(at).map((one) => filled(one, value))]];
    if (!part.startsWith("{") && !fits(segment, part)) return [];
    const longer = [...path, part.startsWith("{") ? filled(segment, value) : part];
    const more = segment.kind === "rest" ? step(index + 1, at, longer) : [];
    return [...step(index + 1, at + 1, longer), ...more];
  };
  return step(0, 0, []);
}
