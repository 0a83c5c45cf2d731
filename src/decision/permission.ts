/** Permissions: granted by scopes, groups, roles and secrets, needed by routes. */
import type { Caller } from "../contract/caller.ts";
import type { Grants } from "../contract/authenticators.ts";
import type { Access } from "../contract/policy.ts";

/** Grants of the admin door alone: no service's `*` reaches it. */
const ADMIN = "sallyport.admin";
export const NOTHING: Grants = new Set();

/** Whether the set grants the permission, by name or by `*`. */
export function grants(set: Grants, permission: string): boolean {
  return set.has(permission) || (permission !== ADMIN && set.has("*"));
}

/**
 * Most sets are the policy's own, and none ever changes: what was once made of two of them is found again, and goes when
 * either does.
 */
function remembered(combine: (left: Grants, right: Grants) => Grants): (left: Grants, right: Grants) => Grants {
  const known = new WeakMap<Grants, WeakMap<Grants, Grants>>();
  return (left, right) => {
    const ofLeft = known.get(left) ?? new WeakMap<Grants, Grants>();
    known.set(left, ofLeft);
    const combined = ofLeft.get(right) ?? combine(left, right);
    ofLeft.set(right, combined);
    return combined;
  };
}

const both = remembered((left, right) => left.union(right));
const common = remembered((left, right) => left.intersection(right));

/** All that any of the sets grants. */
export function union(sets: readonly Grants[]): Grants {
  const [first = NOTHING, second] = sets;
  if (second === undefined) return first;
  // There are few pairs, and more combinations of many than are worth remembering.
  return sets.length === 2 ? both(first, second) : new Set(sets.flatMap((set) => [...set]));
}

/** What both grant: `*` stands for whatever the other has. */
export function intersection(left: Grants, right: Grants): Grants {
  if (left.has("*")) return right;
  if (right.has("*")) return left;
  return common(left, right);
}

/** Whether the sets together satisfy the route's access rule; only `permissions` rules ask for any. */
export function satisfies(sets: readonly Grants[], access: Access): boolean {
  if (access.kind !== "permissions") return true;
  const needsAll = access.need === "all";
  for (const name of access.names) if (grantedBy(sets, name) !== needsAll) return !needsAll;
  return needsAll;
}

function grantedBy(sets: readonly Grants[], permission: string): boolean {
  for (const set of sets) if (grants(set, permission)) return true;
  return false;
}

/**
 * Whether the caller satisfies the rule for this tenant; without one, for any single tenant of theirs.
 * What group patterns grant for two tenants never adds up.
 */
export function isEntitled(caller: Caller, tenant: string | undefined, access: Access): boolean {
  if (tenant !== undefined) return satisfies(grantsOf(caller, tenant), access);
  if (satisfies([caller.permissions], access)) return true;
  return caller.tenantPermissions.size > 0 && [...caller.tenantPermissions.keys()].some((one) => satisfies(grantsOf(caller, one), access));
}

/** What the caller may do for one tenant; without one, for any of the caller's. */
export function grantsOf(caller: Pick<Caller, "permissions" | "tenantPermissions">, tenant: string | undefined): readonly Grants[] {
  if (caller.tenantPermissions.size === 0) return [caller.permissions];
  if (tenant === undefined) return [caller.permissions, ...caller.tenantPermissions.values()];
  return [caller.permissions, caller.tenantPermissions.get(tenant) ?? NOTHING];
}
