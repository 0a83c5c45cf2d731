/** What of a policy its green tests have shown, and what they have not. */
import type { Caller } from "../contract/caller.ts";
import type { Matched } from "../contract/decision.ts";
import { AUTHENTICATION_FAILURES } from "../contract/errors.ts";
import type { Policy } from "../contract/policy.ts";
import { grantsOf, satisfies } from "../decision/permission.ts";
import { looseFieldName, queryFields } from "../decision/query.ts";
import { pointsOf, type Point, type PlaceIn, tenantPlaces } from "./coverage-points.ts";
import type { TestResult } from "./tests.ts";

export interface Coverage {
  readonly points: readonly (Point & { readonly covered: boolean })[];
  /** Of all points together, rounded down to a tenth. */
  readonly percent: number;
}

/** Only green tests count, and a point counts once however many tests show it. */
export function coverageOf(policy: Policy, results: readonly TestResult[], placeIn: PlaceIn): Coverage {
  const shown = new Set(results.filter((result) => result.faults.length === 0).flatMap(shownBy));
  const points = policy.services
    .flatMap((service) => pointsOf(service, placeIn))
    .map((point) => ({ ...point, covered: shown.has(point.id) }));
  return { points, percent: percentOf(points) };
}

/** 100 only where nothing is left, and where there is nothing. */
export function percentOf(points: readonly { readonly covered: boolean }[]): number {
  if (points.length === 0) return 100;
  return Math.floor((points.filter((point) => point.covered).length / points.length) * 1000) / 10;
}

/** Ids of the points that a green test shows. */
function shownBy(result: TestResult): readonly string[] {
  const { decision, seen } = result.verdict;
  if (seen?.match.kind !== "route") return [];
  const { match } = seen;
  return [
    ...originPoints(result, match),
    ...(decision.outcome === "preflight"
      ? []
      : [...routePoints(result, match), ...permissionPoints(result, match), ...tenantPoints(result, match)]),
  ];
}

function routePoints({ verdict: { decision, ruled } }: TestResult, { route }: Matched): readonly string[] {
  const id = `${route.service.name}/${route.name}`;
  if (decision.outcome === "allow") return [id, ...(decision.caller ? [`${route.service.name}/by ${decision.caller.authenticator}`] : [])];
  // The refusal of a body is none of the line's points, though it may have the code of one.
  if (ruled.outcome !== "deny") return [];
  if (route.access.kind === "denied") return [id];
  const kind = AUTHENTICATION_FAILURES.has(ruled.code) ? "credential" : REFUSALS.get(ruled.code);
  return kind === undefined ? [] : [`${id}/${kind}`];
}

const REFUSALS = new Map<string, string>([
  ["WRONG_TOKEN_TYPE", "authenticator"],
  ["INSUFFICIENT_SCOPE", "permission"],
  ["INSUFFICIENT_ROLE", "permission"],
  ["TENANT_MISMATCH", "tenant"],
  ["ADDRESS_NOT_ALLOWED", "address"],
  ["REQUEST_INVALID", "query"],
]);

function permissionPoints({ verdict: { decision } }: TestResult, { route }: Matched): readonly string[] {
  const caller = decision.outcome === "preflight" ? undefined : decision.caller;
  if (!caller || route.access.kind !== "permissions") return [];
  const lacks = decision.outcome === "deny" && REFUSALS.get(decision.code) === "permission";
  if (decision.outcome !== "allow" && !lacks) return [];
  return route.access.names
    .filter((name) => has(caller, name) !== lacks)
    .map((name) => `${route.service.name}/permission ${name}/${lacks ? "lacking" : "granted"}`);
}

function has(caller: Caller, name: string): boolean {
  return satisfies(grantsOf(caller, undefined), { kind: "permissions", need: "all", names: [name] });
}

function tenantPoints({ verdict: { decision, seen } }: TestResult, match: Matched): readonly string[] {
  const { service } = match.route;
  if (!seen || !service.tenant || match.route.tenant === "unchecked" || decision.outcome === "preflight") return [];
  const named = tenantPlaces(service).filter((place) => isNamed(place, match, seen.request));
  if (decision.outcome === "deny") {
    if (decision.code !== "TENANT_MISMATCH" || match.route.tenant === "crossTenantOnly") return [];
    return named.length === 0 ? [`${service.name}/tenant required`] : named.map((place) => `${service.name}/tenant ${place}/other`);
  }
  const { caller, tenant } = decision;
  if (!caller) return [];
  const crosses =
    caller.crossTenant && (match.route.tenant === "crossTenantOnly" || (tenant !== undefined && !caller.tenants.includes(tenant)));
  if (crosses) return [`${service.name}/by ${caller.authenticator}/crossTenant`];
  return named.map((place) => `${service.name}/tenant ${place}/own`);
}

type Request = NonNullable<TestResult["verdict"]["seen"]>["request"];

function isNamed(place: string, { params, hostTenant, route }: Matched, request: Request): boolean {
  const places = route.service.tenant!;
  switch (place) {
    case "path":
      return params.has(places.path!);
    case "host":
      return hostTenant !== undefined;
    case "header":
      return request.header(places.header!).length > 0;
    default:
      return queryFields(request.query).some((field) => looseFieldName(field.name) === looseFieldName(places.query!));
  }
}

function originPoints({ verdict: { decision, seen } }: TestResult, { route: { service }, preflight }: Matched): readonly string[] {
  const origin = seen?.request.origin;
  if (!service.cors || origin === undefined) return [];
  const listed = service.cors.origins.has(origin);
  if (!listed && decision.outcome === "deny" && decision.code === "ORIGIN_NOT_ALLOWED") {
    return [`${service.name}/origin ${preflight ? "preflight" : "request"}/refused`];
  }
  return listed ? [`${service.name}/origin ${preflight ? "preflight" : "request"}/answered`] : [];
}
