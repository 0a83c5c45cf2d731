/** Looks for very many secrets in very much text, in one pass. */

/** The first bytes of a secret, by which it is looked for. */
const FIRST = 8;
const SLOTS_BITS = 22;

/** Those of the secrets (ASCII, at least 8 characters) that stand in the text, wherever it may be. */
export function secretsIn(text: Buffer, secrets: readonly string[]): readonly string[] {
  const byFirst = Map.groupBy(secrets, (secret) => secret.slice(0, FIRST));
  const slots = new Uint8Array(1 << SLOTS_BITS);
  for (const first of byFirst.keys()) slots[slotOf(Buffer.from(first, "latin1"), 0)] = 1;
  const found = new Set<string>();
  for (let at = 0; at + FIRST <= text.length; at += 1) {
    if (slots[slotOf(text, at)] === 0) continue;
    for (const secret of byFirst.get(text.toString("latin1", at, at + FIRST)) ?? [])
      if (text.toString("latin1", at, at + secret.length) === secret) found.add(secret);
  }
  return [...found];
}

function slotOf(bytes: Buffer, at: number): number {
  return (Math.imul(wordAt(bytes, at), 0x9e37_79b1) ^ Math.imul(wordAt(bytes, at + 4), 0x85eb_ca6b)) >>> (32 - SLOTS_BITS);
}

function wordAt(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
