/** To which class of caller somebody belongs, in words: by what the policy's rules can tell apart. */
import type { Authenticator, JwtAuthenticator } from "../../contract/authenticators.ts";
import type { Caller, Claims, Proof } from "../../contract/caller.ts";
import type { Service } from "../../contract/policy.ts";
import { kindOf, listClaim, scopeClaim } from "../../decision/claims.ts";
import { between } from "../../decision/standing.ts";

/** As far as a decision named the caller. */
export type Named = Pick<Caller, "authenticator" | "role"> | undefined;

const LONGEST_CLASS = 120;

/** `service` is the one whose authenticators are looked at for what the caller holds. */
export function callerClass(service: Service | undefined, proof: Proof | undefined, caller: Named): string {
  const words = classOf(service, proof, caller);
  return words.length <= LONGEST_CLASS ? words : `${words.slice(0, LONGEST_CLASS - 1)}…`;
}

function classOf(service: Service | undefined, proof: Proof | undefined, caller: Named): string {
  switch (proof?.kind) {
    case undefined:
      return "anybody";
    case "none":
    case "unavailable":
      return "nobody";
    case "ambiguous":
      return "several credentials";
    case "invalid":
      return `a credential that is ${proof.code}`;
    case "secret":
      return `${proof.authenticator}, secret ${proof.id}`;
    case "key":
      return [proof.authenticator, ...roleWords(proof.key.account.role), ...list("key scope", proof.key.scopes)].join(", ");
    case "jwt":
      return tokenClass(service, proof.iss, proof.claims, caller);
  }
}

function tokenClass(service: Service | undefined, iss: string, claims: Claims, caller: Named): string {
  const takers = (service?.authenticators ?? []).filter(
    (one) => one.kind === "jwt" && one.issuer.iss === iss,
  ) as readonly JwtAuthenticator[];
  const named = caller && takers.find(({ name }) => name === caller.authenticator);
  const kind = kindOf(claims);
  const held = kind === "machine" ? list("scope", scopesOf(claims)) : list("group", groupsOf(named ? [named] : takers, claims));
  const prover = caller?.authenticator ?? `a token of ${iss}`;
  const people = kind === undefined || caller ? prover : `${prover} (${kind})`;
  return [people, ...roleWords(caller?.role), ...held].join(", ");
}

function scopesOf(claims: Claims): readonly string[] {
  return scopeClaim(claims)?.filter((scope) => scope !== "") ?? [];
}

/** Those that some rule knows; of a group that holds a tenant, the pattern. */
function groupsOf(authenticators: readonly JwtAuthenticator[], claims: Claims): readonly string[] {
  return authenticators.flatMap((one) => (listClaim(claims, one.groupsClaim) ?? []).flatMap((group) => knownGroup(one, group)));
}

function knownGroup(authenticator: Authenticator, group: string): readonly string[] {
  const { groups, groupPatterns, crossTenant, tenant } = authenticator;
  if (groups.has(group) || (crossTenant?.kind === "group" && crossTenant.value === group)) return [group];
  const patterns = [...groupPatterns, ...(tenant?.kind === "group" ? [tenant] : [])];
  const pattern = patterns.find((one) => between(group, one) !== undefined);
  return pattern ? [`${pattern.prefix}{tenant}${pattern.suffix}`] : [];
}

function roleWords(role: string | undefined): readonly string[] {
  return role === undefined || role === "" ? [] : [`role ${role}`];
}

function list(word: string, names: readonly string[]): readonly string[] {
  const sorted = [...new Set(names)].toSorted();
  return sorted.length === 0 ? [] : [`${word}${sorted.length === 1 ? "" : "s"} ${sorted.join(" ")}`];
}
