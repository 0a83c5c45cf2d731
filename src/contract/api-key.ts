/**
 * The form of an API key: `PREFIX_ID_SECRETCRC`, e.g. `sfk_prod_8Zt4kQ2p_…`.
 * ID is 8, SECRET 32 and CRC 6 base62 characters; CRC is the CRC-32 of all that precedes it, so that
 * a typing mistake or a made-up key is told apart before any store is asked, and a secret scanner can be sure.
 */
import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

/** Gives so many bytes that nobody can foretell. */
export type RandomBytes = (size: number) => Uint8Array;

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_LENGTH = 8;
/** 32 characters of 62 are 190 bits. */
const SECRET_LENGTH = 32;
/** 62⁶ is more than 2³². */
const CHECKSUM_LENGTH = 6;
const AFTER_PREFIX = /^_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}$/;
const AFTER_PREFIX_LENGTH = 1 + ID_LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH;

/** The public id of a key of exactly this prefix; undefined when form or checksum are wrong. Looks nothing up. */
export function parseApiKey(text: string, prefix: string): { readonly id: string } | undefined {
  if (text.length !== prefix.length + AFTER_PREFIX_LENGTH || !text.startsWith(prefix)) return undefined;
  if (!AFTER_PREFIX.test(text.slice(prefix.length))) return undefined;
  const end = text.length - CHECKSUM_LENGTH;
  if (checksum(text.slice(0, end)) !== text.slice(end)) return undefined;
  const start = prefix.length + 1;
  return { id: text.slice(start, start + ID_LENGTH) };
}

/** A new key and its public id. The key is the secret: whoever holds it is the caller. */
export function makeApiKey(prefix: string, randomBytes: RandomBytes): { readonly id: string; readonly key: string } {
  const id = base62(ID_LENGTH, randomBytes);
  const body = `${prefix}_${id}_${base62(SECRET_LENGTH, randomBytes)}`;
  return { id, key: body + checksum(body) };
}

/** SHA-256 of the whole key: what a store keeps. A salt would add nothing to 190 random bits. */
export function digestApiKey(key: string): Uint8Array {
  return hash("sha256", key, "buffer");
}

/** So many characters, each of the 62 equally likely. */
function base62(length: number, randomBytes: RandomBytes): string {
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length - text.length)) {
      // 248 is 4 × 62: the bytes above it would make the first eight characters likelier
      if (byte < 248) text += ALPHABET.charAt(byte % 62);
    }
  }
  return text;
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let place = 0; place < CHECKSUM_LENGTH; place++) {
    digits = ALPHABET.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
