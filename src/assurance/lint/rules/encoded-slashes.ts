/** L105: a service that decodes `%2F` before it splits a path sees another line's path, and that line asks for more. */
import type { Route, RouteNode } from "../../../contract/policy.ts";
import { type Observation, routeSpot, type ServiceRule } from "../observation.ts";
import { opensMore } from "../strictness.ts";

/** Steps of the search in one service: where nearly every line keeps slashes it would look at each pair of them. */
const MOST_STEPS = 1_000_000;

export const encodedSlashes: ServiceRule = (subject) => {
  const keeping = subject.service.routes.filter(({ encodedSlash, access }) => encodedSlash && access.kind !== "denied");
  if (keeping.length === 0) return [];
  const trees = subject.mounts.find((one) => one.mount.service === subject.service)?.mount.methods;
  const steps = { left: MOST_STEPS };
  return keeping.flatMap((route): readonly Observation[] => {
    const tree = trees?.get(route.method);
    const seen = tree && new Splitting(route, steps).search(tree, 0, false);
    // what cannot be looked at is found, not passed over
    if (!seen && steps.left > 0) return [];
    const message = seen
      ? `a service that decodes \`%2F\` first sees \`${seen.name}\`, which line ${seen.source.line} guards with \`${seen.rule}\``
      : "there are too many lines like this one to tell what a service that decodes `%2F` first would see";
    return [{ code: "L105", ...routeSpot(subject, route, "encodedSlash"), part: "key", message }];
  });
};

/** Looks for a stricter route among the paths into which values of the route's placeholders can be split. */
class Splitting {
  readonly #route: Route;
  readonly #segments: readonly string[];
  readonly #steps: { left: number };
  /** Where the search has been; the number tells position and whether a value has been split. */
  readonly #visited = new Map<RouteNode, Set<number>>();

  constructor(route: Route, steps: { left: number }) {
    this.#steps = steps;
    this.#route = route;
    this.#segments = route.pattern.slice(1).split("/");
  }

  /** `index`: how many segments of the pattern are used up. */
  search(node: RouteNode, index: number, split: boolean): Route | undefined {
    if (this.#steps.left-- <= 0) return undefined;
    const visited = this.#visited.get(node) ?? new Set();
    const state = index * 2 + (split ? 1 : 0);
    if (visited.has(state)) return undefined;
    this.#visited.set(node, visited.add(state));
    const segment = this.#segments[index];
    if (segment === undefined) return split ? this.#stricter(node.route) : undefined;
    if (!segment.startsWith("{")) return this.#literal(node, segment, index, split);
    return this.#placeholder(node, segment.endsWith("...}"), index, split);
  }

  #literal(node: RouteNode, segment: string, index: number, split: boolean): Route | undefined {
    for (const next of [node.literals.get(segment), node.placeholder]) {
      const found = next && this.search(next, index + 1, split);
      if (found) return found;
    }
    // a value further on can be split where a wildcard takes it all the same
    const canSplit = split || this.#segments.slice(index).some((one) => one.startsWith("{"));
    return canSplit ? this.#stricter(node.rest?.route) : undefined;
  }

  /** A piece of the value takes any step; the value ends with it, or goes on behind a slash. */
  #placeholder(node: RouteNode, isRest: boolean, index: number, split: boolean): Route | undefined {
    for (const next of [...node.literals.values(), ...(node.placeholder ? [node.placeholder] : [])]) {
      const found =
        this.search(next, index + 1, split) ?? this.search(next, index, true) ?? (isRest ? this.search(next, index, split) : undefined);
      if (found) return found;
    }
    return this.#stricter(node.rest?.route);
  }

  #stricter(route: Route | undefined): Route | undefined {
    return route && route !== this.#route && opensMore(this.#route, route) ? route : undefined;
  }
}
