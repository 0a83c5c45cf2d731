/** The claim rules of stage 6: what was proved → who is asking, or why nobody is. */
import type { Caller, Claims, OwnedKey, Proof } from "../contract/caller.ts";
import type { Denial } from "../contract/decision.ts";
import type { ErrorCode } from "../contract/errors.ts";
import type { Authenticator, BearerAuthenticator, JwtAuthenticator } from "../contract/authenticators.ts";
import type { Route } from "../contract/policy.ts";
import { expiryOf, fit, kindOf, listClaim, scopeClaim, timeFault } from "./claims.ts";
import { aliased, between, standing, type Held } from "./standing.ts";
import { isTenant } from "./tenant.ts";

/** `caller` is undefined on public routes, which read no credential. */
export type Identified = { readonly outcome: "caller"; readonly caller?: Caller } | Denial;

type Refusal = { readonly code: ErrorCode; readonly reason: string };
type Named = { readonly caller: Caller; readonly authenticator: Authenticator } | Refusal;

/** Who is asking, for this route and at this instant (epoch milliseconds). */
export function identify(route: Route, proof: Proof, now: number): Identified {
  if (route.access.kind === "public") return { outcome: "caller" };
  const named = nameCaller(route, proof, now);
  if ("code" in named) return { outcome: "deny", ...named, service: route.service, route };
  if (route.authenticators.includes(named.authenticator)) return { outcome: "caller", caller: named.caller };
  const reason = `${named.authenticator.name} does not count on this route`;
  return { outcome: "deny", code: "WRONG_TOKEN_TYPE", reason, service: route.service, route, caller: named.caller };
}

function nameCaller(route: Route, proof: Proof, now: number): Named {
  switch (proof.kind) {
    case "none":
      return { code: "TOKEN_MISSING", reason: "no credential in any place that the service reads" };
    case "ambiguous":
      return { code: "CREDENTIALS_AMBIGUOUS", reason: proof.reason };
    case "invalid":
      return { code: proof.code, reason: proof.reason };
    case "unavailable":
      return { code: "AUTH_UNAVAILABLE", reason: proof.reason };
    case "jwt":
      return callerOfToken(route, proof.iss, proof.claims, now);
    case "secret":
      return callerOfSecret(route, proof.authenticator, proof.id, now);
    case "key":
      return callerOfKey(route, proof.authenticator, proof.key, now);
  }
}

/* ── tokens ───────────────────────────────────────────────────────────── */

function callerOfToken(route: Route, iss: string, claims: Claims, now: number): Named {
  const fault = timeFault(claims, now);
  if (fault !== undefined) return { code: "TOKEN_INVALID", reason: fault };
  const chosen = chooseAuthenticator(route, iss, claims);
  if ("code" in chosen && chosen.code === "TOKEN_INVALID") return chosen;
  if (expiryOf(claims) <= now) return { code: "TOKEN_EXPIRED", reason: "exp has passed" };
  return "code" in chosen ? chosen : callerOfClaims(route, chosen, claims);
}

/** The one that takes the token; a token that lacks what it must have is invalid rather than of another kind. */
function chooseAuthenticator(route: Route, iss: string, claims: Claims): JwtAuthenticator | Refusal {
  let refusal: Refusal = { code: "TOKEN_INVALID", reason: "no authenticator trusts the issuer" };
  let invalid: Refusal | undefined;
  for (const authenticator of route.service.authenticators) {
    if (authenticator.kind !== "jwt" || authenticator.issuer.iss !== iss) continue;
    const verdict = fit(authenticator, claims);
    if (verdict.kind === "fits") return authenticator;
    if (verdict.kind === "invalid") invalid ??= { code: "TOKEN_INVALID", reason: `${authenticator.name}: ${verdict.reason}` };
    else refusal = { code: "WRONG_TOKEN_TYPE", reason: `${authenticator.name}: ${verdict.reason}` };
  }
  return invalid ?? refusal;
}

function callerOfClaims(route: Route, authenticator: JwtAuthenticator, claims: Claims): Named {
  const kind = kindOf(claims);
  const scopes = scopeClaim(claims);
  const groups = listClaim(claims, authenticator.groupsClaim);
  if (!scopes || !groups) return { code: "TOKEN_INVALID", reason: `${scopes ? authenticator.groupsClaim : "scope"} is of the wrong type` };
  const role = roleOfClaims(authenticator, claims);
  if (role === null) return { code: "TOKEN_INVALID", reason: "the role claim is no string" };
  const held: Held = { scopes: kind === "machine" ? scopes : [], groups: kind === "person" ? groups : [], role };
  const subject = String(claims["sub"]);
  const caller: Caller = {
    ...standing(route, authenticator, held),
    subject,
    kind: kind ?? "person",
    tenants: tenantsOfClaims(authenticator, claims, kind, held.groups),
    expiresAt: expiryOf(claims),
    account: `token ${authenticator.issuer.iss} ${subject}`,
  };
  return { caller, authenticator };
}

