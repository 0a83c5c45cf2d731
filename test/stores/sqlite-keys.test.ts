import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import t, { type Test } from "tap";
import { StoreUnavailable } from "../../src/contract/stores.ts";
import { openSqliteKeys, type SqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { checkTables } from "../../src/stores/sqlite/schema.ts";
import { ACCESS_KEY, accountOf, keyStoreContract, newAccessKey, newKey } from "./key-store-contract.ts";

const KEY = ["stackflow", "8Zt4kQ2p"] as const;
const MODULE = pathToFileURL(join(import.meta.dirname, "../../src/stores/sqlite-keys.ts")).href;

function command(t: Test, path: string): SqliteKeys {
  const store = openSqliteKeys(path, { side: "command", create: true });
  t.teardown(() => store.close());
  return store;
}

function gateway(t: Test, path: string, rest: { create?: boolean; lastUseIntervalMs?: number; oncePerTurn?: boolean } = {}): SqliteKeys {
  const store = openSqliteKeys(path, { side: "gateway", create: false, ...rest });
  t.teardown(() => store.close());
  return store;
}

/** A store that holds one account and one key, and both ways into it. */
function filled(t: Test) {
  const path = join(t.testdir(), "data", "keys.db");
  const writer = command(t, path);
  writer.createAccount(accountOf());
  writer.createKey(newKey());
  return { path, writer, reader: gateway(t, path) };
}

/** Runs lines of a program that has `store`, a command's way in, in a process of its own. */
function inAnotherProcess(path: string, lines: string): void {
  const program = `
    import { openSqliteKeys } from ${JSON.stringify(MODULE)};
    const store = openSqliteKeys(${JSON.stringify(path)}, { side: "command", create: false });
    ${lines}
    store.close();`;
  execFileSync(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["ignore", "ignore", "inherit"] });
}

function filesOf(path: string): string[] {
  return [path, `${path}-wal`, `${path}-shm`].filter((file) => existsSync(file));
}

t.test("SQLite keeps the contract of a key store", async (t) => {
  keyStoreContract(t, (t) => {
    const path = join(t.testdir(), "keys.db");
    const writer = command(t, path);
    writer.accounts();
    return { writer, reader: gateway(t, path) };
  });
});

t.test("folder and file are made where they are missing, for the owner alone", async (t) => {
  const { path, writer } = filled(t);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
  for (const file of filesOf(path)) t.equal(statSync(file).mode & 0o777, 0o600, file);
  writer.close();
});

t.test("nothing is made until it is asked for, and never by a side that was not told to", async (t) => {
  const path = join(t.testdir(), "data", "keys.db");
  t.match(gateway(t, path).trouble(), /there is no such file/);
  const making = gateway(t, path, { create: true });
  t.notOk(existsSync(path));
  t.equal(making.trouble(), undefined);
  t.equal(making.find(...KEY), undefined);
});

t.test("what another process does holds for the very next look-up", async (t) => {
  const { path, reader } = filled(t);
  t.equal(reader.find(...KEY)?.revokedAt, undefined);
  inAnotherProcess(path, `store.changeAccount("stackflow", "bot", { enabled: false, role: "nothing" });`);
  t.match(reader.find(...KEY)?.account, { enabled: false, role: "nothing" });
  inAnotherProcess(path, `store.revokeKey("stackflow", "8Zt4kQ2p", 17);`);
  t.equal(reader.find(...KEY)?.revokedAt, 17);
});

t.test("a store that looks once a turn has what another process did in the next turn of the event loop", async (t) => {
  const { path } = filled(t);
  const reader = gateway(t, path, { oncePerTurn: true });
  t.equal(reader.find(...KEY)?.revokedAt, undefined);
  inAnotherProcess(path, `store.revokeKey("stackflow", "8Zt4kQ2p", 17);`);
  t.equal(reader.find(...KEY)?.revokedAt, undefined, "the same turn");
  await new Promise(setImmediate);
  t.equal(reader.find(...KEY)?.revokedAt, 17);
  for (const file of filesOf(path)) rmSync(file);
  await new Promise(setImmediate);
  t.throws(() => reader.find(...KEY), StoreUnavailable, "a file that went is noticed too");
});

