/** What every key store promises: one function, called by the test of each store. */
import { createHash } from "node:crypto";
import type { Test } from "tap";
import type { Account } from "../../src/contract/caller.ts";
import type { KeyReader, KeyWriter, NewAccessKey, NewKey } from "../../src/contract/stores.ts";

/** Two ways into one empty store: the gateway's and a command's. */
export interface OpenedStore {
  readonly reader: KeyReader;
  readonly writer: KeyWriter;
}

const NOW = 1_790_000_000_000;

export function accountOf(change: Partial<Account> = {}): Account {
  return { service: "stackflow", id: "bot", kind: "service", role: "viewer", tenant: "t1", enabled: true, ...change };
}

export function newKey(change: Partial<NewKey> = {}): NewKey {
  const digest = new Uint8Array(createHash("sha256").update("some key").digest());
  return { service: "stackflow", id: "8Zt4kQ2p", account: "bot", scopes: ["read-only", "a b"], digest, createdAt: NOW, ...change };
}

export const ACCESS_KEY = "SPABCDEFGHIJKLMNOPQR";

export function newAccessKey(change: Partial<NewAccessKey> = {}): NewAccessKey {
  const sealedSecret = new Uint8Array(69).fill(7);
  return { service: "stackflow", id: ACCESS_KEY, account: "bot", scopes: ["read-only"], sealedSecret, createdAt: NOW, ...change };
}

