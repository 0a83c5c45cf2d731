/** The claim rules of stage 6: what was proved → who is asking, or why nobody is. */
import type { Caller, Claims, OwnedKey, Proof } from "../contract/caller.ts";
import type { Denial } from "../contract/decision.ts";
import type { ErrorCode } from "../contract/errors.ts";
import type { Authenticator, BearerAuthenticator, JwtAuthenticator } from "../contract/authenticators.ts";
import { Noted } from "../contract/noted.ts";
import type { Route, Service } from "../contract/policy.ts";
import { type Between, expiryOf, fit, kindOf, listClaim, scopeClaim, timeFault, validBetween } from "./claims.ts";
import { aliased, between, standing, type Held } from "./standing.ts";
import { isTenant } from "./tenant.ts";

/** `caller` is undefined on public routes, which read no credential. */
export type Identified = { readonly outcome: "caller"; readonly caller?: Caller } | Denial;

type Refusal = {
  readonly code: ErrorCode;
  readonly reason: string;
  /** Some authenticator takes the token, and what it says of its caller cannot be used. */
  readonly ofCaller?: true;
};
type Named = { readonly caller: Caller; readonly authenticator: Authenticator } | Refusal;

/** What a service makes of a proof whatever the instant: noted with it, since it is the same for each request. */
interface Reading {
  readonly service: Service;
  readonly named: Named;
  /** When a token's times say nothing against it. */
  readonly valid: Between | undefined;
}

/** Who is asking, for this route and at this instant (epoch milliseconds). */
export function identify(route: Route, proof: Proof, now: number): Identified {
  if (route.access.kind === "public") return { outcome: "caller" };
  const named = namedAt(route.service, proof, now);
  if ("code" in named) return { outcome: "deny", code: named.code, reason: named.reason, service: route.service, route };
  if (route.authenticators.includes(named.authenticator)) return { outcome: "caller", caller: named.caller };
  const reason = `${named.authenticator.name} does not count on this route`;
  return { outcome: "deny", code: "WRONG_TOKEN_TYPE", reason, service: route.service, route, caller: named.caller };
}

function readProof(service: Service, proof: Proof): Reading {
  const before = Noted.noteOf(proof) as Reading | undefined;
  if (before?.service === service) return before;
  const valid = proof.kind === "jwt" ? validBetween(proof.claims) : undefined;
  const reading: Reading = { service, named: nameCaller(service, proof), valid };
  Noted.note(proof, reading);
  return reading;
}

function nameCaller(service: Service, proof: Proof): Named {
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
      return callerOfToken(service, proof.iss, proof.claims);
    case "secret":
      return callerOfSecret(service, proof.authenticator, proof.id);
    case "key":
      return callerOfKey(service, proof.authenticator, proof.key);
  }
}

/** What the instant says comes first, but for a token that no instant makes good. */
function namedAt(service: Service, proof: Proof, now: number): Named {
  const { named, valid } = readProof(service, proof);
  if (valid && now >= valid.from && now < valid.until) return named;
  switch (proof.kind) {
    case "jwt":
      return timeRefusal(proof.claims, named, now) ?? named;
    case "secret":
      return "code" in named ? named : (secretRefusal(named.caller, now) ?? named);
    case "key":
      return "code" in named ? named : (keyRefusal(service, named.authenticator, proof.key, now) ?? named);
    default:
      return named;
  }
}

/* ── tokens ───────────────────────────────────────────────────────────── */

function timeRefusal(claims: Claims, named: Named, now: number): Refusal | undefined {
  const fault = timeFault(claims, now);
  if (fault !== undefined) return { code: "TOKEN_INVALID", reason: fault };
  if ("code" in named && named.code === "TOKEN_INVALID" && !named.ofCaller) return named;
  return expiryOf(claims) <= now ? { code: "TOKEN_EXPIRED", reason: "exp has passed" } : undefined;
}

function callerOfToken(service: Service, iss: string, claims: Claims): Named {
  const chosen = chooseAuthenticator(service, iss, claims);
  return "code" in chosen ? chosen : callerOfClaims(service, chosen, claims);
}

/** The one that takes the token; a token that lacks what it must have is invalid rather than of another kind. */
function chooseAuthenticator(service: Service, iss: string, claims: Claims): JwtAuthenticator | Refusal {
  let refusal: Refusal = { code: "TOKEN_INVALID", reason: "no authenticator trusts the issuer" };
  let invalid: Refusal | undefined;
  for (const authenticator of service.authenticators) {
    if (authenticator.kind !== "jwt" || authenticator.issuer.iss !== iss) continue;
    const verdict = fit(authenticator, claims);
    if (verdict.kind === "fits") return authenticator;
    if (verdict.kind === "invalid") invalid ??= { code: "TOKEN_INVALID", reason: `${authenticator.name}: ${verdict.reason}` };
    else refusal = { code: "WRONG_TOKEN_TYPE", reason: `${authenticator.name}: ${verdict.reason}` };
  }
  return invalid ?? refusal;
}

