/** Backwards: who can call one route, and by which grants. */
import type { Policy, Route } from "../../contract/policy.ts";
import { canonicalPath } from "../../decision/path.ts";
import { match } from "../../decision/match.ts";
import { type Opening, type Relation, type Stance } from "../classes/caller.ts";
import { openingsOf, type Side } from "../classes/openings.ts";
import { placesOf, type Reach, reachOf } from "../classes/reach.ts";
import { stancesOf } from "../classes/stances.ts";
import { pathsOf, sideOf } from "./matrix.ts";

/** Whose data: of `any` tenant, of their `own` only, or only where the request names none (`unnamed`). */
export type Reachable = "any" | "own" | "unnamed";

export interface Way {
  readonly stance: Stance;
  /** Undefined where the stance has no role of its own; otherwise all those with which it is so. */
  readonly roles?: readonly string[];
  readonly tenants: Reachable;
  readonly opening: Opening;
}

export interface Who {
  readonly route: Route;
  readonly paths: readonly string[];
  /** False where no request reaches the route, since others stand before it. */
  readonly reached: boolean;
  readonly ways: readonly Way[];
}

/** Everybody who can call the route, by their smallest sets of grants. */
export function whoCan(policy: Policy, route: Route, now: number): Who {
  const places = placesOf(policy).get(route.service) ?? [];
  const reach = reachOf(policy, route, places);
  const ways = reach ? waysOf(sideOf(route.service, now), reach) : [];
  return { route, paths: pathsOf(route, places), reached: reach !== undefined, ways };
}

function waysOf(side: Side, reach: Reach): readonly Way[] {
  const { service } = side;
  const versions = service.authenticators.map((one) => ({ name: one.name, authenticators: [one], services: [service] }));
  return mergedByRole(stancesOf(versions).flatMap((stance) => waysOfStance(side, reach, stance)));
}

function waysOfStance(side: Side, { route, naming }: Reach, stance: Stance): readonly Way[] {
  const open = (relation: Relation) => openingsOf({ side, route, naming }, stance, relation) ?? [];
  const any = naming.canName ? open("other") : open("none");
  const own = naming.canName ? beyond(any, open("own")) : [];
  const unnamed = naming.canName && naming.canOmit ? beyond([...any, ...own], open("none")) : [];
  const way =
    (tenants: Reachable) =>
    (opening: Opening): Way => ({ stance, tenants, opening });
  return [...any.map(way("any")), ...own.map(way("own")), ...unnamed.map(way("unnamed"))];
}

/** What of the openings is not said by wider ones already. */
function beyond(wider: readonly Opening[], openings: readonly Opening[]): readonly Opening[] {
  const isNews = (opening: Opening) => !wider.some((one) => covers(one, opening));
  const trimmed = openings.map((opening) => opening.map((alternatives) => alternatives.filter((grant) => isNews([[grant]]))));
  return trimmed.filter((opening) => opening.every((alternatives) => alternatives.length > 0) && isNews(opening));
}

/** Whether everybody who has one of each of `opening` meets `wider` too. */
function covers(wider: Opening, opening: Opening): boolean {
  return wider.every((needed) =>
    opening.some((alternatives) => alternatives.every((grant) => needed.some((one) => one.name === grant.name && one.kind === grant.kind))),
  );
}

function mergedByRole(ways: readonly Way[]): readonly Way[] {
  const merged = new Map<string, Way>();
  for (const way of ways) {
    const { role, ...prover } = way.stance;
    const key = JSON.stringify([prover, way.tenants, way.opening]);
    const roles = role === undefined ? undefined : [...(merged.get(key)?.roles ?? []), role];
    merged.set(key, { ...way, ...(roles && { roles }) });
  }
  return [...merged.values()];
}

/* ── which route is meant ─────────────────────────────────────────────── */

/** Routes that `METHOD /path` names: as written, with or without prefix, or else by a path that leads there. */
export function routesNamed(policy: Policy, text: string, service?: string): readonly Route[] {
  const [method = "", path = ""] = text.trim().split(/\s+/, 2);
  const routes = policy.services.filter(({ name }) => service === undefined || name === service).flatMap((one) => one.routes);
  const wanted = form(path);
  const named = routes.filter(
    (route) =>
      route.method === method &&
      [...route.service.prefixes.map((prefix) => prefix + route.pattern), route.pattern].map(form).includes(wanted),
  );
  return named.length > 0 ? named : routesReached(policy, method, path).filter((route) => routes.includes(route));
}

/** Placeholders have no names here. */
function form(path: string): string {
  return path.replaceAll(/\{[^}.]*(\.\.\.)?\}/g, "{$1}");
}

function routesReached(policy: Policy, method: string, path: string): readonly Route[] {
  const canonical = canonicalPath(path);
  if (canonical.kind === "invalid") return [];
  const hosts = new Set([...placesOf(policy).values()].flat().map(({ host }) => host));
  const found = [...hosts].map((host) =>
    match(policy, { method, path: canonical.path, query: "", host, address: "192.0.2.1", websocket: false, header: () => [] }),
  );
  return [...new Set(found.flatMap((one) => (one.kind === "route" ? [one.route] : [])))];
}