export function keyStoreContract(t: Test, open: (t: Test) => OpenedStore): void {
  t.test("a key is found with its account as it was stored, and only in its own service", async (t) => {
    const { reader, writer } = open(t);
    t.ok(writer.createAccount(accountOf()));
    const key = newKey({ expiresAt: NOW + 1 });
    writer.createKey(key);
    const { account: _, ...stored } = key;
    t.same(await reader.find("stackflow", "8Zt4kQ2p"), { ...stored, account: accountOf() });
    t.equal(await reader.find("pie", "8Zt4kQ2p"), undefined);
    t.equal(await reader.find("stackflow", "8zt4kq2p"), undefined, "ids are case-sensitive");
    t.equal(await reader.find("stackflow", "' OR '1'='1"), undefined);
  });

  t.test("what an account or key does not have is absent, not undefined or null", async (t) => {
    const { reader, writer } = open(t);
    const { tenant: _, ...account } = accountOf({ kind: "person" });
    writer.createAccount(account);
    writer.createKey(newKey({ scopes: [] }));
    const found = (await reader.find("stackflow", "8Zt4kQ2p"))!;
    t.same(Object.keys(found).toSorted(), ["account", "createdAt", "digest", "id", "scopes", "service"]);
    t.same(found.account, account);
    t.notOk("tenant" in found.account);
  });

  t.test("an account is made once, and its id may serve another service too", async (t) => {
    const { writer } = open(t);
    t.ok(writer.createAccount(accountOf()));
    t.notOk(writer.createAccount(accountOf({ role: "super_admin" })));
    t.ok(writer.createAccount(accountOf({ service: "pie", role: "reader" })));
    t.equal(writer.account("stackflow", "bot")?.role, "viewer");
    t.same(
      writer.accounts().map(({ service }) => service),
      ["pie", "stackflow"],
    );
    t.same(writer.accounts("pie"), [accountOf({ service: "pie", role: "reader" })]);
  });

  t.test("a change of an account holds for the very next look-up of its keys", async (t) => {
    const { reader, writer } = open(t);
    writer.createAccount(accountOf());
    writer.createKey(newKey());
    for (const change of [{ enabled: false }, { role: "itsm_agent" }, { tenant: "t2" }, { enabled: true }]) {
      const changed = writer.changeAccount("stackflow", "bot", change);
      t.match(changed, change);
      t.same((await reader.find("stackflow", "8Zt4kQ2p"))?.account, changed);
    }
    t.same(writer.account("stackflow", "bot"), accountOf({ role: "itsm_agent", tenant: "t2" }), "what was not named stays");
    t.equal(writer.changeAccount("stackflow", "nobody", { enabled: false }), undefined);
  });

  t.test("a revocation holds for the very next look-up, and its first instant stays", async (t) => {
    const { reader, writer } = open(t);
    writer.createAccount(accountOf());
    writer.createKey(newKey());
    t.equal((await reader.find("stackflow", "8Zt4kQ2p"))?.revokedAt, undefined);
    t.ok(writer.revokeKey("stackflow", "8Zt4kQ2p", NOW + 5));
    t.ok(writer.revokeKey("stackflow", "8Zt4kQ2p", NOW + 9));
    t.equal((await reader.find("stackflow", "8Zt4kQ2p"))?.revokedAt, NOW + 5);
    t.notOk(writer.revokeKey("pie", "8Zt4kQ2p", NOW));
  });

  t.test("a key's end can be brought forward and never put off", async (t) => {
    const { reader, writer } = open(t);
    writer.createAccount(accountOf());
    writer.createKey(newKey());
    for (const [asked, end] of [
      [NOW + 9, NOW + 9],
      [NOW + 20, NOW + 9],
      [NOW + 5, NOW + 5],
    ] as const) {
      t.ok(writer.expireKey("stackflow", "8Zt4kQ2p", asked));
      t.equal((await reader.find("stackflow", "8Zt4kQ2p"))?.expiresAt, end);
    }
    t.notOk(writer.expireKey("stackflow", "00000000", NOW));
  });

  t.test("a key needs an account, an id of its own and a digest of 32 bytes", async (t) => {
    const { writer } = open(t);
    t.throws(() => writer.createKey(newKey()), "no account");
    writer.createAccount(accountOf());
    writer.createAccount(accountOf({ service: "pie" }));
    writer.createKey(newKey());
    t.throws(() => writer.createKey(newKey()), "the id is taken");
    t.throws(() => writer.createKey(newKey({ id: "00000000", digest: new TextEncoder().encode("sfk_prod_plain") })), "no digest");
    writer.createKey(newKey({ service: "pie" }));
    t.same(
      writer.keysById("8Zt4kQ2p").map(({ service }) => service),
      ["pie", "stackflow"],
    );
    t.same(writer.keysById("00000000"), []);
    t.equal(writer.keys().length, 2);
    t.equal(writer.keys("pie").length, 1);
  });

  t.test("last uses are there once the store that noted them has closed, and the latest one stays", async (t) => {
    const { reader, writer } = open(t);
    writer.createAccount(accountOf());
    for (let key = 0; key < 520; key++) writer.createKey(newKey({ id: String(key).padStart(8, "0") }));
    for (let key = 0; key < 520; key++) reader.used("stackflow", String(key).padStart(8, "0"), NOW + 1);
    reader.used("stackflow", "00000007", NOW + 7);
    reader.used("stackflow", "nokeyhas", NOW);
    t.equal(writer.keysById("00000007")[0]?.lastUsedAt, undefined, "not written for each request");
    reader.close();
    t.equal(writer.keysById("00000007")[0]?.lastUsedAt, NOW + 7);
    t.equal(writer.keys().filter(({ lastUsedAt }) => lastUsedAt === NOW + 1).length, 519);
  });

  t.test("a store that can be read has no trouble", async (t) => {
    const { reader, writer } = open(t);
    writer.accounts();
    t.equal(reader.trouble(), undefined);
  });

  t.test("an access key is found with its account as it is now, in its own service, and never as an API key", async (t) => {
    const { reader, writer } = open(t);
    writer.createAccount(accountOf());
    const key = newAccessKey({ expiresAt: NOW + 1 });
    writer.createAccessKey(key);
    const { account: _, ...stored } = key;
    t.same(await reader.findAccessKey("stackflow", ACCESS_KEY), { ...stored, account: accountOf() });
    t.equal(await reader.findAccessKey("pie", ACCESS_KEY), undefined);
    t.equal(await reader.findAccessKey("stackflow", ACCESS_KEY.toLowerCase()), undefined);
    t.equal(await reader.find("stackflow", ACCESS_KEY), undefined);
    writer.changeAccount("stackflow", "bot", { enabled: false });
    t.equal((await reader.findAccessKey("stackflow", ACCESS_KEY))?.account.enabled, false);
  });

  t.test("an API key is no access key, though it has the same id", async (t) => {
    const { reader, writer } = open(t);
    writer.createAccount(accountOf());
    writer.createKey(newKey());
    t.equal(await reader.findAccessKey("stackflow", "8Zt4kQ2p"), undefined);
    t.same(writer.accessKeys(), []);
  });

  t.test("access keys are listed, revoked and brought to an end as API keys are, and stay apart from them", async (t) => {
    const { reader, writer } = open(t);
    writer.createAccount(accountOf());
    writer.createKey(newKey());
    writer.createAccessKey(newAccessKey());
    t.same(
      writer.accessKeys("stackflow").map(({ id }) => id),
      [ACCESS_KEY],
    );
    t.same(writer.accessKeys("pie"), []);
    t.same(
      writer.accessKeysById(ACCESS_KEY).map(({ service }) => service),
      ["stackflow"],
    );
    t.same(
      writer.keys().map(({ id }) => id),
      ["8Zt4kQ2p"],
    );
    t.ok(writer.expireKey("stackflow", ACCESS_KEY, NOW + 10));
    t.ok(writer.revokeKey("stackflow", ACCESS_KEY, NOW + 5));
    t.match(await reader.findAccessKey("stackflow", ACCESS_KEY), { revokedAt: NOW + 5, expiresAt: NOW + 10 });
    const other = (await reader.find("stackflow", "8Zt4kQ2p"))!;
    t.equal(other.revokedAt, undefined);
    t.equal(other.expiresAt, undefined);
  });

  t.test("an access key needs an account of its service, an id that is new, and a secret that is sealed", async (t) => {
    const { writer } = open(t);
    t.throws(() => writer.createAccessKey(newAccessKey()));
    writer.createAccount(accountOf());
    t.throws(() => writer.createAccessKey(newAccessKey({ sealedSecret: Buffer.from("a".repeat(40)) })));
    writer.createAccessKey(newAccessKey());
    t.throws(() => writer.createAccessKey(newAccessKey()));
  });
}
