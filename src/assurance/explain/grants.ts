/** What a caller's permissions come from. */
import type { Proof } from "../../contract/caller.ts";
import type { Authenticator, Grants } from "../../contract/authenticators.ts";
import type { Service } from "../../contract/policy.ts";
import { scopeClaim, listClaim } from "../../decision/claims.ts";
import { grants } from "../../decision/permission.ts";
import { between } from "../../decision/standing.ts";

/** One thing that the caller has, and what it grants. */
export interface Source {
  /** `scope streamline/read_models`, `role viewer`. */
  readonly name: string;
  readonly grants: Grants;
  /** For which tenant alone; undefined: for all. */
  readonly tenant?: string;
  /** A role beside scopes grants nothing: it only cuts down. */
  readonly caps: boolean;
}

/** Everything that the credential shows and the authenticator counts. */
export function sourcesOf(service: Service, authenticator: Authenticator, proof: Proof, role: string | undefined): readonly Source[] {
  const { scopes, groups } = heldOf(authenticator, proof);
  return [
    ...secretSource(authenticator, proof),
    ...named("scope", scopes, authenticator.scopes),
    ...named(
      "group",
      groups.filter((group) => authenticator.groups.has(group)),
      authenticator.groups,
    ),
    ...groups.flatMap((group) => patternSources(authenticator, group)),
    ...(authenticator.role
      ? [{ name: `role \`${role ?? "none"}\``, grants: service.roles.get(role ?? "") ?? new Set<string>(), caps: authenticator.hasGrants }]
      : []),
  ];
}

function named(word: string, names: readonly string[], table: ReadonlyMap<string, Grants>): readonly Source[] {
  return names.map((name) => ({ name: `${word} \`${name}\``, grants: table.get(name) ?? new Set<string>(), caps: false }));
}

function heldOf(authenticator: Authenticator, proof: Proof): { readonly scopes: readonly string[]; readonly groups: readonly string[] } {
  if (proof.kind === "key") return { scopes: proof.key.scopes, groups: [] };
  if (proof.kind !== "jwt" || authenticator.kind !== "jwt") return { scopes: [], groups: [] };
  const scopes = scopeClaim(proof.claims)?.filter((scope) => scope !== "") ?? [];
  return { scopes, groups: listClaim(proof.claims, authenticator.groupsClaim) ?? [] };
}

function secretSource(authenticator: Authenticator, proof: Proof): readonly Source[] {
  if (proof.kind !== "secret" || authenticator.kind !== "bearer") return [];
  return authenticator.secrets
    .filter(({ id }) => id === proof.id)
    .map(({ id, grants: own }) => ({ name: `secret \`${id}\``, grants: own, caps: false }));
}

function patternSources(authenticator: Authenticator, group: string): readonly Source[] {
  return authenticator.groupPatterns.flatMap((pattern) => {
    const tenant = between(group, pattern);
    return tenant === undefined ? [] : [{ name: `group \`${group}\``, grants: pattern.grants, tenant, caps: false }];
  });
}

/** Longer lists are in the matrix. */
const MOST_NAMED = 5;

/** What whoever shows this kind of credential could have that grants a permission. */
function couldGrant(name: string, service: Service, authenticator: Authenticator): readonly string[] {
  const holding = (word: string, table: ReadonlyMap<string, Grants>): readonly string[] =>
    [...table].filter(([, set]) => grants(set, name)).map(([one]) => `${word} \`${one}\``);
  const patterns = authenticator.groupPatterns
    .filter((pattern) => grants(pattern.grants, name))
    .map(({ prefix, suffix }) => `group \`${prefix}{tenant}${suffix}\``);
  const counted = authenticator.role && !authenticator.hasGrants ? holding("role", service.roles) : [];
  const secrets = authenticator.kind === "bearer" ? new Map(authenticator.secrets.map((secret) => [secret.id, secret.grants])) : new Map();
  return [
    ...holding("scope", authenticator.scopes),
    ...holding("group", authenticator.groups),
    ...patterns,
    ...holding("secret", secrets),
    ...counted,
  ];
}

function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return names.slice(0, MOST_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** "by scope `x`, and role `y` lets it", or what is in the way, and what would grant it. */
export function permissionWords(name: string, sources: readonly Source[], service: Service, authenticator: Authenticator): string {
  const granting = sources.filter((source) => !source.caps && grants(source.grants, name));
  const caps = sources.filter((source) => source.caps);
  const capped = caps.find((cap) => !grants(cap.grants, name));
  if (granting.length === 0) {
    const could = couldGrant(name, service, authenticator);
    const held = sources.length === 0 ? "" : ` (${sources.map((source) => source.name).join(", ")})`;
    return `granted by nothing the caller has${held}, ${could.length === 0 ? `nor by anything else of ${authenticator.name}` : `but by ${listed(could)}`}`;
  }
  const by = granting.map((source) => (source.tenant === undefined ? source.name : `${source.name} for ${source.tenant} alone`)).join(", ");
  if (capped) return `granted by ${by}, but ${capped.name} does not let it`;
  return `granted by ${by}${caps.length === 0 ? "" : `; ${caps.map((cap) => cap.name).join(", ")} lets it`}`;
}
