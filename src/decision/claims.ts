/** What the claims of a verified token say, in Cognito's shapes (RFC 7519 section 4.1 and the user pool token reference). */
import type { Claims } from "../contract/caller.ts";
import type { JwtAuthenticator } from "../contract/authenticators.ts";

/** Clocks may differ by this much for `iat` and `nbf`; `exp` has no leeway. */
const SKEW_MS = 60_000;

export type CallerKind = "person" | "machine" | undefined;

/** A machine's token has `sub` = `client_id` and no username; a person's has a username. */
export function kindOf(claims: Claims): CallerKind {
  if (isWord(claims["username"]) || isWord(claims["cognito:username"])) return "person";
  const named = "username" in claims || "cognito:username" in claims;
  return !named && isWord(claims["sub"]) && claims["sub"] === claims["client_id"] ? "machine" : undefined;
}

/** Why the times or the subject make the token invalid; expiry is looked at apart, since it has a code of its own. */
export function timeFault(claims: Claims, now: number): string | undefined {
  if (!isWord(claims["sub"])) return "sub is missing or no string";
  if (!isSeconds(claims["exp"])) return "exp is missing or no whole number of seconds";
  if (!isSeconds(claims["iat"])) return "iat is missing or no whole number of seconds";
  if (claims["iat"] * 1000 > now + SKEW_MS) return "iat lies in the future";
  if (!("nbf" in claims)) return undefined;
  if (!isSeconds(claims["nbf"])) return "nbf is no whole number of seconds";
  return claims["nbf"] * 1000 > now + SKEW_MS ? "nbf lies in the future" : undefined;
}

/** Instants of the wall clock, epoch milliseconds: from the first on, and before the second. */
export interface Between {
  readonly from: number;
  readonly until: number;
}

const NEVER: Between = { from: Number.POSITIVE_INFINITY, until: Number.NEGATIVE_INFINITY };

/** When the times and the subject are in order, and the token has not ended: `timeFault` and `expiryOf` for every instant at once. */
export function validBetween(claims: Claims): Between {
  // In the end of all time nothing lies in the future: what is still at fault then is so at any instant.
  if (timeFault(claims, Number.POSITIVE_INFINITY) !== undefined) return NEVER;
  const { iat, nbf = iat } = claims;
  return { from: Math.max(Number(iat), Number(nbf)) * 1000 - SKEW_MS, until: expiryOf(claims) };
}

/** When the token ends, epoch milliseconds; only after `timeFault` found nothing. */
export function expiryOf(claims: Claims): number {
  return Number(claims["exp"]) * 1000;
}

/** Whether an authenticator takes the token: yes, no (another one may), or the token lacks what it must have. */
export type Fit =
  { readonly kind: "fits" } | { readonly kind: "other"; readonly reason: string } | { readonly kind: "invalid"; readonly reason: string };

export function fit(authenticator: JwtAuthenticator, claims: Claims): Fit {
  if (authenticator.use !== undefined) {
    if (!isWord(claims["token_use"])) return { kind: "invalid", reason: "token_use is missing or no string" };
    if (claims["token_use"] !== authenticator.use) return { kind: "other", reason: `token_use is not ${authenticator.use}` };
  }
  const lacking = lackingFit("client_id", authenticator.clients, claims) ?? lackingFit("aud", authenticator.audience, claims);
  if (lacking) return lacking;
  if (authenticator.caller !== undefined && kindOf(claims) !== authenticator.caller)
    return { kind: "other", reason: `the token is no ${authenticator.caller}'s` };
  const member = memberFit("client_id", authenticator.clients, claims) ?? memberFit("aud", authenticator.audience, claims);
  if (member) return member;
  const lifetimeMs = (Number(claims["exp"]) - Number(claims["iat"])) * 1000;
  if (lifetimeMs <= 0 || lifetimeMs > authenticator.maxLifetimeMs)
    return { kind: "invalid", reason: "the token's lifetime is longer than the policy allows, or none" };
  return { kind: "fits" };
}

type Allowed = "any" | ReadonlySet<string> | undefined;

/** Cognito's `aud` is a string; a list could hold the right one beside a stranger's. */
function lackingFit(claim: string, allowed: Allowed, claims: Claims): Fit | undefined {
  if (allowed === undefined || allowed === "any" || isWord(claims[claim])) return undefined;
  return { kind: "invalid", reason: `${claim} is missing or no string` };
}

/** Only after `lackingFit` found nothing. */
function memberFit(claim: string, allowed: Allowed, claims: Claims): Fit | undefined {
  if (allowed === undefined || allowed === "any" || allowed.has(String(claims[claim]))) return undefined;
  return { kind: "other", reason: `${claim} is none of those listed` };
}

/** A list claim: undefined when it is there but no list of strings; empty when it is absent. */
export function listClaim(claims: Claims, name: string): readonly string[] | undefined {
  const value = claims[name];
  if (value === undefined) return [];
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}

/** `scope`, split at single spaces (RFC 6749 section 3.3); undefined when it is there but no string. */
export function scopeClaim(claims: Claims): readonly string[] | undefined {
  const value = claims["scope"];
  if (value === undefined) return [];
  return typeof value === "string" ? value.split(" ") : undefined;
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isSeconds(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}
