/** A caller as described → the credential that it would send, and what a service would make of it. */
import type { Claims, OwnedKey, Proof } from "../contract/caller.ts";
import type { Authenticator, JwtAuthenticator, Secret } from "../contract/authenticators.ts";
import type { Policy, Service } from "../contract/policy.ts";
import type { CallerSketch } from "../contract/policy-tests.ts";

/** A credential as the service that it is for would prove it. */
export interface Credential {
  readonly service: string;
  readonly proof: Proof;
}

/** Nobody: a request without credential. */
export const NOBODY: Credential = { service: "", proof: { kind: "none" } };

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** The credential of a caller whose service and authenticator are in the policy. Throws where they are not. */
export function credentialOf(policy: Policy, sketch: CallerSketch, now: number): Credential {
  const service = policy.services.find((one) => one.name === sketch.service);
  const authenticator = service?.authenticators.find((one) => one.name === sketch.by);
  if (!service || !authenticator) throw new Error(`${sketch.service} has no authenticator ${sketch.by}`);
  return { service: service.name, proof: proofOf(authenticator, service, sketch, now) };
}

function proofOf(authenticator: Authenticator, service: Service, sketch: CallerSketch, now: number): Proof {
  switch (authenticator.kind) {
    case "jwt":
      return tokenOf(authenticator, sketch, now);
    case "bearer":
      return { kind: "secret", authenticator: authenticator.name, id: sketch.secret ?? "" };
    case "apiKey":
    case "sigv4":
    case "mtls":
      return { kind: "key", authenticator: authenticator.name, key: keyOf(service, sketch, now) };
  }
}

/* ── tokens ───────────────────────────────────────────────────────────── */

function tokenOf(authenticator: JwtAuthenticator, sketch: CallerSketch, now: number): Proof {
  const own = sketch.claims ?? {};
  const filled: Record<string, unknown> = { ...standardClaims(authenticator, sketch, now), ...own };
  const claims = Object.assign(Object.create(null) as Record<string, unknown>, filled);
  for (const [name, value] of Object.entries(filled)) if (value === null) delete claims[name];
  const iss = typeof claims["iss"] === "string" ? claims["iss"] : authenticator.issuer.iss;
  return { kind: "jwt", iss, claims: Object.freeze(claims) };
}

/** What the authenticator must find in a token, in Cognito's shapes. */
function standardClaims(authenticator: JwtAuthenticator, sketch: CallerSketch, now: number): Claims {
  const { issuer, use, clients, audience, maxLifetimeMs } = authenticator;
  const lifeMs = Math.min(HOUR_MS, maxLifetimeMs);
  const exp = Math.floor((sketch.expired === true ? now - MINUTE_MS : now + lifeMs - Math.min(MINUTE_MS, lifeMs / 2)) / 1000);
  const client = firstOf(clients) ?? sketch.name;
  return {
    iss: issuer.iss,
    iat: exp - Math.floor(lifeMs / 1000),
    exp,
    ...(use !== undefined && { token_use: use }),
    ...(audience !== undefined && { aud: firstOf(audience) ?? sketch.name }),
    ...(isMachine(authenticator, sketch) ? machineClaims(sketch, client) : personClaims(authenticator, sketch, client)),
  };
}

/** Where the authenticator takes both, a token with scopes and without username is a machine's. */
function isMachine({ caller, use, clients }: JwtAuthenticator, { claims = {} }: CallerSketch): boolean {
  if (caller !== undefined) return caller === "machine";
  const named = claims["username"] !== undefined || claims["cognito:username"] !== undefined;
  return use !== "id" && clients !== undefined && !named && (claims["scope"] !== undefined || claims["client_id"] !== undefined);
}

function machineClaims({ claims = {} }: CallerSketch, client: string): Claims {
  const subject = claims["sub"] ?? claims["client_id"] ?? client;
  return { client_id: claims["client_id"] ?? subject, sub: subject };
}

function personClaims({ use, clients }: JwtAuthenticator, { name }: CallerSketch, client: string): Claims {
  return { sub: name, [use === "id" ? "cognito:username" : "username"]: name, ...(clients !== undefined && { client_id: client }) };
}