/** Undefined: none; null: the claim is there but no string. */
function roleOfClaims(authenticator: JwtAuthenticator, claims: Claims): string | undefined | null {
  if (authenticator.role?.kind !== "claim") return fixedRole(authenticator);
  const value = claims[authenticator.role.claim];
  if (value === undefined) return undefined;
  return typeof value === "string" ? value : null;
}

/** `client_id` names a tenant for machines only; with an alias table only the values listed there count. */
function tenantsOfClaims(
  authenticator: JwtAuthenticator,
  claims: Claims,
  kind: ReturnType<typeof kindOf>,
  groups: readonly string[],
): readonly string[] {
  const source = authenticator.tenant;
  switch (source?.kind) {
    case undefined:
    case "account":
      return [];
    case "fixed":
      return [source.tenant];
    case "claim":
      return source.claim === "client_id" && kind !== "machine" ? [] : aliased([claims[source.claim]], source.alias);
    case "group":
      return aliased(
        groups.map((group) => between(group, source)),
        source.alias,
      );
  }
}

/* ── secrets and keys ─────────────────────────────────────────────────── */

function callerOfSecret(route: Route, name: string, id: string, now: number): Named {
  const authenticator = named(route, name, "bearer") as BearerAuthenticator | undefined;
  const secret = authenticator?.secrets.find((candidate) => candidate.id === id);
  if (!authenticator || !secret) return { code: "TOKEN_INVALID", reason: "no such secret in this policy" };
  if (secret.until !== undefined && secret.until <= now) return { code: "TOKEN_INVALID", reason: `secret ${id} has ended` };
  const held: Held = { scopes: [], groups: [], role: fixedRole(authenticator), granted: secret.grants };
  const caller: Caller = {
    ...standing(route, authenticator, held),
    subject: id,
    kind: "secret",
    tenants: authenticator.tenant?.kind === "fixed" ? [authenticator.tenant.tenant] : [],
    ...(secret.until !== undefined && { expiresAt: secret.until }),
    credentialId: id,
  };
  return { caller, authenticator };
}

/** Kinds of authenticators whose credentials belong to an account, with the code of their refusal. */
const OF_ACCOUNTS = [
  { kind: "apiKey", code: "KEY_INVALID", word: "key" },
  { kind: "sigv4", code: "SIGNATURE_INVALID", word: "key" },
  { kind: "mtls", code: "TOKEN_INVALID", word: "certificate" },
] as const;

/** API keys, access keys and client certificates: they differ in how they are proved, and in the code of their refusal. */
function callerOfKey(route: Route, name: string, key: OwnedKey, now: number): Named {
  const { kind, code, word } = OF_ACCOUNTS.find((one) => named(route, name, one.kind)) ?? OF_ACCOUNTS[0];
  const authenticator = named(route, name, kind);
  const fault = authenticator ? keyFault(route, key, now) : "no such authenticator in this policy";
  if (!authenticator || fault !== undefined) return { code, reason: `${word} ${key.id}: ${fault}` };
  const { account } = key;
  const caller: Caller = {
    ...standing(route, authenticator, { scopes: key.scopes, groups: [], role: account.role }),
    subject: account.id,
    kind: "key",
    tenants: tenantsOfAccount(authenticator, account.tenant),
    ...(key.expiresAt !== undefined && { expiresAt: key.expiresAt }),
    credentialId: key.id,
    account: `account ${account.service} ${account.id}`,
  };
  return { caller, authenticator };
}

function keyFault(route: Route, key: OwnedKey, now: number): string | undefined {
  if (key.service !== route.service.name || key.account.service !== key.service) return "it belongs to another service";
  if (key.revokedAt !== undefined) return "it was revoked";
  if (key.expiresAt !== undefined && key.expiresAt <= now) return "it has expired";
  return key.account.enabled ? undefined : `its account ${key.account.id} is disabled`;
}

function tenantsOfAccount(authenticator: Authenticator, tenant: string | undefined): readonly string[] {
  if (authenticator.tenant?.kind === "fixed") return [authenticator.tenant.tenant];
  return authenticator.tenant?.kind === "account" && isTenant(tenant) ? [tenant] : [];
}

function named(route: Route, name: string, kind: Authenticator["kind"]): Authenticator | undefined {
  return route.service.authenticators.find((candidate) => candidate.name === name && candidate.kind === kind);
}

function fixedRole(authenticator: Authenticator): string | undefined {
  return authenticator.role?.kind === "fixed" ? authenticator.role.role : undefined;
}
