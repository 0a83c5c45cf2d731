/** A caller of a class → what the gateway would have proved of its credential. */
import type { Proof } from "../../contract/caller.ts";
import type { Authenticator, JwtAuthenticator } from "../../contract/authenticators.ts";
import type { Service } from "../../contract/policy.ts";
import type { Grant, Relation, Stance } from "./caller.ts";
import { hasOwnRoles } from "./stances.ts";
import { allowedValues, ANY_TENANCY, groupHeld, isTenantGroup, tenancies, type Tenancy } from "./tenancy.ts";

/** A caller in the flesh. */
export interface Subject {
  readonly service: Service;
  readonly authenticator: Authenticator;
  readonly stance: Stance;
  readonly grants: readonly Grant[];
  readonly relation: Relation;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Somebody with no single tenant has none; where tenants come from groups, or cannot be lacking, several or the one. */
export function proofOf(subject: Subject): Proof {
  const { authenticator, stance } = subject;
  if (authenticator.kind === "jwt") return tokenOf(subject, authenticator);
  if (authenticator.kind === "bearer") return { kind: "secret", authenticator: authenticator.name, id: stance.secret ?? "" };
  return keyOf(subject);
}

function tokenOf(subject: Subject, authenticator: JwtAuthenticator): Proof {
  const { stance, now } = subject;
  const iat = Math.floor(now / 1000);
  const claims = {
    iat,
    exp: iat + Math.max(1, Math.floor(Math.min(authenticator.maxLifetimeMs, 3_600_000) / 1000)),
    ...identityClaims(authenticator, stance),
    ...grantClaims(subject, authenticator),
    ...(hasOwnRoles(authenticator) && authenticator.role?.kind === "claim" && { [authenticator.role.claim]: stance.role ?? "" }),
    ...tenantClaims(subject, authenticator),
  };
  return { kind: "jwt", iss: authenticator.issuer.iss, claims };
}

function identityClaims(authenticator: JwtAuthenticator, stance: Stance): Record<string, string> {
  const client = firstOf(allowedValues(authenticator, "client_id", stance)) ?? "some-client";
  const audience = firstOf(allowedValues(authenticator, "aud", stance)) ?? "some-audience";
  return {
    ...(authenticator.use !== undefined && { token_use: authenticator.use }),
    ...(authenticator.audience !== undefined && { aud: audience }),
    ...(stance.kind === "machine" ? { sub: client, client_id: client } : { sub: "somebody", username: "somebody", client_id: client }),
  };
}

function firstOf(values: ReadonlySet<string> | undefined): string | undefined {
  return values && [...values][0];
}

function grantClaims(subject: Subject, authenticator: JwtAuthenticator): Record<string, unknown> {
  const { grants, stance } = subject;
  const scopes = grants.filter(({ kind }) => kind === "scope").map(({ name }) => name);
  if (stance.kind === "machine") return { scope: scopes.join(" ") };
  return { [authenticator.groupsClaim]: grants.filter(({ kind }) => kind !== "scope").flatMap((grant) => groupsHeld(subject, grant)) };
}

function groupsHeld({ authenticator, stance, relation }: Subject, grant: Grant): readonly string[] {
  const theirs = tenancies(authenticator, stance);
  const held = relation === "noneOfSeveral" && isTenantGroup(authenticator, grant) ? theirs : theirs.slice(0, 1);
  return [...new Set((held.length > 0 ? held : [ANY_TENANCY]).map((tenancy) => groupHeld(grant, shownInGroup(authenticator, tenancy))))];
}

/** Aliases are looked up in groups only where the tenant comes from one. */
export function shownInGroup({ tenant }: Authenticator, { shown, tenant: name }: Tenancy): string {
  return tenant?.kind === "group" ? shown : name;
}

function tenantClaims({ relation, stance }: Subject, authenticator: JwtAuthenticator): Record<string, string> {
  const source = authenticator.tenant;
  const [own] = tenancies(authenticator, stance);
  if (source?.kind !== "claim") return {};
  const shown = relation === "noneOfSeveral" ? withoutTenant(authenticator, source.claim, source.alias, stance) : own?.shown;
  if (shown === undefined) return {};
  const isSubject = stance.kind === "machine" && (source.claim === "client_id" || source.claim === "sub");
  return { [source.claim]: shown, ...(isSubject && { sub: shown, client_id: shown }) };
}

/** A value of a claim that must be there, and that gives no tenant; undefined: the claim may be absent. */
function withoutTenant(
  authenticator: JwtAuthenticator,
  claim: string,
  alias: ReadonlyMap<string, string> | undefined,
  stance: Stance,
): string | undefined {
  if (claim !== "client_id" && claim !== "sub" && claim !== "aud") return undefined;
  const allowed = allowedValues(authenticator, claim, stance);
  return allowed ? ([...allowed].find((value) => alias && !alias.has(value)) ?? [...allowed][0]) : "no tenant's name";
}

function keyOf({ service, authenticator, stance, grants, relation, now }: Subject): Proof {
  const [own] = authenticator.tenant?.kind === "account" && relation !== "noneOfSeveral" ? tenancies(authenticator, stance) : [];
  const account = {
    service: service.name,
    id: "somebody",
    kind: "service" as const,
    role: stance.role ?? "",
    ...(own && { tenant: own.tenant }),
    enabled: true,
  };
  const key = { id: "some-key", service: service.name, account, scopes: grants.map(({ name }) => name), createdAt: now };
  return { kind: "key", authenticator: authenticator.name, key };
}

/** Whether callers of the stance can come without any single tenant. */
export function canLackTenant(authenticator: Authenticator, stance: Stance): boolean {
  const source = authenticator.tenant;
  if (source?.kind === "fixed") return false;
  if (source?.kind !== "claim" || authenticator.kind !== "jwt") return true;
  if (source.claim === "client_id" && stance.kind !== "machine") return true;
  const allowed = allowedValues(authenticator, source.claim, stance);
  return allowed === undefined || (source.alias !== undefined && [...allowed].some((value) => !source.alias!.has(value)));
}
