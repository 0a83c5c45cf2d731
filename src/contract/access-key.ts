/**
 * The form of an access key, with which a client signs requests (SigV4): an id of 20 characters that is public
 * (`SP` and 18 characters of base32, 90 bits) and a secret of 40 (base62, 238 bits) that is never sent.
 */
import type { RandomBytes } from "./api-key.ts";

const ID_PREFIX = "SP";
const ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ID_LENGTH = 18;
const SECRET_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SECRET_LENGTH = 40;
const ID = /^SP[A-Z2-7]{18}$/;

/** True for the id of an access key as `makeAccessKey` makes them. */
export function isAccessKeyId(text: string): boolean {
  return ID.test(text);
}

/** A new access key: whoever holds the secret is the caller. */
export function makeAccessKey(randomBytes: RandomBytes): { readonly id: string; readonly secret: string } {
  return {
    id: ID_PREFIX + characters(ID_LENGTH, ID_ALPHABET, randomBytes),
    secret: characters(SECRET_LENGTH, SECRET_ALPHABET, randomBytes),
  };
}

/** So many characters of the alphabet, each equally likely. */
function characters(length: number, alphabet: string, randomBytes: RandomBytes): string {
  // the bytes above the last whole multiple would make the first characters likelier
  const bound = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length - text.length)) if (byte < bound) text += alphabet.charAt(byte % alphabet.length);
  }
  return text;
}
