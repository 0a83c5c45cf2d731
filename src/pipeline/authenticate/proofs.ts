/** Proofs that are kept, and given to each request that shows the same credential. Frozen. */
import type { Claims, OwnedKey, Proof } from "../../contract/caller.ts";
import { Noted } from "../../contract/noted.ts";

type ProofOf<Kind extends Proof["kind"]> = Extract<Proof, { readonly kind: Kind }>;

export type TokenProof = ProofOf<"jwt">;
export type SecretProof = ProofOf<"secret">;
export type KeyProof = ProofOf<"key">;

class NotedToken extends Noted implements TokenProof {
  readonly kind = "jwt";
  readonly iss: string;
  readonly claims: Claims;

  constructor(iss: string, claims: Claims) {
    super();
    this.iss = iss;
    this.claims = claims;
  }
}

class NotedSecret extends Noted implements SecretProof {
  readonly kind = "secret";
  readonly authenticator: string;
  readonly id: string;

  constructor(authenticator: string, id: string) {
    super();
    this.authenticator = authenticator;
    this.id = id;
  }
}

class NotedKey extends Noted implements KeyProof {
  readonly kind = "key";
  readonly authenticator: string;
  readonly key: OwnedKey;

  constructor(authenticator: string, key: OwnedKey) {
    super();
    this.authenticator = authenticator;
    this.key = key;
  }
}

export function tokenProof(iss: string, claims: Claims): TokenProof {
  return Object.freeze(new NotedToken(iss, claims));
}

export function secretProof(authenticator: string, id: string): SecretProof {
  return Object.freeze(new NotedSecret(authenticator, id));
}

export function keyProof(authenticator: string, key: OwnedKey): KeyProof {
  return Object.freeze(new NotedKey(authenticator, key));
}
