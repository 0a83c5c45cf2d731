/** Whose data a request is about, and whether the caller may ask for it. */
import type { Caller } from "../contract/caller.ts";
import type { Matched, RequestFacts } from "../contract/decision.ts";
import type { TenantPlaces } from "../contract/policy.ts";
import { looseFieldName, queryFields } from "./query.ts";

const TENANT = /^[A-Za-z0-9_.-]{1,128}$/;

/** A tenant's name, in a claim, a group, an account or a request. */
export function isTenant(value: unknown): value is string {
  return typeof value === "string" && TENANT.test(value) && value !== "." && value !== "..";
}

/** What the request names: nothing, one tenant in all places that name one, or something that is no single tenant. */
export type NamedTenant =
  { readonly kind: "none" } | { readonly kind: "one"; readonly tenant: string } | { readonly kind: "unclear"; readonly reason: string };

/** Gathers the tenant from the places that the service's `tenant:` block lists, repeats included. */
export function namedTenant(match: Matched, request: RequestFacts): NamedTenant {
  const places = match.route.service.tenant;
  if (!places) return { kind: "none" };
  const values = valuesNamed(places, match, request);
  if (values.length === 0) return { kind: "none" };
  const first = values[0]!;
  if (!values.every((value) => value === first)) return { kind: "unclear", reason: "the places that name a tenant disagree" };
  if (!isTenant(first)) return { kind: "unclear", reason: "what stands in a tenant's place is no tenant" };
  return { kind: "one", tenant: first };
}

function valuesNamed(places: TenantPlaces, match: Matched, request: RequestFacts): readonly string[] {
  const values: string[] = [];
  const inPath = places.path === undefined ? undefined : match.params.get(places.path);
  if (inPath !== undefined) values.push(inPath);
  if (places.host !== undefined && match.hostTenant !== undefined) values.push(match.hostTenant);
  if (places.query !== undefined && request.query !== "") values.push(...valuesInQuery(request.query, places.query));
  if (places.header !== undefined) values.push(...request.header(places.header));
  return values;
}

function valuesInQuery(query: string, name: string): readonly string[] {
  const loose = looseFieldName(name);
  return queryFields(query)
    .filter((field) => looseFieldName(field.name) === loose)
    .map((field) => field.value);
}

export type TenantVerdict = { readonly kind: "passes"; readonly told?: string } | { readonly kind: "mismatch"; readonly reason: string };

/** The tenant rule of the route, for a caller whose permissions are settled. */
export function tenantVerdict(match: Matched, caller: Caller, named: NamedTenant): TenantVerdict {
  const theirs = named.kind === "one" && (caller.crossTenant || caller.tenants.includes(named.tenant));
  if (match.route.tenant === "unchecked") return passes(theirs ? named.tenant : undefined, caller);
  if (match.route.tenant === "crossTenantOnly" && !caller.crossTenant) return mismatch("only for callers who may cross tenants");
  if (named.kind === "unclear") return mismatch(named.reason);
  if (named.kind === "none") return noneNamed(match, caller);
  return theirs ? passes(named.tenant, caller) : mismatch(`the request names ${named.tenant}, which is none of the caller's`);
}

function noneNamed(match: Matched, caller: Caller): TenantVerdict {
  const required = match.route.service.tenant?.required === true && match.route.tenant === "match";
  if (required && caller.tenants.length !== 1) return mismatch("the request names no tenant, and the caller has no single one");
  return passes(undefined, caller);
}

/** The upstream is told the tenant that the request named, else the caller's only one, else none. */
function passes(named: string | undefined, caller: Caller): TenantVerdict {
  const told = named ?? (caller.tenants.length === 1 ? caller.tenants[0] : undefined);
  return told === undefined ? { kind: "passes" } : { kind: "passes", told };
}

function mismatch(reason: string): TenantVerdict {
  return { kind: "mismatch", reason };
}
