/** Names and secrets made of random bytes, whose source comes in as an argument. */

/** Answers that many random bytes: `node:crypto`'s `randomBytes`, or a test's own. */
export type RandomBytes = (size: number) => Buffer;

/** A random UUID (RFC 9562, version 4). */
export function randomUuid(randomBytes: RandomBytes): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** A secret of 192 random bits that needs no quoting in a shell, a header or a URL. */
export function randomSecret(randomBytes: RandomBytes): string {
  return randomBytes(24).toString("base64url");
}

const READABLE = "abcdefghjkmnpqrstuvwxyz23456789";

/** A password that a person can type: twelve characters without look-alikes, in groups of four. */
export function randomPassword(randomBytes: RandomBytes): string {
  const letters = Array.from(randomBytes(12), (byte) => READABLE[byte % READABLE.length]).join("");
  return `${letters.slice(0, 4)}-${letters.slice(4, 8)}-${letters.slice(8)}`;
}
