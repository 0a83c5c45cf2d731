import { hash, timingSafeEqual } from "node:crypto";
import type { Authenticator, Secret } from "../../contract/authenticators.ts";
import { secretProof, type SecretProof } from "./proofs.ts";

/**
 * Makes the look-up of a token among all secrets of a service: the proof of the first that equals it, or undefined.
 * All digests are compared, each in constant time, so that the time tells neither which secret was nearest nor which matched.
 */
export function secretFinder(authenticators: readonly Authenticator[]): (token: string) => SecretProof | undefined {
  const candidates = authenticators
    .filter((authenticator) => authenticator.kind === "bearer")
    .flatMap((authenticator) => authenticator.secrets.map((secret) => candidate(authenticator.name, secret)));
  return function findSecret(token) {
    const digest = hash("sha256", token, "buffer");
    let found: SecretProof | undefined;
    for (const { expected, proof } of candidates) {
      const equal = timingSafeEqual(expected, digest);
      if (equal) found ??= proof;
    }
    return found;
  };
}

function candidate(authenticator: string, secret: Secret): { readonly expected: Uint8Array; readonly proof: SecretProof } {
  if (secret.digest.length !== 32) throw new Error(`the digest of secret \`${secret.id}\` is no SHA-256`);
  return { expected: secret.digest, proof: secretProof(authenticator, secret.id) };
}