function callerOfClaims(service: Service, authenticator: JwtAuthenticator, claims: Claims): Named {
  const kind = kindOf(claims);
  const scopes = scopeClaim(claims);
  const groups = listClaim(claims, authenticator.groupsClaim);
  if (!scopes || !groups) return badClaim(`${scopes ? authenticator.groupsClaim : "scope"} is of the wrong type`);
  const role = roleOfClaims(authenticator, claims);
  if (role === null) return badClaim("the role claim is no string");
  const held: Held = { scopes: kind === "machine" ? scopes : [], groups: kind === "person" ? groups : [], role };
  const subject = String(claims["sub"]);
  const caller: Caller = {
    ...standing(service, authenticator, held),
    subject,
    kind: kind ?? "person",
    tenants: tenantsOfClaims(authenticator, claims, kind, held.groups),
    expiresAt: expiryOf(claims),
    account: `token ${authenticator.issuer.iss} ${subject}`,
  };
  return { caller, authenticator };
}

/** It says less than that the token has expired, or is of another kind. */
function badClaim(reason: string): Refusal {
  return { code: "TOKEN_INVALID", reason, ofCaller: true };
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

function callerOfSecret(service: Service, name: string, id: string): Named {
  const authenticator = named(service, name, "bearer") as BearerAuthenticator | undefined;
  const secret = authenticator?.secrets.find((candidate) => candidate.id === id);
  if (!authenticator || !secret) return { code: "TOKEN_INVALID", reason: "no such secret in this policy" };
  const held: Held = { scopes: [], groups: [], role: fixedRole(authenticator), granted: secret.grants };
  const caller: Caller = {
    ...standing(service, authenticator, held),
    subject: id,
    kind: "secret",
    tenants: authenticator.tenant?.kind === "fixed" ? [authenticator.tenant.tenant] : [],
    ...(secret.until !== undefined && { expiresAt: secret.until }),
    credentialId: id,
  };
  return { caller, authenticator };
}

function secretRefusal({ credentialId, expiresAt }: Caller, now: number): Refusal | undefined {
  const hasEnded = expiresAt !== undefined && expiresAt <= now;
  return hasEnded ? { code: "TOKEN_INVALID", reason: `secret ${credentialId} has ended` } : undefined;
}

/** Kinds of authenticators whose credentials belong to an account, with the code of their refusal. */
const OF_ACCOUNTS = [
  { kind: "apiKey", code: "KEY_INVALID", word: "key" },
  { kind: "sigv4", code: "SIGNATURE_INVALID", word: "key" },
  { kind: "mtls", code: "TOKEN_INVALID", word: "certificate" },
] as const;

/** API keys, access keys and client certificates: they differ in how they are proved, and in the code of their refusal. */
function callerOfKey(service: Service, name: string, key: OwnedKey): Named {
  const found = OF_ACCOUNTS.find((one) => named(service, name, one.kind)) ?? OF_ACCOUNTS[0];
  const authenticator = named(service, name, found.kind);
  if (!authenticator) return { code: found.code, reason: `${found.word} ${key.id}: no such authenticator in this policy` };
  const { account } = key;
  const caller: Caller = {
    ...standing(service, authenticator, { scopes: key.scopes, groups: [], role: account.role }),
    subject: account.id,
    kind: "key",
    tenants: tenantsOfAccount(authenticator, account.tenant),
    ...(key.expiresAt !== undefined && { expiresAt: key.expiresAt }),
    credentialId: key.id,
    account: `account ${account.service} ${account.id}`,
  };
  return { caller, authenticator };
}

function keyRefusal(service: Service, { kind }: Authenticator, key: OwnedKey, now: number): Refusal | undefined {
  const fault = keyFault(service, key, now);
  if (fault === undefined) return undefined;
  const { code, word } = OF_ACCOUNTS.find((one) => one.kind === kind) ?? OF_ACCOUNTS[0];
  return { code, reason: `${word} ${key.id}: ${fault}` };
}

function keyFault(service: Service, key: OwnedKey, now: number): string | undefined {
  if (key.service !== service.name || key.account.service !== key.service) return "it belongs to another service";
  if (key.revokedAt !== undefined) return "it was revoked";
  if (key.expiresAt !== undefined && key.expiresAt <= now) return "it has expired";
  return key.account.enabled ? undefined : `its account ${key.account.id} is disabled`;
}

function tenantsOfAccount(authenticator: Authenticator, tenant: string | undefined): readonly string[] {
  if (authenticator.tenant?.kind === "fixed") return [authenticator.tenant.tenant];
  return authenticator.tenant?.kind === "account" && isTenant(tenant) ? [tenant] : [];
}

function named(service: Service, name: string, kind: Authenticator["kind"]): Authenticator | undefined {
  return service.authenticators.find((candidate) => candidate.name === name && candidate.kind === kind);
}

function fixedRole(authenticator: Authenticator): string | undefined {
  return authenticator.role?.kind === "fixed" ? authenticator.role.role : undefined;
}
