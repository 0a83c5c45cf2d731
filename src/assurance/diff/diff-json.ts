/** The difference for machines. */
import { proverJson } from "../matrix/matrix-data.ts";
import type { AccessChange } from "./access.ts";
import { type Difference, isWideningRoute, type RouteDifference, widens } from "./diff.ts";

export function differenceJson(difference: Difference): object {
  const routes = difference.routes.map(routeJson).toSorted((left, right) => Number(right.wider) - Number(left.wider));
  return {
    different: difference.routes.length + difference.general.length > 0,
    wider: widens(difference),
    routes,
    general: difference.general,
  };
}

function routeJson(route: RouteDifference) {
  const { labels, before, after, gained, lost, changes } = route;
  return {
    requests: labels,
    wider: isWideningRoute(route),
    before: before ? { service: before.service.name, rule: before.rule, source: before.source } : null,
    after: after ? { service: after.service.name, rule: after.rule, source: after.source } : null,
    gained: gained.map(accessJson),
    lost: lost.map(accessJson),
    changes,
  };
}

function accessJson({ stance, roles, opening, relations, otherwise }: AccessChange): object {
  return { ...proverJson(stance), roles: roles ?? null, grants: opening, tenants: relations, otherwise };
}
