/** L103: lines that are hidden under one prefix or host of their service, and reached under another. */
import type { Mount, PrefixTable, Route, RouteNode } from "../../../contract/policy.ts";
import { type Observation, routeSpot, type ServiceRule } from "../observation.ts";

export const hiddenRoutes: ServiceRule = (subject) => {
  const own = subject.mounts.filter(({ mount }) => mount.service === subject.service);
  return own.flatMap(({ mount, host, below }) =>
    hiddenUnder(mount, below).map(({ route, hider }): Observation => {
      const message = `under \`${host}${mount.prefix || "/"}\` this is never reached: \`${hider.prefix}\` belongs to \`${hider.service.name}\``;
      return { code: "L103", ...routeSpot(subject, route), message };
    }),
  );
};

interface Hidden {
  readonly route: Route;
  readonly hider: Mount;
}

function hiddenUnder(mount: Mount, table: PrefixTable): readonly Hidden[] {
  return [...mount.methods.values()].flatMap((tree) => descend(table, tree));
}

/** Walks table and tree by the same literals: behind a longer prefix every route is hidden. */
function descend(table: PrefixTable, node: RouteNode): readonly Hidden[] {
  return [...table.next].flatMap(([segment, deeper]) => {
    const next = node.literals.get(segment);
    if (!next) return [];
    const hider = deeper.mount;
    return hider ? routesBelow(next).map((route) => ({ route, hider })) : descend(deeper, next);
  });
}

function routesBelow(node: RouteNode): readonly Route[] {
  const steps = [...node.literals.values(), ...(node.placeholder ? [node.placeholder] : []), ...(node.rest ? [node.rest] : [])];
  return [...(node.route ? [node.route] : []), ...steps.flatMap(routesBelow)];
}
