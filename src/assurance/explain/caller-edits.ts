/** Single edits of a caller: of a claim, a scope, a group, a role, an account. */
import type { Proof } from "../../contract/caller.ts";
import type { Authenticator, JwtAuthenticator } from "../../contract/authenticators.ts";
import type { Service } from "../../contract/policy.ts";
import type { CallerSketch } from "../../contract/policy-tests.ts";
import { namedTenant } from "../../decision/tenant.ts";
import { credentialOf } from "../credential.ts";
import { serviceOf } from "../inquiry.ts";
import { claimsEdit, type Edit, keyEdit, proofEdit, type Situation, without } from "./edit.ts";

const HOUR_S = 3600;

/** Everything that could be otherwise about whoever asks. */
export function callerEdits(situation: Situation): readonly Edit[] {
  const { seen } = situation.verdict;
  const service = seen && serviceOf(seen.match);
  if (!service) return [];
  const { proof } = situation.inquiry.credential;
  const tenant = tenantNamed(situation);
  switch (proof.kind) {
    case "jwt":
      return tokenEdits(situation, service, proof, tenant);
    case "key":
      return keyEdits(situation, service, proof, tenant);
    case "secret":
      return secretEdits(situation, service);
    default:
      return newCredentials(situation, service, tenant);
  }
}

/** Edits that take something away from whoever asks, or the whole credential. */
export function reducingEdits(situation: Situation): readonly Edit[] {
  const { proof } = situation.inquiry.credential;
  if (proof.kind === "none") return [];
  const own = proof.kind === "jwt" ? reducedToken(situation, proof) : proof.kind === "key" ? reducedKey(situation, proof) : [];
  return [...own, proofEdit(situation, "send no credential", { kind: "none" })];
}

/** The tenant that the request is about, if it names a single one. */
function tenantNamed({ verdict: { seen } }: Situation): string | undefined {
  if (seen?.match.kind !== "route") return undefined;
  const named = namedTenant(seen.match, seen.request);
  return named.kind === "one" ? named.tenant : undefined;
}

/* ── tokens ───────────────────────────────────────────────────────────── */

type Token = Extract<Proof, { kind: "jwt" }>;

function tokenEdits(situation: Situation, service: Service, token: Token, tenant: string | undefined): readonly Edit[] {
  const jwts = service.authenticators.filter((one) => one.kind === "jwt");
  return unique([
    freshToken(situation, token),
    ...jwts.flatMap((one) => [
      ...roleEdits(situation, service, one),
      ...scopeEdits(situation, token, one),
      ...groupEdits(situation, token, one, tenant),
      ...(tenant === undefined ? [] : tenantClaimEdits(situation, token, one, tenant)),
      ...standardEdits(situation, token, one),
    ]),
    ...kindEdits(situation, token),
    ...Object.keys(token.claims).map((name) => claimsEdit(situation, `leave the claim \`${name}\` out`, { [name]: undefined })),
  ]);
}

/** The same words say the same edit. */
function unique(edits: readonly Edit[]): readonly Edit[] {
  return [...new Map(edits.map((edit) => [edit.words, edit])).values()];
}

function freshToken(situation: Situation, { claims }: Token): Edit {
  const now = Math.floor(situation.inquiry.now / 1000);
  const life = Math.max(1, Math.min(HOUR_S, ...lifetimes(situation)));
  const fresh = { iat: now, exp: now + life, ...("nbf" in claims && { nbf: now }) };
  return claimsEdit(situation, "get a new token: the times of this one are not good", fresh);
}

function lifetimes({ verdict: { seen } }: Situation): readonly number[] {
  const service = seen && serviceOf(seen.match);
  return (service?.authenticators ?? []).flatMap((one) => (one.kind === "jwt" ? [Math.floor(one.maxLifetimeMs / 1000)] : []));
}

function roleEdits(situation: Situation, { roles }: Service, { role }: JwtAuthenticator): readonly Edit[] {
  if (role?.kind !== "claim") return [];
  return [...roles.keys()].map((name) =>
    claimsEdit(situation, `claim \`${role.claim}\` would have to be \`${name}\``, { [role.claim]: name }),
  );
}

function scopeEdits(situation: Situation, { claims }: Token, { scopes, crossTenant }: JwtAuthenticator): readonly Edit[] {
  const crossing = crossTenant?.kind === "scope" ? [crossTenant.value] : [];
  const before = typeof claims["scope"] === "string" && claims["scope"] !== "" ? `${claims["scope"]} ` : "";
  return [...scopes.keys(), ...crossing].map((scope) => claimsEdit(situation, `grant the scope \`${scope}\``, { scope: before + scope }));
}

function groupEdits(situation: Situation, { claims }: Token, authenticator: JwtAuthenticator, tenant: string | undefined): readonly Edit[] {
  const { groups, groupsClaim, groupPatterns, crossTenant, tenant: source } = authenticator;
  const patterns = [...groupPatterns, ...(source?.kind === "group" ? [source] : [])];
  const names = [
    ...(tenant === undefined ? [] : patterns.map(({ prefix, suffix }) => `${prefix}${tenant}${suffix}`)),
    ...groups.keys(),
    ...(crossTenant?.kind === "group" ? [crossTenant.value] : []),
  ];
  const before: readonly unknown[] = Array.isArray(claims[groupsClaim]) ? claims[groupsClaim] : [];
  return names.map((name) => claimsEdit(situation, `put the caller into the group \`${name}\``, { [groupsClaim]: [...before, name] }));
}

