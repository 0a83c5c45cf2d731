/** What a caller holds: permissions, role and tenants, from scopes, groups, roles and secrets. */
import type { Caller } from "../contract/caller.ts";
import type { Authenticator, Grants } from "../contract/authenticators.ts";
import type { Service } from "../contract/policy.ts";
import { intersection, NOTHING, union } from "./permission.ts";
import { isTenant } from "./tenant.ts";

/** What the credential shows, once it is settled which of it counts. */
export interface Held {
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
  readonly role: string | undefined;
  /** Granted by the credential itself. */
  readonly granted?: Grants;
}

export type Standing = Pick<Caller, "authenticator" | "role" | "permissions" | "tenantPermissions" | "crossTenant" | "hasRole">;

/** Scopes, groups and secrets grant; a role cuts down, and grants only where nothing else does. */
export function standing({ roles }: Pick<Service, "roles">, authenticator: Authenticator, held: Held): Standing {
  const hasRole = authenticator.role !== undefined;
  const roleGrants: Grants | undefined = hasRole ? (roles.get(held.role ?? "") ?? NOTHING) : undefined;
  const cut = (granted: Grants): Grants => (roleGrants ? intersection(granted, roleGrants) : granted);
  return {
    authenticator: authenticator.name,
    ...(held.role !== undefined && { role: held.role }),
    permissions: authenticator.hasGrants || !roleGrants ? cut(granted(authenticator, held)) : roleGrants,
    tenantPermissions: tenantPermissions(authenticator, held.groups, cut),
    crossTenant: crossesTenants(authenticator, held),
    hasRole,
  };
}

function granted(authenticator: Authenticator, held: Held): Grants {
  const byScope = held.scopes.map((scope) => authenticator.scopes.get(scope));
  const byGroup = held.groups.map((group) => authenticator.groups.get(group));
  return union([held.granted, ...byScope, ...byGroup].filter((set) => set !== undefined));
}

const NOWHERE: ReadonlyMap<string, Grants> = new Map();

/** A group pattern's grants hold for that tenant alone. */
function tenantPermissions(
  authenticator: Authenticator,
  groups: readonly string[],
  cut: (granted: Grants) => Grants,
): ReadonlyMap<string, Grants> {
  if (authenticator.groupPatterns.length === 0 || groups.length === 0) return NOWHERE;
  const perTenant = new Map<string, Grants>();
  const alias = authenticator.tenant?.kind === "group" ? authenticator.tenant.alias : undefined;
  for (const pattern of authenticator.groupPatterns) {
    for (const tenant of aliased(
      groups.map((group) => between(group, pattern)),
      alias,
    )) {
      perTenant.set(tenant, union([perTenant.get(tenant) ?? NOTHING, cut(pattern.grants)]));
    }
  }
  return perTenant;
}

function crossesTenants(authenticator: Authenticator, held: Held): boolean {
  const rule = authenticator.crossTenant;
  switch (rule?.kind) {
    case undefined:
      return false;
    case "scope":
      return held.scopes.includes(rule.value);
    case "group":
      return held.groups.includes(rule.value);
    case "role":
      return held.role === rule.value;
  }
}

/** Tenants among the values; with an alias table only those listed there, under their other name. */
export function aliased(values: readonly unknown[], alias: ReadonlyMap<string, string> | undefined): readonly string[] {
  const tenants = alias ? values.map((value) => (typeof value === "string" ? alias.get(value) : undefined)) : values;
  return [...new Set(tenants.filter(isTenant))];
}

/** What stands in the pattern's placeholder; undefined when the group is not of the pattern. */
export function between(group: string, pattern: { readonly prefix: string; readonly suffix: string }): string | undefined {
  const { prefix, suffix } = pattern;
  if (group.length <= prefix.length + suffix.length || !group.startsWith(prefix) || !group.endsWith(suffix)) return undefined;
  return group.slice(prefix.length, group.length - suffix.length);
}
