/** Authenticators of the file → authenticators of the contract. */
import type { Authenticator, CrossTenant, Grants, GroupPattern, Issuer, RoleSource, TenantSource } from "../../contract/authenticators.ts";
import { groupParts } from "../names.ts";
import type { AuthenticatorFile } from "../schema/authenticator.ts";

const DAY_MS = 86_400_000;

/** Issuers by `iss`, shared by all authenticators of the policy. */
export type Issuers = Map<string, Issuer>;

/** What a file says without saying it: also what two authenticators of one issuer must agree on. */
export function issuerOf(jwt: NonNullable<AuthenticatorFile["jwt"]>): Issuer {
  const jwks = jwt.jwks ?? `${jwt.issuer.replace(/\/$/, "")}/.well-known/jwks.json`;
  return { iss: jwt.issuer, jwks, algorithms: jwt.algorithms ?? ["RS256"] };
}

/** The file's authenticator, checked before. */
export function compileAuthenticator(name: string, file: AuthenticatorFile, issuers: Issuers): Authenticator {
  const grants = compileGrants(name, file);
  if (file.jwt) return { ...grants, kind: "jwt", ...compileJwt(file.jwt, issuers) };
  if (file.apiKey) return { ...grants, kind: "apiKey", role: { kind: "account" }, ...file.apiKey };
  if (file.sigv4) return { ...grants, kind: "sigv4", role: { kind: "account" }, ...compileSigV4(file.sigv4) };
  if (file.mtls) return { ...grants, kind: "mtls", role: { kind: "account" }, ...file.mtls };
  const secrets = (file.bearer ?? []).map(({ id, value, until, access }) => ({
    id,
    digest: value,
    grants: new Set(access),
    ...(until !== undefined && { until }),
  }));
  return { ...grants, kind: "bearer", secrets };
}

function compileJwt(jwt: NonNullable<AuthenticatorFile["jwt"]>, issuers: Issuers) {
  const issuer = issuers.get(jwt.issuer) ?? issuerOf(jwt);
  issuers.set(jwt.issuer, issuer);
  return {
    issuer,
    ...(jwt.use !== undefined && { use: jwt.use }),
    ...(jwt.caller !== undefined && { caller: jwt.caller }),
    ...(jwt.clients !== undefined && { clients: anyOrSet(jwt.clients) }),
    ...(jwt.audience !== undefined && { audience: anyOrSet(jwt.audience) }),
    maxLifetimeMs: jwt.maxLifetime ?? DAY_MS,
    groupsClaim: jwt.groupsClaim ?? "cognito:groups",
  };
}

function compileSigV4({ region, service, window, holdBody }: NonNullable<AuthenticatorFile["sigv4"]>) {
  return { region, service, windowMs: window ?? 15 * 60_000, maxHeldBodyBytes: holdBody ?? 0 };
}

function anyOrSet(allowed: "any" | readonly string[]): "any" | ReadonlySet<string> {
  return typeof allowed === "string" ? allowed : new Set(allowed);
}

function compileGrants(name: string, file: AuthenticatorFile) {
  const groups = Object.entries(file.groups ?? {});
  const role = roleSource(file);
  const tenant = tenantSource(file.tenant);
  const crossTenant = crossTenantOf(file.crossTenant);
  return {
    name,
    scopes: grantsByName(Object.entries(file.scopes ?? {})),
    groups: grantsByName(groups.filter(([group]) => !groupParts(group))),
    groupPatterns: groups.flatMap(([group, grants]) => groupPattern(group, grants)),
    hasGrants: file.scopes !== undefined || file.groups !== undefined || (file.bearer ?? []).some((one) => one.access !== undefined),
    ...(role && { role }),
    ...(tenant && { tenant }),
    ...(crossTenant && { crossTenant }),
  };
}

/** Role or scope or group → its permissions. */
export function grantsByName(entries: readonly (readonly [string, readonly string[]])[]): ReadonlyMap<string, Grants> {
  return new Map(entries.map(([name, permissions]) => [name, new Set(permissions)]));
}

function groupPattern(group: string, grants: readonly string[]): readonly GroupPattern[] {
  const parts = groupParts(group);
  return parts ? [{ ...parts, grants: new Set(grants) }] : [];
}

function roleSource(file: AuthenticatorFile): RoleSource | undefined {
  if (file.role === undefined) return undefined;
  return typeof file.role === "string" ? { kind: "fixed", role: file.role } : { kind: "claim", claim: file.role.claim };
}

function tenantSource(tenant: AuthenticatorFile["tenant"]): TenantSource | undefined {
  if (tenant === undefined) return undefined;
  if (tenant === "account") return { kind: "account" };
  if (tenant.fixed !== undefined) return { kind: "fixed", tenant: tenant.fixed };
  const alias = tenant.alias && { alias: new Map(Object.entries(tenant.alias)) };
  if (tenant.claim !== undefined) return { kind: "claim", claim: tenant.claim, ...alias };
  const parts = groupParts(tenant.group ?? "");
  return parts && { kind: "group", ...parts, ...alias };
}

function crossTenantOf(crossTenant: AuthenticatorFile["crossTenant"]): CrossTenant | undefined {
  if (crossTenant?.scope !== undefined) return { kind: "scope", value: crossTenant.scope };
  if (crossTenant?.group !== undefined) return { kind: "group", value: crossTenant.group };
  return crossTenant?.role === undefined ? undefined : { kind: "role", value: crossTenant.role };
}
