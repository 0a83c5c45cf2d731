/** All stances and grants that the authenticators of a service tell apart. */
import type { Authenticator, JwtAuthenticator } from "../../contract/authenticators.ts";
import type { Service } from "../../contract/policy.ts";
import { type Grant, grantKey, NOBODY, OTHER_ROLE, type Stance } from "./caller.ts";

/** One authenticator as one policy, or two that are compared, have it. Never empty. */
export interface Versions {
  readonly name: string;
  readonly authenticators: readonly Authenticator[];
  readonly services: readonly Service[];
}

/** Nobody, then every way to stand before the service. */
export function stancesOf(versions: readonly Versions[]): readonly Stance[] {
  return [NOBODY, ...versions.flatMap(stancesOfOne)];
}

function stancesOfOne({ name, authenticators, services }: Versions): readonly Stance[] {
  const roles = authenticators.some(hasOwnRoles) ? rolesOf(authenticators, services) : [undefined];
  const bases = authenticators.flatMap((authenticator) => basesOf(authenticator, authenticators));
  const distinct = new Map(bases.map((base) => [JSON.stringify(base), base]));
  return [...distinct.values()].flatMap((base) =>
    roles.map((role) => ({ ...base, authenticator: name, ...(role !== undefined && { role }) })),
  );
}

/** Whether the role is the caller's own rather than the policy's. */
export function hasOwnRoles({ kind, role }: Authenticator): boolean {
  return role?.kind === "account" || (role?.kind === "claim" && kind === "jwt");
}

function rolesOf(authenticators: readonly Authenticator[], services: readonly Service[]): readonly string[] {
  const crossing = authenticators.flatMap(({ crossTenant }) => (crossTenant?.kind === "role" ? [crossTenant.value] : []));
  return [...new Set([...services.flatMap(({ roles }) => [...roles.keys()]), ...crossing, OTHER_ROLE])];
}

type Base = Pick<Stance, "kind" | "tellsKind" | "secret">;

function basesOf(authenticator: Authenticator, versions: readonly Authenticator[]): readonly Base[] {
  switch (authenticator.kind) {
    case "jwt":
      return kindsOf(versions).map((kind, _, kinds) => ({ kind, tellsKind: kinds.length > 1 }));
    case "bearer":
      return authenticator.secrets.map(({ id }) => ({ kind: "secret", tellsKind: false, secret: id }));
    case "apiKey":
    case "sigv4":
    case "mtls":
      return [{ kind: "key", tellsKind: false }];
  }
}

/** People and machines differ in what of their tokens counts; where none of that counts they are one. */
function kindsOf(versions: readonly Authenticator[]): readonly ("person" | "machine")[] {
  const tokens = versions.filter((one) => one.kind === "jwt");
  const takes = (kind: string) => tokens.some(({ caller }) => caller === undefined || caller === kind);
  const told = tokens.some(({ caller }) => caller !== undefined) || tokens.some(tellsKinds);
  const kinds = (["machine", "person"] as const).filter(takes);
  return told ? kinds : ["person"];
}

function tellsKinds({ scopes, groups, groupPatterns, tenant, crossTenant }: JwtAuthenticator): boolean {
  if (scopes.size > 0 || groups.size > 0 || groupPatterns.length > 0) return true;
  if (tenant?.kind === "group" || (tenant?.kind === "claim" && tenant.claim === "client_id")) return true;
  return crossTenant?.kind === "scope" || crossTenant?.kind === "group";
}

/** Everything that any version knows and that a caller of this stance could hold. */
export function grantsKnown(stance: Stance, versions: readonly Authenticator[]): readonly Grant[] {
  const grants = versions.flatMap((authenticator) => [...scopesOf(stance, authenticator), ...groupsOf(stance, authenticator)]);
  return [...new Map(grants.map((grant) => [grantKey(grant), grant])).values()];
}

function scopesOf({ kind }: Stance, { scopes, crossTenant }: Authenticator): readonly Grant[] {
  if (kind !== "machine" && kind !== "key") return [];
  const names = [...scopes.keys(), ...(crossTenant?.kind === "scope" ? [crossTenant.value] : [])];
  return names.map((name) => ({ kind: "scope", name }));
}

function groupsOf({ kind }: Stance, { groups, groupPatterns, crossTenant, tenant }: Authenticator): readonly Grant[] {
  if (kind !== "person") return [];
  const exact = [...groups.keys(), ...(crossTenant?.kind === "group" ? [crossTenant.value] : [])];
  const patterns = [...groupPatterns, ...(tenant?.kind === "group" ? [tenant] : [])];
  return [
    ...exact.map((name): Grant => ({ kind: "group", name })),
    ...patterns.map(({ prefix, suffix }): Grant => ({ kind: "pattern", name: `${prefix}{tenant}${suffix}` })),
  ];
}
