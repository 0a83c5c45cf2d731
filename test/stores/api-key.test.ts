import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import t from "tap";
import { digestApiKey, makeApiKey, parseApiKey } from "../../src/contract/api-key.ts";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

t.test("a new key has the form PREFIX_ID_SECRETCRC and is recognised by its own prefix only", async (t) => {
  for (const prefix of ["tmr", "sfk_prod", "a_b_c"]) {
    const { id, key } = makeApiKey(prefix, randomBytes);
    t.match(key, new RegExp(`^${prefix}_[0-9A-Za-z]{8}_[0-9A-Za-z]{38}$`));
    t.same(parseApiKey(key, prefix), { id });
    t.equal(parseApiKey(key, `${prefix}x`), undefined);
    t.equal(parseApiKey(key, prefix.slice(0, -1)), undefined);
  }
  const { key } = makeApiKey("sfk_prod", randomBytes);
  t.equal(parseApiKey(key, "sfk"), undefined, "a prefix that the key's prefix goes on from");
  t.equal(parseApiKey(key, "sfk_test"), undefined, "the key of another environment");
});

t.test("the checksum is the base62 CRC-32 of all that precedes it", async (t) => {
  const { key } = makeApiKey("tmr", randomBytes);
  const value = key
    .slice(-6)
    .split("")
    .reduce((sum, digit) => sum * 62 + ALPHABET.indexOf(digit), 0);
  t.equal(value, crc32(key.slice(0, -6)));
});

t.test("every change of one character makes a key invalid", async (t) => {
  const { key } = makeApiKey("sfk_prod", randomBytes);
  for (let at = 0; at < key.length; at++) {
    for (const other of ["0", "Z", "z", "_", "-", " "]) {
      if (key[at] === other) continue;
      t.equal(parseApiKey(key.slice(0, at) + other + key.slice(at + 1), "sfk_prod"), undefined);
    }
  }
});

t.test("whatever is not exactly a key is refused, and never throws", async (t) => {
  const { key } = makeApiKey("tmr", randomBytes);
  const wrong = ["", "undefined", "null", "*", "%", "' OR '1'='1", '{"$ne":null}', "tmr", "tmr_", "x".repeat(1_000_000)];
  const nearly = [
    ` ${key}`,
    `${key} `,
    `${key}\n`,
    `${key},`,
    `${key}, ${key}`,
    key.toUpperCase(),
    key.toLowerCase(),
    key.slice(0, -1),
    `${key}0`,
  ];
  const lookAlike = key.replace("tmr", "tmг");
  for (const text of [...wrong, ...nearly, lookAlike]) t.equal(parseApiKey(text, "tmr"), undefined, JSON.stringify(text.slice(0, 60)));
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 80 }), (text) => parseApiKey(text, "tmr") === undefined));
});

t.test("each character is equally likely: bytes that would make some likelier are thrown away", async (t) => {
  const given: number[] = [];
  const allBytes = (size: number) => Uint8Array.from({ length: size }, () => (given.push(given.length % 256), given.at(-1)!));
  const counts = new Map<string, number>();
  while (given.length < 256 * 62) {
    const { key } = makeApiKey("x", allBytes);
    for (const character of key.slice(2, 10) + key.slice(11, -6)) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
  const numbers = [...counts.values()];
  t.equal(counts.size, 62);
  t.ok(Math.max(...numbers) - Math.min(...numbers) <= 2, `between ${Math.min(...numbers)} and ${Math.max(...numbers)}`);
});

t.test("the digest is the SHA-256 of the whole key", async (t) => {
  const { key } = makeApiKey("tmr", randomBytes);
  t.same(Buffer.from(digestApiKey(key)), createHash("sha256").update(key).digest());
});
