import { randomBytes } from "node:crypto";
import t from "tap";
import { isAccessKeyId, makeAccessKey } from "../../src/contract/access-key.ts";
import { createSealing, sealingKey } from "../../src/contract/sealing.ts";

const OWNER = { service: "things", id: "SPABCDEFGHIJKLMNOPQR" };
const SECRET = "s".repeat(40);

t.test("an access key is SP and 18 characters of base32, its secret 40 of base62, and each is made anew", async (t) => {
  const made = Array.from({ length: 100 }, () => makeAccessKey(randomBytes));
  for (const { id, secret } of made) {
    t.match(id, /^SP[A-Z2-7]{18}$/);
    t.match(secret, /^[0-9A-Za-z]{40}$/);
    t.ok(isAccessKeyId(id));
  }
  t.equal(new Set(made.flatMap(({ id, secret }) => [id, secret])).size, 200);
});

t.test("bytes that would make some characters likelier are thrown away", async (t) => {
  let asked = 0;
  const { secret } = makeAccessKey((size) => new Uint8Array(size).fill(asked++ < 2 ? 255 : 1));
  t.equal(secret, "1".repeat(40));
});

t.test("what is no id of an access key is told by its form", async (t) => {
  for (const text of ["", "SP", "8Zt4kQ2p", "AKIDEXAMPLE", "SPABCDEFGHIJKLMNOPQ1", "spabcdefghijklmnopqr", "SPABCDEFGHIJKLMNOPQRS"])
    t.notOk(isAccessKeyId(text), text);
});

t.test("a sealed secret opens with its key, for its owner, and has neither in it", async (t) => {
  const sealing = createSealing([sealingKey("one")]);
  const sealed = sealing.seal(SECRET, OWNER, randomBytes);
  t.equal(sealing.open(sealed, OWNER), SECRET);
  t.notMatch(Buffer.from(sealed).toString("latin1"), SECRET);
  t.not(Buffer.compare(Buffer.from(sealed), Buffer.from(sealing.seal(SECRET, OWNER, randomBytes))), 0, "no two seals are alike");
  for (const other of [
    { ...OWNER, service: "thing" },
    { ...OWNER, id: "SPABCDEFGHIJKLMNOPQS" },
    { service: "thingsS", id: OWNER.id.slice(1) },
  ]) {
    t.equal(sealing.open(sealed, other), undefined);
  }
});

t.test("a changed, shortened or foreign sealed secret does not open, and nothing is thrown", async (t) => {
  const sealing = createSealing([sealingKey("one")]);
  const sealed = sealing.seal(SECRET, OWNER, randomBytes);
  for (let place = 0; place < sealed.length; place++) {
    const changed = new Uint8Array(sealed);
    changed[place]! ^= 1;
    t.equal(sealing.open(changed, OWNER), undefined, `byte ${place}`);
  }
  for (let length = 0; length < sealed.length; length++)
    t.equal(sealing.open(sealed.slice(0, length), OWNER), undefined, `${length} bytes`);
});

t.test("the first key seals and all open, so that a rotation loses nothing", async (t) => {
  const [old, next] = [sealingKey("old"), sealingKey("next")];
  const before = createSealing([old]).seal(SECRET, OWNER, randomBytes);
  const both = createSealing([next, old]);
  t.equal(both.open(before, OWNER), SECRET);
  const after = both.seal(SECRET, OWNER, randomBytes);
  t.equal(createSealing([next]).open(after, OWNER), SECRET);
  t.equal(createSealing([next]).open(before, OWNER), undefined);
  t.equal(createSealing([old]).open(after, OWNER), undefined);
});
