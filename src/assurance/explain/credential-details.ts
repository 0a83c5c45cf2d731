/** What was read of a credential, and which authenticator takes it. */
import type { Caller, Claims, Proof } from "../../contract/caller.ts";
import type { JwtAuthenticator } from "../../contract/authenticators.ts";
import type { Route } from "../../contract/policy.ts";
import { fit, kindOf, timeFault } from "../../decision/claims.ts";
import type { Detail } from "./explain.ts";

/** Nothing of it is secret: ids and claims, never a signature. */
export function credentialDetails(route: Route, proof: Proof, caller: Caller | undefined, now: number): readonly Detail[] {
  if (route.access.kind === "public") return [{ about: "credential", is: "not read: the line is public" }];
  return [...proofDetails(route, proof, now), ...(caller ? callerDetails(caller) : [])];
}

function proofDetails(route: Route, proof: Proof, now: number): readonly Detail[] {
  switch (proof.kind) {
    case "none":
      return [{ about: "credential", is: "none" }];
    case "ambiguous":
    case "invalid":
    case "unavailable":
      return [{ about: "credential", is: `${proof.kind}: ${proof.reason}` }];
    case "secret":
      return [{ about: "credential", is: `the secret \`${proof.id}\` of \`${proof.authenticator}\`` }];
    case "key":
      return keyDetails(proof);
    case "jwt":
      return tokenDetails(route, proof, now);
  }
}

function keyDetails({ authenticator, key }: Extract<Proof, { kind: "key" }>): readonly Detail[] {
  const { account } = key;
  const state = [...(account.enabled ? [] : ["disabled"]), ...(key.revokedAt === undefined ? [] : ["revoked"])];
  return [
    { about: "credential", is: `the key ${key.id} of \`${authenticator}\`${state.length === 0 ? "" : `, ${state.join(", ")}`}` },
    { about: "scopes", is: key.scopes.length === 0 ? "none" : key.scopes.join(" ") },
    { about: "account", is: `${account.id} (${account.kind}), role ${account.role || "none"}, tenant ${account.tenant ?? "none"}` },
    ...(key.expiresAt === undefined ? [] : [{ about: "ends", is: new Date(key.expiresAt).toISOString() }]),
  ];
}

function tokenDetails(route: Route, { iss, claims }: Extract<Proof, { kind: "jwt" }>, now: number): readonly Detail[] {
  const jwts = route.service.authenticators.filter((one) => one.kind === "jwt");
  const fault = timeFault(claims, now);
  return [
    { about: "credential", is: `a token of ${iss}` },
    { about: "it is", is: WHOSE[kindOf(claims) ?? "neither"] },
    ...claimNames(jwts).flatMap((name) => claimDetail(claims, name)),
    ...(fault === undefined ? [] : [{ about: "times", is: fault }]),
    ...jwts.map((one) => ({ about: one.name, is: fitWords(one, iss, claims) })),
  ];
}

const WHOSE = {
  person: "a person's: it has a username",
  machine: "a machine's: `sub` is `client_id`, and there is no username",
  neither: "neither a person's nor a machine's",
} as const;

/** Those that the policy or the rules for tokens look at. */
function claimNames(authenticators: readonly JwtAuthenticator[]): readonly string[] {
  const own = authenticators.flatMap(({ groupsClaim, role, tenant }) => [
    groupsClaim,
    ...(role?.kind === "claim" ? [role.claim] : []),
    ...(tenant?.kind === "claim" ? [tenant.claim] : []),
  ]);
  return [...new Set(["sub", "token_use", "client_id", "aud", "exp", "scope", ...own])];
}

function claimDetail(claims: Claims, name: string): readonly Detail[] {
  const value = claims[name];
  if (value === undefined) return [];
  const time = name === "exp" && typeof value === "number" && Math.abs(value) < 8e12 ? ` (${new Date(value * 1000).toISOString()})` : "";
  return [{ about: `claim ${name}`, is: `${JSON.stringify(value)}${time}` }];
}

function fitWords(authenticator: JwtAuthenticator, iss: string, claims: Claims): string {
  if (authenticator.issuer.iss !== iss) return `does not take it: its issuer is ${authenticator.issuer.iss}`;
  const verdict = fit(authenticator, claims);
  return verdict.kind === "fits" ? "takes it" : `does not take it: ${verdict.reason}`;
}

function callerDetails(caller: Caller): readonly Detail[] {
  const { subject, kind, authenticator, permissions, tenants, crossTenant } = caller;
  return [
    { about: "caller", is: `${subject} (${kind}), by \`${authenticator}\`` },
    { about: "permissions", is: permissions.size === 0 ? "none" : [...permissions].join(", ") },
    ...[...caller.tenantPermissions].map(([tenant, own]) => ({ about: `for ${tenant}`, is: [...own].join(", ") })),
    { about: "tenants", is: `${tenants.length === 0 ? "none" : tenants.join(", ")}${crossTenant ? "; crosses tenants" : ""}` },
  ];
}
