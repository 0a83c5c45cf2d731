/** Requests that reach a route: under each host and prefix, with a tenant named or none. */
import type { RequestFacts } from "../../contract/decision.ts";
import type { HostTable, Mount, Policy, PrefixTable, Route, Service, TenantPlaces } from "../../contract/policy.ts";
import { match } from "../../decision/match.ts";
import { looseFieldName } from "../../decision/query.ts";

/** A service under one host and one of its prefixes. `host` is a name that leads there; `hostWords` is how the file says it. */
export interface Place {
  readonly mount: Mount;
  readonly host: string;
  readonly hostWords: string;
  readonly hostSuffix?: string;
}

/** Any name that no policy lists. */
const SOME_HOST = "host-of-nobody.invalid";
const SOME_LABEL = "some-label";

export function placesOf(policy: Policy): ReadonlyMap<Service, readonly Place[]> {
  const places = new Map<Service, Place[]>();
  const add = (place: Place): void => {
    const { service } = place.mount;
    places.set(service, [...(places.get(service) ?? []), place]);
  };
  for (const { table, ...host } of hostsOf(policy.hosts)) for (const mount of mountsIn(table)) add({ mount, ...host });
  return places;
}

interface HostEntry extends Omit<Place, "mount"> {
  readonly table: PrefixTable;
}

function hostsOf({ exact, suffix, any }: HostTable): readonly HostEntry[] {
  return [
    ...(any ? [{ table: any, host: SOME_HOST, hostWords: "" }] : []),
    ...[...exact].map(([host, table]) => ({ table, host, hostWords: host })),
    ...[...suffix].map(([hostSuffix, table]) => ({
      table,
      host: `${SOME_LABEL}.${hostSuffix}`,
      hostWords: `{}.${hostSuffix}`,
      hostSuffix,
    })),
  ];
}

function mountsIn(table: PrefixTable): readonly Mount[] {
  return [...(table.mount ? [table.mount] : []), ...[...table.next.values()].flatMap(mountsIn)];
}

/** Whether requests can name a tenant on the route, and whether they can leave it out. */
export interface Naming {
  readonly canName: boolean;
  readonly canOmit: boolean;
}

/** A route where requests find it. */
export interface Reach {
  readonly route: Route;
  readonly naming: Naming;
  /** Facts of a request that reaches the route and names the tenant, or none; undefined where none can. */
  readonly request: (tenant: string | undefined) => RequestFacts | undefined;
}

/** Undefined where no request reaches the route, since others stand before it. */
export function reachOf(policy: Policy, route: Route, places: readonly Place[]): Reach | undefined {
  const reached = places.flatMap((place) => {
    const segments = segmentsReaching(policy, route, place);
    return segments ? [{ place, segments }] : [];
  });
  if (reached.length === 0) return undefined;
  const { tenant } = route.service;
  const inPath = tenant?.path !== undefined && segmentTexts(route).includes(`{${tenant.path}}`);
  const inHost = (place: Place) => tenant?.host !== undefined && place.mount.hostPlaceholder !== undefined;
  const naming = {
    canName: inPath || reached.some(({ place }) => inHost(place)) || fieldOf(tenant, route) !== undefined || tenant?.header !== undefined,
    canOmit: !inPath && reached.some(({ place }) => !inHost(place)),
  };
  const request = (name: string | undefined): RequestFacts | undefined => {
    if (name === undefined ? !naming.canOmit : !naming.canName) return undefined;
    const fit = reached.find(({ place }) => inHost(place) === (name !== undefined)) ?? (name === undefined ? undefined : reached[0]);
    return fit && facts(route, fit.place, fit.segments, name, inPath || inHost(fit.place));
  };
  return { route, naming, request };
}

/* ── paths ────────────────────────────────────────────────────────────── */

function segmentTexts({ pattern }: Route): readonly string[] {
  return pattern.slice(1).split("/");
}

interface Segments {
  readonly texts: readonly string[];
  /** Where the tenant stands. */
  readonly tenantAt?: number;
}

/** The shortest path with values that no table has as literals; a rest may have to be longer than one segment. */
function segmentsReaching(policy: Policy, route: Route, place: Place): Segments | undefined {
  const most = segmentTexts(route).at(-1)!.endsWith("...}") ? deepest(place.mount) + 1 : 1;
  for (let length = 1; length <= most; length++) {
    const segments = segmentsOf(route, place.mount, length);
    const found = match(policy, factsOf(route, place.host, segments.texts));
    if (found.kind === "route" && found.route === route) return segments;
  }
  return undefined;
}

function segmentsOf(route: Route, { prefix }: Mount, restLength: number): Segments {
  const before = prefix === "" ? [] : prefix.slice(1).split("/");
  const own = segmentTexts(route);
  const tenantAt = own.indexOf(`{${route.service.tenant?.path}}`);
  const texts = own.flatMap((text, index) => {
    if (text.endsWith("...}")) return Array.from({ length: restLength }, (_, at) => `rest-${at + 1}-of-path`);
    return text.startsWith("{") ? [`value-${index + 1}-of-path`] : [text];
  });
  return { texts: [...before, ...texts], ...(tenantAt !== -1 && { tenantAt: before.length + tenantAt }) };
}

const depths = new WeakMap<Service, number>();

function deepest({ service }: Mount): number {
  const depth = depths.get(service) ?? service.routes.reduce((most, route) => Math.max(most, segmentTexts(route).length), 0);
  depths.set(service, depth);
  return depth;
}

/* ── tenants ──────────────────────────────────────────────────────────── */

/** The query field that can name the tenant: one that the route lets through. */
function fieldOf(places: TenantPlaces | undefined, { query }: Route): string | undefined {
  if (places?.query === undefined) return undefined;
  const loose = looseFieldName(places.query);
  if (query?.kind === "allow") return [...query.names].find((name) => looseFieldName(name) === loose);
  return query && [...query.names].some((name) => looseFieldName(name) === loose) ? undefined : places.query;
}

function facts(route: Route, place: Place, segments: Segments, tenant: string | undefined, named: boolean): RequestFacts {
  const places = route.service.tenant;
  const field = tenant === undefined || named ? undefined : fieldOf(places, route);
  const header = tenant === undefined || named || field !== undefined ? undefined : places?.header;
  const texts = segments.texts.map((text, index) => (index === segments.tenantAt && tenant !== undefined ? tenant : text));
  const host =
    tenant !== undefined && places?.host !== undefined && place.hostSuffix !== undefined ? `${tenant}.${place.hostSuffix}` : place.host;
  const query = field === undefined ? "" : `${encodeURIComponent(field)}=${tenant}`;
  return { ...factsOf(route, host, texts), query, header: (name) => (name === header && tenant !== undefined ? [tenant] : []) };
}

function factsOf(route: Route, host: string, segments: readonly string[]): RequestFacts {
  return {
    method: route.method,
    path: { segments, encodedSlash: false },
    query: "",
    host,
    address: route.from?.cidrs[0]?.split("/")[0] ?? "192.0.2.1",
    websocket: false,
    header: () => [],
  };
}
