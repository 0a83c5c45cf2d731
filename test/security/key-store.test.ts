/** Class 2.6, K3, K6 to K9 and K12: what is asked of the store, and what its trouble means. */
import crypto, { randomBytes } from "node:crypto";
import { copyFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import t, { type Test } from "tap";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import type { ApiKeyAuthenticator } from "../../src/contract/authenticators.ts";
import { StoreUnavailable, type KeyReader } from "../../src/contract/stores.ts";
import { proveApiKey } from "../../src/pipeline/authenticate/key.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { keyRecord, keyStore } from "../authenticate/fixtures/key-store.ts";
import { startAssembled } from "./assembled-gate.ts";
import { bearer, startGate, type Gate } from "./gate.ts";
import { heapBytes } from "./heap.ts";
import { environmentOf, newKey, SHOP, twinOf } from "./key-gate.ts";

const SECRET = randomBytes(32).toString("base64url");
const store = openSqliteKeys(join(t.testdir({}), "keys.db"), { side: "command", create: true });
t.teardown(() => store.close());
const good = newKey(store, { account: "acme", tenant: "acme" });

t.test("K3 a digest counts whole: one that differs in its last byte is another key's", async (t) => {
  const digest = Buffer.from(digestApiKey(good.key));
  for (const at of [0, 7, 8, 31]) {
    const near = Buffer.from(digest);
    near[at]! ^= 1;
    t.equal(
      (
        await askedOf(
          t,
          keyStore(() => keyRecord(good.id, near, "shop")),
        )(good.key)
      ).status,
      401,
      `byte ${at}`,
    );
  }
  for (const length of [0, 8, 16, 31])
    t.equal(
      (
        await askedOf(
          t,
          keyStore(() => keyRecord(good.id, digest.subarray(0, length), "shop")),
        )(good.key)
      ).status,
      401,
      `${length} bytes`,
    );
});

t.test("K6 what is no key asks nothing of the store", async (t) => {
  const keys = keyStore(() => undefined);
  const ask = askedOf(t, keys);
  const noKeys = [
    "",
    " ",
    "undefined",
    "null",
    "*",
    "%",
    "' OR '1'='1",
    '{"$ne":null}',
    "[object Object]",
    "../../x",
    "shp_prod__",
    `${good.key.slice(0, -1)}${good.key.endsWith("0") ? "1" : "0"}`,
    "x".repeat(8000),
  ];
  for (const text of noKeys) {
    const { status, body } = await ask(text);
    t.match([status, body], [401, /KEY_INVALID/], text.slice(0, 20));
  }
  t.same(keys.asked, []);
  t.equal((await ask("x".repeat(1024 * 1024)).catch(() => ({ status: 431 }))).status, 431, "a megabyte does not even arrive");
  await ask(good.key);
  t.equal(keys.asked.length, 1, "a well-formed one does ask");
});

t.test("K7 a store that is gone, broken or locked refuses with 503, and serves again once it is back", async (t) => {
  const own = await startGate(t, { services: { shop: SHOP }, environment: { SECRET } });
  const path = own.sallyport.keyStore;
  const keys = openSqliteKeys(path, { side: "command", create: true });
  const { key } = newKey(keys, { account: "acme" });
  keys.close();
  const asked = (): Promise<string> => verdict(own, key);
  t.equal(await asked(), "allow");
  const troubles: Record<string, () => void> = {
    gone: () => unlinkSync(path),
    empty: () => writeFileSync(path, ""),
    garbage: () => writeFileSync(path, randomBytes(8192)),
    "another database": () => otherDatabase(path),
  };
  for (const [name, spoil] of Object.entries(troubles)) {
    copyFileSync(path, `${path}.kept`);
    spoil();
    const answer = await own.ask("GET /me", { "x-api-key": key });
    t.same([answer.status, answer.verdict], [503, "AUTH_UNAVAILABLE"], name);
    t.notMatch(answer.body, /sqlite|keys\.db|file/i, "and says nothing of the inside");
    t.equal((await own.ask("GET /me", bearer(SECRET))).verdict, "allow", "who needs no store is served all the same");
    t.equal(await verdict(own, "malformed"), "KEY_INVALID");
    for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
    renameSync(`${path}.kept`, path);
    t.equal(await asked(), "allow", `${name}: no trace of it is left once the store is back`);
  }
});

t.test("K7 a store that is slow holds up its own callers only; one that fails is asked again by the next", async (t) => {
  const digest = digestApiKey(good.key);
  let answer: () => ReturnType<KeyReader["find"]> = () => undefined;
  const ask = askedOf(
    t,
    keyStore(() => answer()),
  );
  const late = Promise.withResolvers<undefined>();
  answer = () => late.promise;
  const waiting = ask(good.key);
  t.equal((await ask("malformed")).status, 401, "meanwhile others are answered");
  late.reject(new StoreUnavailable("time-out"));
  t.equal((await waiting).status, 503);
  answer = () => Promise.reject(new StoreUnavailable("down"));
  t.equal((await ask(good.key)).status, 503);
  answer = () => {
    throw new StoreUnavailable("down");
  };
  t.equal((await ask(good.key)).status, 503);
  answer = () => Promise.resolve(keyRecord(good.id, digest, "shop"));
  t.equal((await ask(good.key)).status, 200, "an error is not remembered");
  answer = () => Promise.reject(new StoreUnavailable("down"));
  t.equal((await ask(good.key)).status, 503, "nor is a success");
});

t.test("K8 a flood of made-up keys takes no memory, and asks the store no more often than the address may", async (t) => {
  const keys = keyStore(() => undefined);
  const limited = SHOP.replace("routes:", "limits: { all: { by: address, rate: 20/minute } }\nroutes:");
  const { send } = await startAssembled(t, { services: { shop: limited }, environment: environmentOf() }, { keys });
  const statuses = new Map<number, number>();
  for (let index = 0; index < 300; index++) {
    const { status } = await send("GET", "/me", { "x-api-key": makeApiKey("shp_prod", randomBytes).key });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  t.same(
    [...statuses],
    [
      [401, 20],
      [429, 280],
    ],
  );
  t.equal(keys.asked.length, 20);
});

t.test("K8 nothing is kept of a key that does not exist", async (t) => {
  const authenticator = { name: "key", prefix: "shp_prod", header: "x-api-key" } as ApiKeyAuthenticator;
  const connection = {};
  const flood = async (from: number, to: number): Promise<void> => {
    for (let made = from; made < to; made++) {
      const text = makeApiKey("shp_prod", (size) => numbered(made, size)).key;
      await proveApiKey(store, { service: "shop", authenticators: [authenticator], text, now: 0, connection });
    }
  };
  await flood(0, 5_000);
  const before = heapBytes();
  await flood(5_000, 25_000);
  const grown = heapBytes() - before;
  t.ok(grown < 1024 * 1024, `grew by ${grown} bytes`);
});

/** As many bytes as asked for, that are others for each number. */
function numbered(value: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_byte, at) => (value >> (5 * (at % 6))) & 31);
}

