/** Where requests of a document land: they are put to the gateway's own matcher, at each host of the service. */
import type { RequestFacts } from "../../../contract/decision.ts";
import type { Mount, Policy, Route, Service } from "../../../contract/policy.ts";
import { routeVerdict } from "../../../decision/decide.ts";
import { match } from "../../../decision/match.ts";
import { canonicalPath } from "../../../decision/path.ts";
import { type Place, placesOf } from "../../classes/reach.ts";
import { type ApiSegment, filled } from "./api-path.ts";

/** A service with all that its requests need to find it. */
export interface Site {
  readonly policy: Policy;
  readonly service: Service;
  readonly places: readonly Place[];
  /** What stands before the document's paths. */
  readonly base: readonly ApiSegment[];
  /** In place of parameters: no literal of any table holds it. */
  readonly value: string;
  /** Segments of the service's longest pattern. */
  readonly deepest: number;
}

export type Landing =
  | { readonly kind: "route"; readonly route: Route; readonly mount: Mount }
  /** No line of the service has the path and the method. */
  | { readonly kind: "none" }
  /** Whatever the lines of the service are. */
  | { readonly kind: "astray"; readonly reason: string };

/** `base`: undefined for the first prefix of the service. */
export function siteOf(policy: Policy, service: Service, base: string | undefined): Site {
  const before = (base ?? service.prefixes[0] ?? "").replace(/\/+$/, "");
  return {
    policy,
    service,
    places: placesOf(policy).get(service) ?? [],
    base: before.split("/").flatMap((text, index): readonly ApiSegment[] => (index === 0 ? [] : [{ kind: "literal", text }])),
    value: valueFor(policy),
    deepest: Math.max(0, ...service.routes.map(({ pattern }) => pattern.split("/").length - 1)),
  };
}

/** No literal, however a careless reader takes it, has it as a part. */
function valueFor({ services }: Policy): string {
  const written = services.flatMap(({ prefixes, routes }) => [...prefixes, ...routes.map(({ pattern }) => pattern)]);
  const literals = written.join("\n").normalize("NFKC").toLowerCase();
  let value = "any-value";
  for (let number = 1; literals.includes(value); number++) value = `any-value-${number}`;
  return value;
}

/** Requests of any values, at each host; `segments` hold the base. A parameter for several segments gets each number of them that the table tells apart. */
export function landings(site: Site, method: string, segments: readonly ApiSegment[]): readonly Landing[] {
  const most = segments.some(({ kind }) => kind === "rest") ? site.deepest + 1 : 1;
  const paths = Array.from({ length: most }, (_, shorter) => pathOf(segments, site.value, most - shorter));
  return hostsOf(site).flatMap((host) => paths.map((path) => landing(site, host, method, path)));
}

function pathOf(segments: readonly ApiSegment[], value: string, restLength: number): readonly string[] {
  return segments.flatMap((segment) =>
    segment.kind === "rest" ? Array.from({ length: restLength }, () => value) : [filled(segment, value)],
  );
}

function hostsOf({ places }: Site): readonly string[] {
  return [...new Set(places.map(({ host }) => host))];
}

/** Where a request with these segments goes. */
export function landing(site: Site, host: string, method: string, path: readonly string[]): Landing {
  const { policy, service } = site;
  const canonical = canonicalPath(`/${path.map((text) => encodeURIComponent(text)).join("/")}`);
  if (canonical.kind === "invalid") return astray(`no request can have its path: ${canonical.reason}`);
  const request: RequestFacts = {
    method,
    path: canonical.path,
    query: "",
    host,
    address: "192.0.2.1",
    websocket: false,
    header: () => [],
  };
  const found = match(policy, request);
  if (!found.mount) return astray("its path is under no service's prefix");
  const owner = found.mount.service;
  if (owner !== service) return astray(`its path belongs to ${owner.name}${found.kind === "route" ? ` (${found.route.name})` : ""}`);
  if (found.kind === "none") return found;
  const refused = routeVerdict(found, request);
  return refused?.code === "REQUEST_INVALID"
    ? astray(`${found.route.name} refuses it: ${refused.reason}`)
    : { kind: "route", route: found.route, mount: found.mount };
}

function astray(reason: string): Landing {
  return { kind: "astray", reason };
}
