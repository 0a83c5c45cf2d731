/** The keys of a service's table, each read once for all checks. */
import { readRouteKey, type RoutePattern } from "../pattern.ts";
import type { ServiceFile } from "../schema/service.ts";
import type { Tree } from "../tree.ts";
import { type Draft, namesIn } from "../validate.ts";

const known = new WeakMap<Tree, ReadonlyMap<string, RoutePattern>>();

/** Every key that can be read, with its parts; those of refused lines too. */
export function routePatterns(service: Draft<ServiceFile>): ReadonlyMap<string, RoutePattern> {
  const patterns = known.get(service.tree) ?? read(namesIn(service, ["routes"]));
  known.set(service.tree, patterns);
  return patterns;
}

function read(keys: readonly string[]): ReadonlyMap<string, RoutePattern> {
  const patterns = new Map<string, RoutePattern>();
  for (const key of keys) {
    const reading = readRouteKey(key);
    if (reading.kind === "value") patterns.set(key, reading.value);
  }
  return patterns;
}
