/** Requests that reach a line of a generated policy, made from the files alone. */
import type { Proof } from "../../../src/contract/caller.ts";
import type { RequestFacts } from "../../../src/contract/decision.ts";
import type { Policy, Route } from "../../../src/contract/policy.ts";
import { decide, routeVerdict } from "../../../src/decision/decide.ts";
import { match } from "../../../src/decision/match.ts";
import { NOW, requestOf } from "../../decision/policy.ts";
import type { GeneratedService } from "../generated/policies.ts";
import { canBeWithout, type Naming, ownTenant, proofOfCaller, type SmallCaller } from "../fixtures/small-callers.ts";

export const NAMINGS: readonly Naming[] = ["own", "other", "none", "noneOfSeveral"];

/** A generated service, and its policy compiled. */
export interface Side {
  readonly policy: Policy;
  readonly service: GeneratedService;
}

/** `{rest...}` may have to be long to be no other line's. */
const RESTS = ["deep/word", "word", "deep/er/word"];
const SOME_HOST = "host.of.nobody";

const known = new WeakMap<Policy, Map<string, readonly RequestFacts[]>>();

/** Those that name the tenant, or none; under every host and prefix. */
export function requestsTo(side: Side, line: string, tenant: string | undefined): readonly RequestFacts[] {
  const ofPolicy = known.get(side.policy) ?? new Map<string, readonly RequestFacts[]>();
  known.set(side.policy, ofPolicy);
  const key = JSON.stringify([side.service.name, line, tenant]);
  const requests = ofPolicy.get(key) ?? candidates(side.service, line, tenant).filter((request) => reaches(side, line, request));
  ofPolicy.set(key, requests);
  return requests;
}

function reaches({ policy, service }: Side, line: string, request: RequestFacts): boolean {
  const found = match(policy, request);
  return (
    found.kind === "route" &&
    isLine(found.route, service, line) &&
    routeVerdict({ ...found, route: passable(found.route) }, request) === undefined
  );
}

function isLine(route: Route, { name }: GeneratedService, line: string): boolean {
  return route.name === line && route.service.name === name;
}

/** Whether the line can be reached does not hang on its word. */
function passable(route: Route): Route {
  return route.access.kind === "denied" ? { ...route, access: { kind: "public" } } : route;
}

function candidates(service: GeneratedService, line: string, tenant: string | undefined): readonly RequestFacts[] {
  const [method = "", pattern = ""] = line.split(" ");
  const address = service.routes[line]?.from?.[0]?.split("/")[0] ?? "192.0.2.1";
  return hostsOf(service, tenant).flatMap(({ host, isNamed }) =>
    service.prefixes.flatMap((prefix) =>
      pathsOf(service, pattern, tenant).flatMap((path) =>
        fieldsOf(service, tenant === undefined || isNamed || namesTenant(service, pattern) ? undefined : tenant).map(({ query, headers }) =>
          requestOf({ method, target: `${prefix}${path}${query}`, host, headers, address }),
        ),
      ),
    ),
  );
}

function namesTenant({ tenant }: GeneratedService, pattern: string): boolean {
  return tenant?.path !== undefined && pattern.includes(`{${tenant.path}}`);
}

function hostsOf({ hosts = [SOME_HOST], tenant: places }: GeneratedService, tenant: string | undefined) {
  return hosts.flatMap((host) => {
    const isPlace = places?.host !== undefined && host.startsWith("{");
    if (isPlace && tenant === undefined) return [];
    return [{ host: host.replace("{org}", isPlace ? tenant! : "some"), isNamed: isPlace }];
  });
}

function pathsOf(service: GeneratedService, pattern: string, tenant: string | undefined): readonly string[] {
  const isPlace = namesTenant(service, pattern);
  if (isPlace && tenant === undefined) return [];
  const named = isPlace ? pattern.replace(`{${service.tenant!.path}}`, tenant!) : pattern;
  const filled = named.replaceAll(/\{[a-z]+\}/g, "word");
  return filled.includes("...}") ? RESTS.map((rest) => filled.replace(/\{[a-z]+\.\.\.\}/, rest)) : [filled];
}

interface Fields {
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Nothing at all where the tenant can stand nowhere. */
function fieldsOf({ tenant: places }: GeneratedService, tenant: string | undefined): readonly Fields[] {
  if (tenant === undefined) return [{ query: "", headers: {} }];
  return [
    ...(places?.query === undefined ? [] : [{ query: `?${places.query}=${tenant}`, headers: {} }]),
    ...(places?.header === undefined ? [] : [{ query: "", headers: { [places.header]: tenant } }]),
  ];
}

/**
 * Whether the decision lets such a caller through, whose requests name tenants so; undefined where there is no such request.
 * All requests that reach the line must be treated alike.
 */
export function isAllowed(side: Side, line: string, caller: SmallCaller, naming: Naming): boolean | undefined {
  const authenticator = side.service.authenticators[caller.by]!;
  if (naming === "noneOfSeveral" && !canBeWithout(authenticator, caller)) return undefined;
  const tenant = naming === "own" ? (ownTenant(authenticator, caller)?.tenant ?? "mine") : naming === "other" ? "another" : undefined;
  const proof = proofOfCaller(authenticator, caller, naming, side.service.name);
  return decided(side, line, requestsTo(side, line, tenant), proof);
}

function decided({ policy, service }: Side, line: string, requests: readonly RequestFacts[], proof: Proof): boolean | undefined {
  const [first, ...others] = requests.map((request) => decide(policy, { request, proof, now: NOW }).outcome === "allow");
  if (others.some((one) => one !== first)) throw new Error(`${line} of ${service.name} treats its requests differently`);
  return first;
}