t.test("K9 the right key, a wrong one and an unknown one take the same steps: one look-up, one comparison in constant time", async (t) => {
  const compared = watchComparisons(t);
  const known = Buffer.from(digestApiKey(good.key));
  const keys = keyStore((_service, id) => (id === good.id ? keyRecord(id, known, "shop") : undefined));
  const ask = askedOf(t, keys);
  const cases = { wrong: twinOf(good.id), unknown: makeApiKey("shp_prod", randomBytes).key, right: good.key };
  const takesSteps = async (when: string, comparisons: readonly number[]): Promise<void> => {
    for (const [name, key] of Object.entries(cases)) {
      keys.asked.length = 0;
      compared.length = 0;
      await ask(key);
      t.same([keys.asked.length, compared], [1, comparisons.map((bytes) => [bytes, bytes])], `${name}, ${when}`);
    }
  };
  await takesSteps("on a connection that has proved none", [32]);
  await takesSteps("on one that has: with that key first, whose record is another by now", [good.key.length, 32]);
});

t.test("K9 a shared secret is compared with every one there is, whichever matches", async (t) => {
  const secrets = Array.from({ length: 3 }, () => randomBytes(32).toString("base64url"));
  const bearers = secrets.map((_secret, index) => `{ id: s${index}, value: "\${S${index}}", access: [read] }`).join(", ");
  const environment = Object.fromEntries(secrets.map((secret, index) => [`S${index}`, secret]));
  const service = `authenticators: { secret: { bearer: [${bearers}] } }\nroutes: { GET /me: authenticated }\n`;
  const { send } = await startAssembled(t, { services: { shop: service }, environment });
  const compared = watchComparisons(t);
  const near = `${secrets[0]!.slice(0, -1)}${secrets[0]!.endsWith("A") ? "B" : "A"}`;
  for (const [index, token] of [...secrets, near, "x", "y".repeat(4000)].entries()) {
    compared.length = 0;
    t.equal((await send("GET", "/me", bearer(token))).status, index < 3 ? 200 : 401);
    t.same(
      compared,
      [
        [32, 32],
        [32, 32],
        [32, 32],
      ],
      `token ${index}`,
    );
  }
});

