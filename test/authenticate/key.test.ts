import { randomBytes } from "node:crypto";
import t from "tap";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import { StoreUnavailable } from "../../src/contract/stores.ts";
import { proveApiKey } from "../../src/pipeline/authenticate/key.ts";
import { type Find, keyRecord, keyStore } from "./fixtures/key-store.ts";
import { apiKeyAuthenticator } from "./fixtures/policy.ts";

const { id, key } = makeApiKey("sfk_prod", randomBytes);
const record = keyRecord(id, digestApiKey(key));
const authenticators = [apiKeyAuthenticator("tmr", "x-api-key", "other"), apiKeyAuthenticator("sfk_prod")];

function prove(text: string, find: Find = () => record) {
  const store = keyStore(find);
  return { store, proof: proveApiKey(store, { service: "stackflow", authenticators, text, now: 7, connection: {} }) };
}

t.test("a key whose digest is stored is proved without a promise, for the authenticator of its prefix, and noted as used", async (t) => {
  const { store, proof } = prove(key);
  t.same(proof, { kind: "key", authenticator: "key", key: record });
  t.same(store.asked, [`stackflow/${id}`]);
  t.same(store.noted, [`stackflow/${id} at 7`]);
});

t.test("a store may answer late", async (t) => {
  t.match(await prove(key, async () => record).proof, { kind: "key" });
  t.match(await prove(key, async () => undefined).proof, { kind: "invalid", code: "KEY_INVALID" });
});

t.test("a malformed key asks nothing of the store", async (t) => {
  const flipped = key.slice(0, -1) + (key.endsWith("0") ? "1" : "0");
  const guesses = ["", "undefined", "null", "*", "%", "' OR '1'='1", '{"$ne":null}', "sfk_prod", `sfk_prod_${id}`, "x".repeat(16_000)];
  const respelt = [key.toUpperCase(), ` ${key}`, `${key} `, `${key}\n`, `${key},`, `${key}, ${key}`, `Bearer ${key}`];
  const lookAlike = key.replace("s", "\u0455");
  const otherPrefix = makeApiKey("sfk_dev", randomBytes).key;
  for (const text of [...guesses, ...respelt, lookAlike, flipped, otherPrefix]) {
    const { store, proof } = prove(text);
    t.match(proof, { kind: "invalid", code: "KEY_INVALID", reason: /malformed/ }, text.slice(0, 60));
    t.same(store.asked, []);
    t.same(store.noted, []);
  }
});

t.test("an unknown key and a known id with another secret are refused with one answer, and not noted as used", async (t) => {
  const stranger = prove(makeApiKey("sfk_prod", randomBytes).key, () => undefined);
  const impostor = prove(key, () => keyRecord(id, digestApiKey("another")));
  const damaged = prove(key, () => keyRecord(id, new Uint8Array(3)));
  t.match(stranger.proof, { kind: "invalid", code: "KEY_INVALID" });
  t.same(impostor.proof, stranger.proof);
  t.same(damaged.proof, stranger.proof);
  t.same(
    [stranger, impostor, damaged].flatMap(({ store }) => store.noted),
    [],
  );
});

t.test("an empty digest in the store proves nothing", async (t) => {
  t.match(prove(key, () => keyRecord(id, new Uint8Array(0))).proof, { kind: "invalid" });
  t.match(prove(key, () => keyRecord(id, new Uint8Array(32))).proof, { kind: "invalid" });
});

t.test("a store out of reach makes it unavailable, sooner or later", async (t) => {
  const trouble = new StoreUnavailable("database is locked");
  const thrown = prove(key, () => {
    throw trouble;
  });
  t.match(thrown.proof, { kind: "unavailable", reason: /database is locked/ });
  t.match(await prove(key, () => Promise.reject(trouble)).proof, { kind: "unavailable" });
});

t.test("any other failure of the store is a fault, and never a verdict", async (t) => {
  const fault = new TypeError("bug");
  t.throws(() => {
    prove(key, () => {
      throw fault;
    });
  }, fault);
  await t.rejects(Promise.resolve(prove(key, () => Promise.reject(fault)).proof), fault);
});

t.test("reasons hold nothing of the key", async (t) => {
  for (const text of [key, `${key}x`]) t.notMatch(JSON.stringify(prove(text, () => undefined).proof), id);
});

t.test("what a connection proved last counts for that text and that state of the record alone", async (t) => {
  const connection = {};
  let stored = record;
  const again = (text: string, of = authenticators) =>
    proveApiKey(
      keyStore(() => stored),
      { service: "stackflow", authenticators: of, text, now: 7, connection },
    );
  const first = again(key);
  t.equal(again(key), first, "the very same proof");
  const other = makeApiKey("sfk_prod", randomBytes).key;
  t.match(again(other), { kind: "invalid", code: "KEY_INVALID" }, "another text on the same connection");
  t.match(again(key, [{ ...apiKeyAuthenticator("sfk_prod"), name: "renamed" }]), { authenticator: "renamed" });
  t.match(again(key), { kind: "key" });
  t.match(again(key, [apiKeyAuthenticator("sfk_dev")]), { kind: "invalid", code: "KEY_INVALID" }, "another prefix is wanted now");
  t.match(again(key), { kind: "key" });
  stored = keyRecord(id, digestApiKey("another"));
  t.match(again(key), { kind: "invalid", code: "KEY_INVALID" }, "the record has changed");
});
