/**
 * Sealing of what a store must give back in clear: the secrets of access keys, without which no signature can be checked.
 * AES-256-GCM (NIST SP 800-38D) under a key that the operator's secret gives; whoever has the store alone has nothing.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import type { RandomBytes } from "./api-key.ts";

/** Whose secret it is. A sealed secret that is moved to another key or service does not open. */
export interface SealOwner {
  readonly service: string;
  readonly id: string;
}

export interface Sealing {
  /** Seals with the first key: version, nonce, tag and ciphertext. */
  seal(secret: string, owner: SealOwner, randomBytes: RandomBytes): Uint8Array;
  /** Undefined when no key opens it, or it is not this owner's. */
  open(sealed: Uint8Array, owner: SealOwner): string | undefined;
}

const VERSION = 1;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const HEAD_LENGTH = 1 + NONCE_LENGTH + TAG_LENGTH;
const CIPHER = "aes-256-gcm";

/** The key that an operator's secret gives: HKDF-SHA-256 (RFC 5869), so that the secret serves this purpose alone. */
export function sealingKey(secret: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "", "sallyport access key secrets 1", 32));
}

/** The first of the keys seals, all of them open; there must be at least one. */
export function createSealing(keys: readonly Uint8Array[]): Sealing {
  const [first] = keys;
  if (first === undefined) throw new Error("sealing needs a key");
  return {
    seal: (secret, owner, randomBytes) => seal(secret, owner, first, randomBytes(NONCE_LENGTH)),
    open(sealed, owner) {
      for (const key of keys) {
        const secret = open(sealed, owner, key);
        if (secret !== undefined) return secret;
      }
      return undefined;
    },
  };
}

function seal(secret: string, owner: SealOwner, key: Uint8Array, nonce: Uint8Array): Uint8Array {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_LENGTH }).setAAD(about(owner));
  const ciphertext = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), ciphertext]);
}

function open(sealed: Uint8Array, owner: SealOwner, key: Uint8Array): string | undefined {
  if (sealed.length <= HEAD_LENGTH || sealed[0] !== VERSION) return undefined;
  const nonce = sealed.subarray(1, 1 + NONCE_LENGTH);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_LENGTH }).setAAD(about(owner));
  decipher.setAuthTag(sealed.subarray(1 + NONCE_LENGTH, HEAD_LENGTH));
  const start = decipher.update(sealed.subarray(HEAD_LENGTH));
  try {
    return Buffer.concat([start, decipher.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}

function about({ service, id }: SealOwner): Buffer {
  return Buffer.from(JSON.stringify([VERSION, service, id]));
}