/** A machine's subject is its client: both change together. */
function tenantClaimEdits(situation: Situation, token: Token, { tenant: source }: JwtAuthenticator, tenant: string): readonly Edit[] {
  if (source?.kind !== "claim") return [];
  const values = source.alias ? [...source.alias].flatMap(([value, name]) => (name === tenant ? [value] : [])) : [tenant];
  return values.map((value) =>
    claimsEdit(situation, `claim \`${source.claim}\` would have to be \`${value}\``, clientChange(token, source.claim, value)),
  );
}

function standardEdits(situation: Situation, token: Token, { use, clients, audience, issuer }: JwtAuthenticator): readonly Edit[] {
  const set = (claim: string, value: string, change: Readonly<Record<string, unknown>> = { [claim]: value }) =>
    claimsEdit(situation, `claim \`${claim}\` would have to be \`${value}\``, change);
  return [
    ...(use === undefined ? [] : [set("token_use", use)]),
    ...listed(clients).map((client) => set("client_id", client, clientChange(token, "client_id", client))),
    ...listed(audience).map((client) => set("aud", client)),
    set("iss", issuer.iss),
  ];
}

function listed(allowed: "any" | ReadonlySet<string> | undefined): readonly string[] {
  return typeof allowed === "object" ? [...allowed] : [];
}

function clientChange({ claims }: Token, claim: string, value: string): Readonly<Record<string, unknown>> {
  const together = claim === "client_id" && claims["sub"] === claims["client_id"];
  return { [claim]: value, ...(together && { sub: value }) };
}

/** Person or machine. */
function kindEdits(situation: Situation, { claims }: Token): readonly Edit[] {
  const { sub, client_id: client } = claims;
  return [
    claimsEdit(situation, "claim `username` would have to be there: a person's token", {
      username: typeof sub === "string" ? sub : "someone",
    }),
    ...(typeof client === "string"
      ? [claimsEdit(situation, "claim `sub` would have to be the `client_id`: a machine's token", { sub: client })]
      : []),
    ...(typeof sub === "string"
      ? [claimsEdit(situation, "claim `client_id` would have to be the `sub`: a machine's token", { client_id: sub })]
      : []),
    ...(sub === undefined ? [claimsEdit(situation, "claim `sub` would have to be there", { sub: client ?? "someone" })] : []),
  ];
}

function reducedToken(situation: Situation, { claims }: Token): readonly Edit[] {
  const { seen } = situation.verdict;
  const service = seen && serviceOf(seen.match);
  const scopes = typeof claims["scope"] === "string" ? claims["scope"].split(" ") : [];
  const lists = new Set((service?.authenticators ?? []).flatMap((one) => (one.kind === "jwt" ? [one.groupsClaim] : [])));
  const roles = new Set((service?.authenticators ?? []).flatMap((one) => (one.role?.kind === "claim" ? [one.role.claim] : [])));
  return [
    ...scopes.map((scope) =>
      claimsEdit(situation, `take the scope \`${scope}\` away`, { scope: scopes.filter((one) => one !== scope).join(" ") }),
    ),
    ...[...lists].flatMap((claim) => {
      const groups: readonly unknown[] = Array.isArray(claims[claim]) ? claims[claim] : [];
      return groups.map((group) =>
        claimsEdit(situation, `take the caller out of the group \`${String(group)}\``, { [claim]: groups.filter((one) => one !== group) }),
      );
    }),
    ...[...roles].map((claim) => claimsEdit(situation, `take the role away (claim \`${claim}\`)`, { [claim]: undefined })),
  ];
}

/* ── keys and secrets ─────────────────────────────────────────────────── */

type Key = Extract<Proof, { kind: "key" }>;

function keyEdits(situation: Situation, service: Service, { authenticator: name, key }: Key, tenant: string | undefined): readonly Edit[] {
  const authenticator = service.authenticators.find((one) => one.name === name);
  const account = (words: string, change: Partial<typeof key.account>) =>
    keyEdit(situation, words, (one) => ({ ...one, account: { ...one.account, ...change } }));
  return [
    ...[...service.roles.keys()].map((role) => account(`give the account the role \`${role}\``, { role })),
    ...[...(authenticator?.scopes.keys() ?? [])].map((scope) =>
      keyEdit(situation, `grant the key the scope \`${scope}\``, (one) => ({ ...one, scopes: [...one.scopes, scope] })),
    ),
    ...(tenant === undefined ? [] : [account(`give the account the tenant \`${tenant}\``, { tenant })]),
    account("enable the account", { enabled: true }),
    keyEdit(situation, "use a key that was not revoked", (one) => without(one, "revokedAt")),
    keyEdit(situation, "use a key that has not ended", (one) => without(one, "expiresAt")),
  ];
}