function firstOf(allowed: "any" | ReadonlySet<string> | undefined): string | undefined {
  return typeof allowed === "object" ? [...allowed][0] : undefined;
}

/* ── keys ─────────────────────────────────────────────────────────────── */

function keyOf(service: Service, { name, account = {}, scopes = [], expired, revoked }: CallerSketch, now: number): OwnedKey {
  return {
    id: name,
    service: service.name,
    account: {
      service: service.name,
      id: account.id ?? name,
      kind: account.kind ?? "service",
      role: account.role ?? "",
      ...(account.tenant !== undefined && { tenant: account.tenant }),
      enabled: account.enabled ?? true,
    },
    scopes,
    createdAt: now - HOUR_MS,
    ...(expired === true && { expiresAt: now - MINUTE_MS }),
    ...(revoked === true && { revokedAt: now - MINUTE_MS }),
  };
}

/* ── at another service ───────────────────────────────────────────────── */

/** What a service makes of the credential: its own is proved, another's is read only where it stands in a place that the service reads. */
export function proofAt(policy: Policy, { service: home, proof }: Credential, service: Service): Proof {
  if (service.name === home || proof.kind === "none" || proof.kind === "ambiguous") return proof;
  if (proof.kind === "jwt" && trusts(service, proof.iss)) return proof;
  const known = proof.kind === "secret" && sameSecret(policy, home, proof, service);
  if (known) return known;
  const place = placeOf(policy, home, proof);
  const readers = service.authenticators.filter((one) => placeRead(one) === place);
  if (readers.length === 0) return { kind: "none" };
  return {
    kind: "invalid",
    code: codeOf(readers, proof),
    reason: `the credential is of ${home === "" ? "no service of the policy" : home}`,
  };
}

function trusts({ authenticators }: Service, iss: string): boolean {
  return authenticators.some((one) => one.kind === "jwt" && one.issuer.iss === iss);
}

type SecretProof = Extract<Proof, { readonly kind: "secret" }>;

/** The service's own name for the secret, where it takes the same one: an authenticator may be shared. */
function sameSecret(policy: Policy, home: string, { authenticator, id }: SecretProof, service: Service): SecretProof | undefined {
  const shown = secretsOf(policy.services.find(({ name }) => name === home)).find(
    (one) => one.authenticator === authenticator && one.id === id,
  );
  const taken = secretsOf(service).find(({ digest }) => shown && Buffer.compare(digest, shown.digest) === 0);
  return taken && { kind: "secret", authenticator: taken.authenticator, id: taken.id };
}

interface HeldSecret extends Secret {
  readonly authenticator: string;
}

function secretsOf(service: Service | undefined): readonly HeldSecret[] {
  return (service?.authenticators ?? []).flatMap((one) =>
    one.kind === "bearer" ? one.secrets.map((secret) => ({ ...secret, authenticator: one.name })) : [],
  );
}

/** Where the credential stands. */
function placeOf(policy: Policy, home: string, proof: Proof): string {
  const service = policy.services.find((one) => one.name === home);
  const authenticator = service?.authenticators.find((one) => proof.kind === "key" && one.name === proof.authenticator);
  return authenticator ? placeRead(authenticator) : "authorization";
}

/** The header that an authenticator reads; a certificate stands in none. */
function placeRead(authenticator: Authenticator): string {
  if (authenticator.kind === "mtls") return "certificate";
  return authenticator.kind === "apiKey" ? authenticator.header : "authorization";
}

function codeOf(readers: readonly Authenticator[], proof: Proof): "KEY_INVALID" | "SIGNATURE_INVALID" | "TOKEN_INVALID" {
  const kinds = new Set(readers.map(({ kind }) => kind));
  if (kinds.has("apiKey")) return "KEY_INVALID";
  const takesTokens = kinds.has("jwt") || kinds.has("bearer");
  return kinds.has("sigv4") && (proof.kind === "key" || !takesTokens) ? "SIGNATURE_INVALID" : "TOKEN_INVALID";
}
