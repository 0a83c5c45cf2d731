/**
 * The authenticators of a compiled policy: what turns a credential into a caller, and what each grants.
 * Immutable. Durations are milliseconds, sizes bytes, instants epoch milliseconds, header names lower case.
 */

/** Permissions granted; `*` in the set grants all of the service. */
export type Grants = ReadonlySet<string>;

export type Authenticator = JwtAuthenticator | BearerAuthenticator | ApiKeyAuthenticator | SigV4Authenticator | MtlsAuthenticator;

/** Whose credentials the key store knows: each belongs to an account. */
export function belongsToAccounts({ kind }: Authenticator): boolean {
  return kind === "apiKey" || kind === "sigv4" || kind === "mtls";
}

interface AuthenticatorBase {
  readonly name: string;
  /** Scope (of a token or a key) → permissions. */
  readonly scopes: ReadonlyMap<string, Grants>;
  /** Exact group → permissions. */
  readonly groups: ReadonlyMap<string, Grants>;
  /** Groups that hold a tenant: `prefix{tenant}suffix`, whose grants hold for that tenant alone. */
  readonly groupPatterns: readonly GroupPattern[];
  /** True where the file gives the authenticator `scopes`, `groups` or `access`: then a role only cuts down. */
  readonly hasGrants: boolean;
  readonly role?: RoleSource;
  readonly tenant?: TenantSource;
  readonly crossTenant?: CrossTenant;
}

export interface GroupPattern {
  readonly prefix: string;
  readonly suffix: string;
  readonly grants: Grants;
}

export type RoleSource =
  { readonly kind: "fixed"; readonly role: string } | { readonly kind: "claim"; readonly claim: string } | { readonly kind: "account" };

export type TenantSource =
  | { readonly kind: "claim"; readonly claim: string; readonly alias?: ReadonlyMap<string, string> }
  | { readonly kind: "group"; readonly prefix: string; readonly suffix: string; readonly alias?: ReadonlyMap<string, string> }
  | { readonly kind: "account" }
  | { readonly kind: "fixed"; readonly tenant: string };

export type CrossTenant =
  | { readonly kind: "scope"; readonly value: string }
  | { readonly kind: "group"; readonly value: string }
  | { readonly kind: "role"; readonly value: string };

export interface JwtAuthenticator extends AuthenticatorBase {
  readonly kind: "jwt";
  readonly issuer: Issuer;
  /** Required value of the `token_use` claim; undefined: not looked at. */
  readonly use?: "access" | "id";
  readonly caller?: "person" | "machine";
  /** Allowed `client_id` values (access tokens). */
  readonly clients?: "any" | ReadonlySet<string>;
  /** Allowed `aud` values. */
  readonly audience?: "any" | ReadonlySet<string>;
  /** Longest accepted `exp - iat`. */
  readonly maxLifetimeMs: number;
  /** Claim that holds the groups list. */
  readonly groupsClaim: string;
}

/** A token issuer. Authenticators of one issuer share one value: same `iss`, same keys. */
export interface Issuer {
  /** Exact value of `iss`. */
  readonly iss: string;
  /** Address of the key set. */
  readonly jwks: string;
  /** JWS algorithms that count, e.g. `RS256`. */
  readonly algorithms: readonly string[];
}

/** A secret of the operator's, of which only the digest is kept in memory. */
export interface Secret {
  readonly id: string;
  /** SHA-256 of the secret's UTF-8 bytes. */
  readonly digest: Uint8Array;
  /** It is refused from this instant on. */
  readonly until?: number;
}

export interface BearerAuthenticator extends AuthenticatorBase {
  readonly kind: "bearer";
  readonly secrets: readonly BearerSecret[];
}

export interface BearerSecret extends Secret {
  readonly grants: Grants;
}

export interface ApiKeyAuthenticator extends AuthenticatorBase {
  readonly kind: "apiKey";
  readonly header: string;
  /** First part of each key, e.g. `sfk_prod`; unique to the service. */
  readonly prefix: string;
}

/** Requests signed as AWS Signature Version 4 says, with access keys of the store. */
export interface SigV4Authenticator extends AuthenticatorBase {
  readonly kind: "sigv4";
  /** Of the credential scope, compared whole. */
  readonly region: string;
  /** Of the credential scope, compared whole. */
  readonly service: string;
  /** How far the time of signing may lie from now, either way. */
  readonly windowMs: number;
  /** Largest body without `x-amz-content-sha256` that is held to be hashed; 0: such a body is refused. */
  readonly maxHeldBodyBytes: number;
}

/** Certificates with which clients prove themselves to the TLS front door; each stands for an account of the store. */
export interface MtlsAuthenticator extends AuthenticatorBase {
  readonly kind: "mtls";
  readonly subject: CertificateSubject;
}

/** The field of a client certificate whose value is an account's id; it must be there exactly once. */
export type CertificateSubject = "commonName" | "dnsName" | "email" | "uri";
