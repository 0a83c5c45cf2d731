/** Proofs that are kept, and given to each request that shows the same credential. Frozen. */
import type { Claims, OwnedKey, Proof } from "../../contract/caller.ts";
import { Noted } from "../../contract/noted.ts";

type ProofOf<Kind extends Proof["kind"]> = Extract<Proof, { readonly kind: Kind }>;

export type TokenProof = ProofOf<"jwt">;
export type SecretProof = ProofOf<"secret">;
export type KeyProof = ProofOf<"key">;

export function tokenProof(iss: string, claims: Claims): TokenProof {
  return shared({ kind: "jwt", iss, claims });
}

export function secretProof(authenticator: string, id: string): SecretProof {
  return shared({ kind: "secret", authenticator, id });
}

export function keyProof(authenticator: string, key: OwnedKey): KeyProof {
  return shared({ kind: "key", authenticator, key });
}

function shared<Shared extends Proof>(proof: Shared): Shared {
  return Object.freeze(Object.assign(new Noted(), proof));
}
