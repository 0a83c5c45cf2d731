/** Everything that tests can show of a service: one point for each. */
import type { Authenticator, Grants } from "../contract/authenticators.ts";
import type { Route, Service, SourcePlace } from "../contract/policy.ts";
import { intersection, satisfies } from "../decision/permission.ts";

export const AREAS = ["routes", "refusals", "permissions", "tenants", "authenticators", "origins"] as const;
export type Area = (typeof AREAS)[number];

export interface Point {
  readonly id: string;
  readonly area: Area;
  readonly service: string;
  /** What is to be shown: `GET /models is allowed`. */
  readonly what: string;
  readonly place: SourcePlace;
}

/** Where a part of a service's file stands. */
export type PlaceIn = (service: Service, path: readonly (string | number)[]) => SourcePlace;

/** All points of a service, in the order of the areas. */
export function pointsOf(service: Service, placeIn: PlaceIn): readonly Point[] {
  const at = (path: readonly string[]) => placeIn(service, path);
  return [
    ...service.routes.map(routePoint),
    ...service.routes.flatMap(refusalPoints),
    ...permissionPoints(service),
    ...tenantPoints(service, at),
    ...service.authenticators.map((one) =>
      point(service, "authenticators", `by ${one.name}`, `${one.name} names an allowed caller`, at(["authenticators", one.name])),
    ),
    ...originPoints(service, at(["cors"])),
  ];
}

function point(service: Service, area: Area, id: string, what: string, place: SourcePlace): Point {
  return { id: `${service.name}/${id}`, area, service: service.name, what, place };
}

function routePoint(route: Route): Point {
  const outcome = route.access.kind === "denied" ? "denied" : "allowed";
  return point(route.service, "routes", route.name, `${route.name} is ${outcome}`, route.source);
}

/* ── refusals ─────────────────────────────────────────────────────────── */

/** The refusals that a route's own line can give, whoever calls. */
function refusalPoints(route: Route): readonly Point[] {
  return refusalsOf(route).map((kind) =>
    point(route.service, "refusals", `${route.name}/${kind}`, `${route.name} is refused: ${REFUSAL_WORDS[kind]}`, route.source),
  );
}

const REFUSAL_WORDS = {
  credential: "no good credential",
  authenticator: "another authenticator",
  permission: "permission lacking",
  tenant: "another tenant",
  address: "another address",
  query: "query not allowed",
} as const;

type Refusal = keyof typeof REFUSAL_WORDS;

function refusalsOf(route: Route): readonly Refusal[] {
  const { access, service, authenticators } = route;
  if (access.kind === "denied") return [];
  const own: Refusal[] = [...(route.from ? ["address" as const] : []), ...(route.query ? ["query" as const] : [])];
  if (access.kind === "public") return own;
  return [
    "credential",
    ...(authenticators.length < service.authenticators.length ? ["authenticator" as const] : []),
    ...(authenticators.some((one) => mayLack(route, one)) ? ["permission" as const] : []),
    ...(refusesTenants(route) ? ["tenant" as const] : []),
    ...own,
  ];
}

/** Whether the authenticator may name a caller who lacks what the route needs. */
function mayLack({ access, service }: Route, authenticator: Authenticator): boolean {
  if (access.kind !== "permissions") return false;
  const { role } = authenticator;
  const cap = role?.kind === "fixed" ? (service.roles.get(role.role) ?? new Set<string>()) : undefined;
  const cut = (granted: Grants) => (cap ? intersection(granted, cap) : granted);
  if (authenticator.kind === "bearer")
    return authenticator.secrets.some((one) => !satisfies([authenticator.hasGrants ? cut(one.grants) : (cap ?? one.grants)], access));
  return authenticator.hasGrants || !cap || !satisfies([cap], access);
}

function refusesTenants(route: Route): boolean {
  if (route.tenant !== "match") return route.tenant === "crossTenantOnly";
  const { tenant } = route.service;
  if (!tenant) return false;
  const elsewhere = tenant.query !== undefined || tenant.header !== undefined || tenant.host !== undefined;
  return elsewhere || (tenant.path !== undefined && route.pattern.split("/").includes(`{${tenant.path}}`));
}

/* ── permissions, tenants, origins ────────────────────────────────────── */

function permissionPoints(service: Service): readonly Point[] {
  const needing = new Map<string, Route[]>();
  for (const route of service.routes) {
    if (route.access.kind !== "permissions") continue;
    for (const name of route.access.names) needing.set(name, [...(needing.get(name) ?? []), route]);
  }
  return [...needing].flatMap(([name, routes]) => {
    const place = routes[0]!.source;
    const lacking = routes.some((route) => refusalsOf(route).includes("permission"));
    return [
      point(service, "permissions", `permission ${name}/granted`, `${name} lets a caller in`, place),
      ...(lacking ? [point(service, "permissions", `permission ${name}/lacking`, `without ${name} a caller is refused`, place)] : []),
    ];
  });
}

/** Places where a request of the service may name its tenant. */
export function tenantPlaces({ tenant }: Service): readonly ("path" | "query" | "header" | "host")[] {
  return (["path", "query", "header", "host"] as const).filter((place) => tenant?.[place] !== undefined);
}

function tenantPoints(service: Service, at: (path: readonly string[]) => SourcePlace): readonly Point[] {
  const places = tenantPlaces(service).filter((place) => place !== "path" || service.routes.some(refusesByPath));
  const crossing = service.authenticators.filter((one) => one.crossTenant && service.routes.some(refusesTenants));
  return [
    ...places.flatMap((place) => [
      point(service, "tenants", `tenant ${place}/own`, `a caller's own tenant in the ${place} is allowed`, at(["tenant", place])),
      point(service, "tenants", `tenant ${place}/other`, `another tenant in the ${place} is refused`, at(["tenant", place])),
    ]),
    ...(service.tenant?.required === true
      ? [point(service, "tenants", "tenant required", "no tenant named, and none to be told: refused", at(["tenant", "required"]))]
      : []),
    ...crossing.map((one) =>
      point(
        service,
        "tenants",
        `by ${one.name}/crossTenant`,
        `a caller of ${one.name} crosses tenants`,
        at(["authenticators", one.name, "crossTenant"]),
      ),
    ),
  ];
}

/** The placeholder may stand in no route at all. */
function refusesByPath({ service, pattern, access }: Route): boolean {
  return access.kind !== "public" && access.kind !== "denied" && pattern.split("/").includes(`{${service.tenant?.path}}`);
}

function originPoints(service: Service, place: SourcePlace): readonly Point[] {
  if (!service.cors) return [];
  const origin = (id: string, what: string) => point(service, "origins", `origin ${id}`, what, place);
  return [
    origin("preflight/answered", "a preflight of a listed origin is answered"),
    origin("preflight/refused", "a preflight of another origin is refused"),
    origin("request/answered", "a request of a listed origin gets its headers"),
    ...(service.cors.otherOrigins === "refuse" ? [origin("request/refused", "a request of another origin is refused")] : []),
  ];
}
