/** L106, L107, L109: what is open to everybody, and changes that are more open than the reading of the same path. */
import type { Route } from "../../../contract/policy.ts";
import { type Observation, routeSpot, type ServiceRule } from "../observation.ts";
import { isOfLaxerKind } from "../strictness.ts";

/** Methods that are safe by their definition (RFC 9110 section 9.2.1 and those registered beside it). */
const SAFE = new Set(["GET", "OPTIONS", "QUERY", "SEARCH", "PROPFIND", "REPORT"]);

export const changes: ServiceRule = (subject) => {
  const { routes } = subject.service;
  const reads = new Map(routes.filter(({ method }) => method === "GET").map((route) => [shapeOf(route), route]));
  return routes.flatMap((route): readonly Observation[] => {
    const spot = routeSpot(subject, route);
    const isSafe = SAFE.has(route.method);
    if (route.access.kind === "public" && isSafe) return [{ code: "L109", ...spot, message: "everybody may call this" }];
    const read = isSafe ? undefined : reads.get(shapeOf(route));
    if (read && read.access.kind !== "denied" && isOfLaxerKind(route.access, read.access)) {
      const message = `this is \`${route.rule}\`, and \`${read.name}\` in line ${read.source.line} asks for \`${read.rule}\``;
      return [{ code: "L107", ...spot, message }];
    }
    return route.access.kind === "public" ? [{ code: "L106", ...spot, message: "everybody may call this, and it changes something" }] : [];
  });
};

/** Patterns that match the same paths have the same shape. */
function shapeOf({ pattern }: Route): string {
  return pattern.replaceAll(/\{[^}.]*(\.\.\.)?\}/g, "{$1}");
}
