/** Credentials once looked at, and callers once proved. */
import type { Grants } from "./authenticators.ts";

/** Verified claims of a JWT. Frozen, with a null prototype at the top level; values are a stranger's. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * What was made of the credential that a request carries, before any rule of the policy is applied to it.
 * `jwt`: signature and header proved against the issuer's keys; times and claims are not looked at yet.
 * `secret`: equal to a secret of the file; its end date is not looked at yet.
 * `key`: stored digest matched, or the request is signed with the key's secret; state, expiry and account are not looked at yet.
 */
export type Proof =
  | { readonly kind: "none" }
  | { readonly kind: "ambiguous"; readonly reason: string }
  | { readonly kind: "invalid"; readonly code: "TOKEN_INVALID" | "KEY_INVALID" | "SIGNATURE_INVALID"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string }
  | { readonly kind: "jwt"; readonly iss: string; readonly claims: Claims }
  | { readonly kind: "secret"; readonly authenticator: string; readonly id: string }
  | { readonly kind: "key"; readonly authenticator: string; readonly key: OwnedKey };

export type AccountKind = "service" | "person";

/** Owner of API keys. Identified by service and id together. */
export interface Account {
  readonly service: string;
  readonly id: string;
  readonly kind: AccountKind;
  readonly role: string;
  readonly tenant?: string;
  readonly enabled: boolean;
}

/** A key of any kind as stored, with the account that owns it; never the secret. Instants are epoch milliseconds. */
export interface OwnedKey {
  readonly id: string;
  readonly service: string;
  readonly account: Account;
  readonly scopes: readonly string[];
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
  readonly lastUsedAt?: number;
}

/** An API key, which is its own secret. */
export interface KeyRecord extends OwnedKey {
  /** SHA-256 of the whole key string. */
  readonly digest: Uint8Array;
}

/** An access key, whose id is public and whose secret signs requests (SigV4). */
export interface AccessKeyRecord extends OwnedKey {
  /** The secret as `createSealing` seals it. */
  readonly sealedSecret: Uint8Array;
}

/** Who is asking, once proved. */
export interface Caller {
  readonly subject: string;
  readonly kind: "person" | "machine" | "key" | "secret";
  /** Name of the authenticator that named the caller. */
  readonly authenticator: string;
  readonly role?: string;
  /** Holds for every request. */
  readonly permissions: Grants;
  /** Holds for one tenant alone (group patterns). */
  readonly tenantPermissions: ReadonlyMap<string, Grants>;
  readonly tenants: readonly string[];
  readonly crossTenant: boolean;
  /** True where lacking a permission is a matter of role (`INSUFFICIENT_ROLE`). */
  readonly hasRole: boolean;
  /** When the credential ends, epoch milliseconds. */
  readonly expiresAt?: number;
  /** Id of the API key or secret, for the log and for limits. */
  readonly credentialId?: string;
  /** Whom a limit `by: caller` counts; undefined: the credential is shared, so the address counts too. */
  readonly account?: string;
}