function reducedKey(situation: Situation, { key }: Key): readonly Edit[] {
  return [
    ...key.scopes.map((scope) =>
      keyEdit(situation, `take the scope \`${scope}\` from the key`, (one) => ({
        ...one,
        scopes: one.scopes.filter((held) => held !== scope),
      })),
    ),
    keyEdit(situation, "take the role from the account", (one) => ({ ...one, account: { ...one.account, role: "" } })),
    keyEdit(situation, "disable the account", (one) => ({ ...one, account: { ...one.account, enabled: false } })),
  ];
}

function secretEdits(situation: Situation, { name, authenticators }: Service): readonly Edit[] {
  return authenticators.flatMap((one) =>
    one.kind === "bearer"
      ? one.secrets.map(({ id }) =>
          proofEdit(situation, `use the secret \`${id}\` of \`${one.name}\``, { kind: "secret", authenticator: one.name, id }, name),
        )
      : [],
  );
}

/* ── for whoever has none ─────────────────────────────────────────────── */

/** A credential with as little as may be enough: nothing, one scope, one group, one role. */
function newCredentials(situation: Situation, service: Service, tenant: string | undefined): readonly Edit[] {
  return service.authenticators.flatMap((authenticator) =>
    sketches(service, authenticator, tenant).map(({ words, sketch }) => {
      const { proof } = credentialOf(situation.policy, sketch, situation.inquiry.now);
      return proofEdit(situation, words, proof, service.name);
    }),
  );
}

interface Offer {
  readonly words: string;
  readonly sketch: CallerSketch;
}

function sketches(service: Service, authenticator: Authenticator, tenant: string | undefined): readonly Offer[] {
  const base = { name: "caller", service: service.name, by: authenticator.name };
  if (authenticator.kind === "bearer") {
    return authenticator.secrets.map(({ id }) => ({
      words: `present the secret \`${id}\` of \`${authenticator.name}\``,
      sketch: { ...base, secret: id },
    }));
  }
  return authenticator.kind === "jwt" ? tokenOffers(service, authenticator, tenant, base) : keyOffers(service, authenticator, tenant, base);
}

type Base = Pick<CallerSketch, "name" | "service" | "by">;

function tokenOffers(service: Service, authenticator: JwtAuthenticator, tenant: string | undefined, base: Base): readonly Offer[] {
  const { role, scopes, groups, groupPatterns, groupsClaim } = authenticator;
  const claims = tenantClaims(authenticator, tenant);
  const offer = (words: string, more: Readonly<Record<string, unknown>>): Offer => ({
    words: `present a token of \`${authenticator.name}\`${words}`,
    sketch: { ...base, claims: { ...claims, ...more } },
  });
  const patterns = tenant === undefined ? [] : groupPatterns.map(({ prefix, suffix }) => `${prefix}${tenant}${suffix}`);
  const joined = Array.isArray(claims[groupsClaim]) ? (claims[groupsClaim] as readonly string[]) : [];
  const roleClaims = role?.kind === "claim" ? [...service.roles.keys()] : [];
  return [
    offer("", {}),
    ...[...scopes.keys()].map((scope) => offer(` with the scope \`${scope}\``, { scope })),
    ...[...groups.keys(), ...patterns].map((group) =>
      offer(` whose caller is in the group \`${group}\``, { [groupsClaim]: [...joined, group] }),
    ),
    ...roleClaims.map((name) => offer(` with the role \`${name}\``, { [(role as { claim: string }).claim]: name })),
  ];
}

/** Claims that make the request's tenant the caller's. */
function tenantClaims({ tenant: source, groupsClaim }: JwtAuthenticator, tenant = "tenant"): Readonly<Record<string, unknown>> {
  if (source?.kind === "group") return { [groupsClaim]: [`${source.prefix}${tenant}${source.suffix}`] };
  if (source?.kind !== "claim") return {};
  const value = source.alias ? [...source.alias].find(([, name]) => name === tenant)?.[0] : tenant;
  return value === undefined ? {} : { [source.claim]: value };
}

const KEY_WORDS = { apiKey: "an API key", sigv4: "a signature", mtls: "a certificate" } as const;

function keyOffers(
  service: Service,
  authenticator: Exclude<Authenticator, { kind: "jwt" | "bearer" }>,
  tenant: string | undefined,
  base: Base,
): readonly Offer[] {
  const scopes = authenticator.scopes.size === 0 ? [undefined] : [...authenticator.scopes.keys()];
  const roles = [...service.roles.keys()];
  return roles.flatMap((role) =>
    scopes.map((scope) => ({
      words: `present ${KEY_WORDS[authenticator.kind]} of \`${authenticator.name}\`${scope === undefined ? "" : ` with the scope \`${scope}\``}, of an account with the role \`${role}\``,
      sketch: {
        ...base,
        account: { role, ...(authenticator.tenant?.kind === "account" && { tenant: tenant ?? "tenant" }) },
        scopes: scope === undefined ? [] : [scope],
      },
    })),
  );
}
