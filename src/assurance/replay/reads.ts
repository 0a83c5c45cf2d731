/** What a policy's rules read of requests and tokens, and what its services trust: so that a decision can be taken once more, elsewhere. */
import { hash } from "node:crypto";
import type { Authenticator, BearerSecret, JwtAuthenticator } from "../../contract/authenticators.ts";
import type { Policy, Service } from "../../contract/policy.ts";
import { looseFieldName } from "../../decision/query.ts";

/** Read of every token, whatever the policy says: see `decision/claims.ts`. */
const CLAIMS_OF_TOKENS = ["sub", "exp", "iat", "nbf", "token_use", "client_id", "aud", "scope", "username", "cognito:username"];

/** Of these claims it matters only that they hold a word. */
export const NAMES_OF_PEOPLE: ReadonlySet<string> = new Set(["username", "cognito:username"]);

export interface Reads {
  /** Headers whose values name a tenant; lower case. */
  readonly headers: ReadonlySet<string>;
  /** Loose names of the query's fields whose values name a tenant. */
  readonly fields: ReadonlySet<string>;
  /** Names of fields that some route allows or denies, as written. */
  readonly fieldNames: ReadonlySet<string>;
  readonly claims: ReadonlySet<string>;
  /** Claims that some rule gives a meaning of its own. */
  readonly ownClaims: ReadonlySet<string>;
}

const readsKnown = new WeakMap<Policy, Reads>();

/** Everything that some rule of the policy reads. */
export function readsOf(policy: Policy): Reads {
  const known = readsKnown.get(policy);
  if (known) return known;
  const { services } = policy;
  const ownClaims = services.flatMap(({ authenticators }) => authenticators.flatMap((one) => (one.kind === "jwt" ? ownClaimsOf(one) : [])));
  const reads: Reads = {
    headers: new Set(services.flatMap(({ tenant }) => tenant?.header ?? [])),
    fields: new Set(services.flatMap(({ tenant }) => (tenant?.query === undefined ? [] : looseFieldName(tenant.query)))),
    fieldNames: new Set(services.flatMap(({ routes }) => routes.flatMap(({ query }) => [...(query?.names ?? [])]))),
    claims: new Set([...CLAIMS_OF_TOKENS, ...ownClaims]),
    ownClaims: new Set(ownClaims),
  };
  readsKnown.set(policy, reads);
  return reads;
}

/** Claims that this authenticator's own rules read. */
export function ownClaimsOf({ groupsClaim, role, tenant }: JwtAuthenticator): readonly string[] {
  return [groupsClaim, ...(role?.kind === "claim" ? [role.claim] : []), ...(tenant?.kind === "claim" ? [tenant.claim] : [])];
}

/** What is known of a policy that runs, beyond what may be written down. */
export interface Exactly {
  /** Where keys and accounts are. */
  readonly keyStore: string;
  /** File of the authorities of client certificates; `""` where there is none. */
  readonly authorities: string;
}

/**
 * One text for each thing that can prove a credential to the service, and for nothing else: `PLACE KIND …`, where PLACE is the
 * header in which the credential stands, `query` or `certificate`. Two services with the same texts take the same credentials.
 * With `exactly` that holds to the last secret, and the texts are not for the log; without, a secret is what its id says.
 */
export function trustsOf({ authenticators, tenant }: Service, exactly?: Exactly): readonly string[] {
  return authenticators.flatMap((one) => trustsOfOne(one, tenant?.header ?? "", exactly));
}

/** `tenantHeader` must be signed where it is sent. */
export function trustsOfOne(authenticator: Authenticator, tenantHeader: string, exactly?: Exactly): readonly string[] {
  const store = exactly ? [exactly.keyStore] : [];
  switch (authenticator.kind) {
    case "jwt": {
      const { iss, jwks, algorithms } = authenticator.issuer;
      return [text("authorization", "jwt", iss, digest([jwks, ...algorithms.toSorted()]))];
    }
    case "bearer":
      return [text("authorization", "bearer"), ...authenticator.secrets.map((secret) => secretTrust(authenticator.name, secret, exactly))];
    case "apiKey":
      return [text(authenticator.header.toLowerCase(), "apiKey", authenticator.prefix, ...store)];
    case "sigv4": {
      const { region, service, windowMs, maxHeldBodyBytes } = authenticator;
      const rest = [region, service, windowMs, maxHeldBodyBytes, tenantHeader, ...store].map(String);
      return [text("authorization", "sigv4", ...rest), text("query", "sigv4", ...rest)];
    }
    case "mtls":
      return [text("certificate", "mtls", authenticator.subject, ...(exactly ? [exactly.authorities] : []), ...store)];
  }
}

/** Trust in one secret: its authenticator and id, and with `exactly` what it is. */
export function secretTrust(authenticator: string, { id, digest: value }: Pick<BearerSecret, "id" | "digest">, exactly?: Exactly): string {
  return text("authorization", "secret", authenticator, id, ...(exactly ? [Buffer.from(value).toString("hex")] : []));
}

function text(...words: readonly string[]): string {
  return words.join(" ");
}

function digest(words: readonly string[]): string {
  return hash("sha256", JSON.stringify(words), "hex").slice(0, 12);
}