t.test("the gateway goes on reading while another process writes", async (t) => {
  const { path, reader } = filled(t);
  const other = new DatabaseSync(path);
  t.teardown(() => other.close());
  other.exec("BEGIN IMMEDIATE; UPDATE keys SET revoked_at = 1");
  t.equal(reader.find(...KEY)?.revokedAt, undefined, "not committed yet");
  other.exec("COMMIT");
  t.equal(reader.find(...KEY)?.revokedAt, 1);
});

t.test("a store that another process has locked is unavailable at once, and well again when it is let go", async (t) => {
  const { path, writer } = filled(t);
  writer.close();
  const other = new DatabaseSync(path);
  other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE keys SET revoked_at = 1; COMMIT");
  const reader = gateway(t, path);
  t.throws(() => reader.find(...KEY), StoreUnavailable);
  t.match(reader.trouble(), /another process holds its lock/);
  other.close();
  t.equal(reader.find(...KEY)?.revokedAt, 1);
  t.equal(reader.trouble(), undefined);
});

t.test("a command waits for the lock of another process", async (t) => {
  const { path, writer } = filled(t);
  const program = `
    import { DatabaseSync } from "node:sqlite";
    const other = new DatabaseSync(${JSON.stringify(path)});
    other.exec("BEGIN IMMEDIATE");
    process.stdout.write("locked");
    setTimeout(() => other.exec("COMMIT"), 100);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  t.ok(writer.revokeKey(...KEY, 5));
  await once(child, "exit");
});

t.test("a file that went is noticed by the very next look-up, and so is its return", async (t) => {
  const { path, writer, reader } = filled(t);
  writer.close();
  reader.find(...KEY);
  const away = `${path}.away`;
  mkdirSync(away);
  const files = filesOf(path);
  for (const file of files) renameSync(file, join(away, file.slice(path.length) || "db"));
  t.throws(() => reader.find(...KEY), StoreUnavailable);
  t.match(reader.trouble(), /there is no such file/);
  t.notOk(existsSync(path), "the gateway makes no empty store in its place");
  for (const file of files) renameSync(join(away, file.slice(path.length) || "db"), file);
  t.equal(reader.find(...KEY)?.id, "8Zt4kQ2p");
});

t.test("a deleted file that is restored from a copy serves again", async (t) => {
  const { path, writer, reader } = filled(t);
  reader.find(...KEY);
  writer.close();
  const copy = `${path}.copy`;
  copyFileSync(path, copy);
  for (const file of filesOf(path)) rmSync(file);
  t.throws(() => reader.find(...KEY), StoreUnavailable);
  copyFileSync(copy, path);
  t.equal(reader.find(...KEY)?.id, "8Zt4kQ2p");
});

t.test("a file put in place of the old one counts from the very next look-up", async (t) => {
  const { path, writer } = filled(t);
  const reader = gateway(t, path, { lastUseIntervalMs: 1 });
  inAnotherProcess(path, `store.changeAccount("stackflow", "bot", { role: "of the old file" });`);
  reader.used(...KEY, 5);
  for (let time = 0; time < 400 && reader.find(...KEY)?.lastUsedAt === undefined; time++) await pause(5);
  writer.close();
  reader.used(...KEY, 6);
  for (let time = 0; time < 400 && reader.find(...KEY)?.lastUsedAt !== 6; time++) await pause(5);
  t.ok(statSync(`${path}-wal`).size > 0, "the old file leaves a log beside the path");
  const other = command(t, `${path}.new`);
  other.createAccount(accountOf({ role: "of the new file" }));
  other.createKey(newKey());
  other.close();
  renameSync(`${path}.new`, path);
  t.match(reader.find(...KEY)?.account, { role: "of the new file" });
  t.equal(reader.find(...KEY)?.lastUsedAt, undefined, "nothing of the old log is in it");
});

t.test("a backup by VACUUM INTO can be put in place, and the next command makes it fit for reading beside writing", async (t) => {
  const { path, writer, reader } = filled(t);
  const backup = new DatabaseSync(path);
  backup.prepare("VACUUM INTO ?").run(`${path}.backup`);
  backup.close();
  writer.close();
  renameSync(`${path}.backup`, path);
  t.equal(reader.find(...KEY)?.id, "8Zt4kQ2p");
  inAnotherProcess(path, `store.revokeKey("stackflow", "8Zt4kQ2p", 17);`);
  t.equal(reader.find(...KEY)?.revokedAt, 17);
  const other = new DatabaseSync(path);
  t.teardown(() => other.close());
  t.equal(other.prepare("PRAGMA journal_mode").get()?.["journal_mode"], "wal");
});

t.test("what is no key store is never taken for one", async (t) => {
  const folder = t.testdir({ "text.db": "not a database, but long enough to be looked at as one. ".repeat(40), "empty.db": "" });
  const foreign = new DatabaseSync(join(folder, "foreign.db"));
  foreign.exec("CREATE TABLE keys (id TEXT); PRAGMA user_version = 1");
  foreign.close();
  for (const name of ["text.db", "empty.db", "foreign.db", "."]) {
    const reader = gateway(t, join(folder, name));
    t.throws(() => reader.find(...KEY), StoreUnavailable, name);
    t.throws(() => command(t, join(folder, name === "empty.db" ? "." : name)).accounts(), StoreUnavailable, name);
  }
  t.equal(readFileSync(join(folder, "text.db"), "utf8").slice(0, 14), "not a database");
});

t.test("a store of a later version is refused, with both versions", async (t) => {
  const { path, writer, reader } = filled(t);
  writer.close();
  reader.close();
  const later = new DatabaseSync(path);
  later.exec("PRAGMA user_version = 3");
  later.close();
  t.match(gateway(t, path).trouble(), /version 3.*version 2/);
});

/** Makes of a store what the version before would have made, with what is in it. */
function backToVersion1(path: string): void {
  const database = new DatabaseSync(path);
  database.exec("DROP TABLE access_keys; PRAGMA user_version = 1; PRAGMA journal_mode = DELETE");
  database.close();
}

t.test("a store of version 1 is brought to version 2 by whoever opens it first, and keeps all that it holds", async (t) => {
  for (const side of ["gateway", "command"] as const) {
    const { path, writer, reader } = filled(t);
    writer.close();
    reader.close();
    backToVersion1(path);
    const first = openSqliteKeys(path, { side, create: false });
    t.equal(first.find(...KEY)?.account.id, "bot");
    t.equal(first.findAccessKey("stackflow", ACCESS_KEY), undefined);
    first.close();
    const next = command(t, path);
    next.createAccessKey(newAccessKey());
    t.equal(gateway(t, path).findAccessKey("stackflow", ACCESS_KEY)?.account.id, "bot");
    t.equal(next.keys().length, 1);
  }
});

t.test("a running gateway goes on while a command brings its store to version 2", async (t) => {
  const { path, writer, reader } = filled(t);
  writer.close();
  reader.close();
  backToVersion1(path);
  const serving = gateway(t, path);
  t.ok(serving.find(...KEY));
  command(t, path).createAccessKey(newAccessKey());
  t.ok(serving.find(...KEY));
  t.ok(serving.findAccessKey("stackflow", ACCESS_KEY));
});

t.test("a store of version 1 that can only be read serves its API keys, and has no access keys", async (t) => {
  const { path, writer, reader } = filled(t);
  writer.close();
  reader.close();
  backToVersion1(path);
  const copy = new DatabaseSync(path, { readOnly: true });
  t.doesNotThrow(() => checkTables(copy));
  t.equal(copy.prepare("SELECT count(*) AS keys FROM keys").get()?.["keys"], 1);
  t.equal(copy.prepare("SELECT count(*) AS keys FROM access_keys").get()?.["keys"], 0);
  t.throws(() => copy.exec("INSERT INTO main.access_keys (service) VALUES ('x')"));
  copy.close();
});

t.test("a file that is overwritten with nonsense is unavailable, and well again when it is mended", async (t) => {
  const { path, writer, reader } = filled(t);
  reader.find(...KEY);
  writer.close();
  const good = readFileSync(path);
  writeFileSync(path, Buffer.alloc(good.length, "nonsense"));
  t.throws(() => reader.find(...KEY), StoreUnavailable);
  for (const file of filesOf(path)) rmSync(file);
  writeFileSync(path, good);
  t.equal(reader.find(...KEY)?.id, "8Zt4kQ2p");
});

t.test("a store on a medium that cannot be written is read all the same, and its changes are seen", async (t) => {
  const { path, writer, reader } = filled(t);
  writer.close();
  reader.close();
  const folder = join(path, "..");
  chmodSync(path, 0o644);
  chmodSync(folder, 0o555);
  // Whoever reads it must be let through all of these, a clone's own folder among them.
  for (let above = join(folder, ".."); above !== "/"; above = join(above, "..")) {
    const { uid, mode } = statSync(above);
    if (uid === process.getuid?.()) chmodSync(above, mode | 0o1);
  }
  const program = `
    import { openSqliteKeys } from ${JSON.stringify(MODULE)};
    const store = openSqliteKeys(${JSON.stringify(path)}, { side: "gateway", create: true, lastUseIntervalMs: 1 });
    process.stdin.on("data", () => {
      const key = store.find("stackflow", "8Zt4kQ2p");
      store.used("stackflow", "8Zt4kQ2p", 5);
      process.stdout.write(JSON.stringify({ id: key.id, revokedAt: key.revokedAt, trouble: store.trouble() }) + "\\n");
    }).on("end", () => store.close());`;
  // the superuser may write anything: then it is done as nobody
  const identity = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["pipe", "pipe", "inherit"], ...identity });
  const ask = async () => {
    child.stdin.write("?");
    return JSON.parse(String((await once(child.stdout, "data"))[0])) as unknown;
  };
  t.same(await ask(), { id: "8Zt4kQ2p" });
  chmodSync(folder, 0o755);
  const writing = command(t, path);
  writing.revokeKey(...KEY, 17);
  t.same(await ask(), { id: "8Zt4kQ2p", revokedAt: 17 }, "while the command is still at it");
  writing.close();
  t.same(await ask(), { id: "8Zt4kQ2p", revokedAt: 17 });
  child.stdin.end();
  t.same(await once(child, "exit"), [0, null]);
});

t.test("last uses are written in batches while the gateway runs, and a lock only puts them off", async (t) => {
  const { path, writer } = filled(t);
  const reader = gateway(t, path, { lastUseIntervalMs: 5 });
  const other = new DatabaseSync(path);
  t.teardown(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  reader.used(...KEY, 41);
  await pause(30);
  t.equal(writer.keys()[0]?.lastUsedAt, undefined);
  other.exec("COMMIT");
  for (let time = 0; time < 400 && writer.keys()[0]?.lastUsedAt === undefined; time++) await pause(5);
  t.equal(writer.keys()[0]?.lastUsedAt, 41);
});

t.test("noting a use and closing throw nothing, whatever became of the file", async (t) => {
  const { path, writer } = filled(t);
  writer.close();
  for (const file of filesOf(path)) rmSync(file);
  const reader = gateway(t, path);
  reader.used(...KEY, 1);
  reader.close();
  reader.used(...KEY, 2);
  t.throws(() => reader.find(...KEY), StoreUnavailable);
  t.same(readdirSync(join(path, "..")), []);
});

t.test("no secret and no digest is in what a failing store says", async (t) => {
  const { path, writer } = filled(t);
  mkdirSync(`${path}.folder`);
  const messages = [gateway(t, `${path}.folder`).trouble()];
  try {
    writer.createKey(newKey());
  } catch (error) {
    messages.push(String(error));
  }
  t.equal(messages.length, 2);
  const digest = Buffer.from(newKey().digest);
  for (const message of messages) t.notOk(message?.includes(digest.toString("hex")) || message?.includes(digest.toString("base64")));
});
