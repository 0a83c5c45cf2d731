/** Whose tenants a caller of a stance can have: an example of each, from the policy's own rules. */
import type { Authenticator, JwtAuthenticator, TenantSource } from "../../contract/authenticators.ts";
import { isTenant } from "../../decision/tenant.ts";
import type { Grant, Stance } from "./caller.ts";

/** What a credential shows (a claim's value, what stands in a group, an account's tenant), and the tenant that it makes. */
export interface Tenancy {
  readonly shown: string;
  readonly tenant: string;
}

const OWN = "own-tenant";
/** For the groups of callers who have no tenant. */
export const ANY_TENANCY: Tenancy = { shown: OWN, tenant: OWN };
const SECOND = "second-tenant";
/** Named by requests for what is not the caller's; long enough to be nobody's by accident. */
export const OTHER_TENANT = "tenant-of-somebody-else";

/** A tenant that callers of the stance can have; undefined where none can. For a source by group it is theirs who hold the group. */
export function ownTenancy(authenticator: Authenticator, stance: Stance): Tenancy | undefined {
  return tenancies(authenticator, stance)[0];
}

/** Up to two different ones. */
export function tenancies(authenticator: Authenticator, stance: Stance): readonly Tenancy[] {
  const source = authenticator.tenant;
  switch (source?.kind) {
    case undefined:
      return [];
    case "fixed":
      return [{ shown: source.tenant, tenant: source.tenant }];
    case "account":
      return stance.kind === "key" ? free() : [];
    case "group":
      return stance.kind === "person" ? (listed(source.alias) ?? free()) : [];
    case "claim":
      return authenticator.kind === "jwt" ? ofClaim(authenticator, source, stance) : [];
  }
}

function ofClaim(authenticator: JwtAuthenticator, source: Extract<TenantSource, { kind: "claim" }>, stance: Stance): readonly Tenancy[] {
  if (source.claim === "client_id" && stance.kind !== "machine") return [];
  const allowed = allowedValues(authenticator, source.claim, stance);
  if (allowed === undefined) return listed(source.alias) ?? free();
  const values = source.alias ? (listed(source.alias) ?? []) : [...allowed].map((shown) => ({ shown, tenant: shown }));
  return firstTwo(values.filter(({ shown }) => allowed.has(shown)));
}

/** Values that the authenticator lets the claim have; undefined: any. */
export function allowedValues(authenticator: JwtAuthenticator, claim: string, stance: Stance): ReadonlySet<string> | undefined {
  const isClient = claim === "client_id" || (claim === "sub" && stance.kind === "machine");
  const allowed = isClient ? authenticator.clients : claim === "aud" ? authenticator.audience : undefined;
  return typeof allowed === "object" ? allowed : undefined;
}

function free(): readonly Tenancy[] {
  return [OWN, SECOND].map((tenant) => ({ shown: tenant, tenant }));
}

function listed(alias: ReadonlyMap<string, string> | undefined): readonly Tenancy[] | undefined {
  return alias && [...alias].map(([shown, tenant]) => ({ shown, tenant })).filter(({ tenant }) => isTenant(tenant));
}

function firstTwo(all: readonly Tenancy[]): readonly Tenancy[] {
  const good = all.filter(({ tenant }) => isTenant(tenant));
  const second = good.find(({ tenant }) => tenant !== good[0]!.tenant);
  return [...good.slice(0, 1), ...(second ? [second] : [])];
}

/** Whether the grant is the group by which a caller gets its tenant. */
export function isTenantGroup({ tenant }: Authenticator, grant: Grant): boolean {
  return tenant?.kind === "group" && grant.kind === "pattern" && grant.name === `${tenant.prefix}{tenant}${tenant.suffix}`;
}

/** The group that a caller holds who holds the grant, with what stands in the place of `{tenant}`. */
export function groupHeld(grant: Grant, shown: string): string {
  return grant.kind === "pattern" ? grant.name.replace("{tenant}", () => shown) : grant.name;
}