t.test("K12 a store that could hold keys in clear is not used", async (t) => {
  for (const digest of [good.key, good.key.slice(0, 32), "", Buffer.from(good.key)]) {
    t.throws(
      () => store.createKey({ service: "shop", id: "clear001", account: "acme", scopes: [], digest: digest as Uint8Array, createdAt: 0 }),
      /rule of the key store/,
    );
  }
  const own = await startGate(t, { services: { shop: SHOP }, environment: { SECRET } });
  const path = own.sallyport.keyStore;
  const made = openSqliteKeys(path, { side: "command", create: true });
  const { key } = newKey(made, { account: "acme" });
  made.close();
  t.equal(await verdict(own, key), "allow");
  copyFileSync(path, `${path}.other`);
  rewriteLoosely(`${path}.other`, key);
  renameSync(`${path}.other`, path);
  t.equal(await verdict(own, key), "AUTH_UNAVAILABLE");
  t.match(openSqliteKeys(path, { side: "gateway", create: false }).trouble(), /could hold keys in clear/, "and the operator reads why");
});

/** The same tables without types and checks, as a migration by hand might leave them, with the key itself for a digest. */
function rewriteLoosely(path: string, key: string): void {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA foreign_keys = OFF; CREATE TABLE loose AS SELECT * FROM keys; DROP TABLE keys; ALTER TABLE loose RENAME TO keys`);
  database.prepare("UPDATE keys SET digest = ?").run(key.slice(0, 32));
  database.close();
}

function otherDatabase(path: string): void {
  rmSync(path);
  const database = new DatabaseSync(path);
  database.exec("CREATE TABLE keys (service TEXT, id TEXT, digest TEXT)");
  database.close();
}

/** A gateway with this key store; each call shows a key. */
function askedOf(t: Test, keys: KeyReader): (key: string) => Promise<{ readonly status: number; readonly body: string }> {
  const started = startAssembled(t, { services: { shop: SHOP }, environment: environmentOf() }, { keys });
  return async (key) => (await started).send("GET", "/me", { "x-api-key": key });
}

/** Lengths of what is compared by `timingSafeEqual` from now on, until the test ends. */
function watchComparisons(t: Test): [number, number][] {
  const compared: [number, number][] = [];
  const original = crypto.timingSafeEqual;
  crypto.timingSafeEqual = (left, right) => {
    compared.push([left.byteLength, right.byteLength]);
    return original(left, right);
  };
  syncBuiltinESMExports();
  t.teardown(() => {
    crypto.timingSafeEqual = original;
    syncBuiltinESMExports();
  });
  return compared;
}

async function verdict(gate: Gate, key: string): Promise<string> {
  return (await gate.ask("GET /me", { "x-api-key": key })).verdict;
}
