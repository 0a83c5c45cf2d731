/** The key store goes away, breaks or is locked under a running gateway: keys are 503, tokens go on, and all is well again by itself. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import t, { type Test } from "tap";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import type { Policy } from "../../src/contract/policy.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { ask, openRecorder } from "../forward/harness.ts";
import { bareNode } from "./child.ts";
import { startThings, type Things } from "./things.ts";

interface Keyed extends Things {
  /** Status and code of a call with the key, and of one with a token. */
  readonly withKey: () => Promise<string>;
  readonly withToken: () => Promise<string>;
}

const ROUTES = "routes: { GET /thing: authenticated }";

async function start(t: Test): Promise<Keyed> {
  const upstream = await openRecorder(t);
  const things = await startThings(t, { upstream: upstream.origin, rest: ROUTES });
  const keyed = { ...things, ...callers(things, addKey(things.sallyport.keyStore)) };
  t.equal(await keyed.withKey(), "200", "the key works to begin with");
  return keyed;
}

/** Makes an account and a key of it; the key. */
function addKey(path: string): string {
  const { id, key } = makeApiKey("thk", randomBytes);
  const store = openSqliteKeys(path, { side: "command", create: true });
  store.createAccount({ service: "things", id: "robot", kind: "service", role: "owner", enabled: true });
  store.createKey({ service: "things", id, account: "robot", scopes: ["all"], digest: digestApiKey(key), createdAt: Date.now() });
  store.close();
  return key;
}

function callers({ port, bearer }: Things, key: string): Pick<Keyed, "withKey" | "withToken"> {
  const call = async (headers: Record<string, string>): Promise<string> => {
    const { status, body } = await ask(port, "/thing", { headers });
    return status === 200 ? "200" : `${status} ${(JSON.parse(String(body)) as { code: string }).code}`;
  };
  return { withKey: () => call({ "x-api-key": key }), withToken: () => call(bearer) };
}

async function showsTrouble(t: Test, { sallyport, withKey, withToken }: Keyed): Promise<void> {
  t.equal(await withKey(), "503 AUTH_UNAVAILABLE");
  t.equal(await withToken(), "200", "tokens go on working");
  t.equal((await ask(sallyport.running.ports.health ?? 0, "/ready")).status, 200, "ready all the same");
  const detail = await fetch(`${sallyport.adminUrl}/health/ready`);
  t.equal(detail.status, 200);
  t.match(await detail.json(), { status: "ready", keyStore: { usable: false, trouble: String } }, "with the trouble in the detail");
  t.match(await (await fetch(`${sallyport.adminUrl}/metrics`)).text(), /^sallyport_key_store_up 0$/m);
}

async function isWellAgain(t: Test, { sallyport, withKey, withToken }: Keyed): Promise<void> {
  t.equal(await withKey(), "200", "well again without a restart");
  t.equal(await withToken(), "200");
  t.match(await (await fetch(`${sallyport.adminUrl}/health/ready`)).json(), { status: "ready", keyStore: { usable: true } });
  t.match(await (await fetch(`${sallyport.adminUrl}/metrics`)).text(), /^sallyport_key_store_up 1$/m);
}

/** The database and the files that SQLite keeps beside it. */
const FILES = ["", "-wal", "-shm"];

t.test("the file is renamed away, and comes back", async (t) => {
  const keyed = await start(t);
  const { keyStore } = keyed.sallyport;
  const there = FILES.filter((end) => existsSync(keyStore + end));
  for (const end of there) renameSync(keyStore + end, `${keyStore}.away${end}`);
  await showsTrouble(t, keyed);
  t.notOk(existsSync(keyStore), "no empty store is made in its place");
  for (const end of there) renameSync(`${keyStore}.away${end}`, keyStore + end);
  await isWellAgain(t, keyed);
});

t.test("the file goes before any key was asked for", async (t) => {
  const upstream = await openRecorder(t);
  const things = await startThings(t, { upstream: upstream.origin, rest: ROUTES });
  const { keyStore } = things.sallyport;
  t.ok(existsSync(keyStore), "an empty store is made at the start");
  const keyed = { ...things, ...callers(things, addKey(keyStore)) };
  for (const end of FILES) if (existsSync(keyStore + end)) renameSync(keyStore + end, `${keyStore}.away${end}`);
  await showsTrouble(t, keyed);
  t.notOk(existsSync(keyStore), "and never one in place of that which was there");
  for (const end of FILES) if (existsSync(`${keyStore}.away${end}`)) renameSync(`${keyStore}.away${end}`, keyStore + end);
  await isWellAgain(t, keyed);
});

t.test("the file is deleted, and restored from a copy", async (t) => {
  const keyed = await start(t);
  const { keyStore } = keyed.sallyport;
  copyFileSync(keyStore, `${keyStore}.copy`);
  for (const end of FILES) rmSync(keyStore + end, { force: true });
  await showsTrouble(t, keyed);
  copyFileSync(`${keyStore}.copy`, keyStore);
  await isWellAgain(t, keyed);
});

t.test("the file is overwritten with something else, and restored", async (t) => {
  const keyed = await start(t);
  const { keyStore } = keyed.sallyport;
  const whole = readFileSync(keyStore);
  for (const end of ["-wal", "-shm"]) rmSync(keyStore + end, { force: true });
  writeFileSync(keyStore, randomBytes(whole.length));
  await showsTrouble(t, keyed);
  writeFileSync(keyStore, whole);
  await isWellAgain(t, keyed);
});

t.test("the file is cut in half, and restored", async (t) => {
  const keyed = await start(t);
  const { keyStore } = keyed.sallyport;
  const whole = readFileSync(keyStore);
  for (const end of ["-wal", "-shm"]) rmSync(keyStore + end, { force: true });
  writeFileSync(keyStore, whole.subarray(0, 100));
  await showsTrouble(t, keyed);
  writeFileSync(keyStore, whole);
  await isWellAgain(t, keyed);
});

const LOCKER = `
import { DatabaseSync } from "node:sqlite";
const database = new DatabaseSync(process.argv[1], { timeout: 20000 });
database.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
console.log("locked");
process.stdin.resume().once("end", () => { database.exec("ROLLBACK"); database.close(); process.exit(); });
`;

/** Holds the file locked until its input ends; it fails where the lock cannot be had. */
async function lock(t: Test, path: string): Promise<() => Promise<unknown>> {
  const [node, before] = bareNode();
  const locker = spawn(node, [...before, "--input-type=module", "-e", LOCKER, path], { stdio: ["pipe", "pipe", "inherit"] });
  t.teardown(() => locker.kill("SIGKILL"));
  const gone = once(locker, "exit");
  await Promise.race([once(locker.stdout, "data"), gone.then(() => Promise.reject(new Error("it could not be locked")))]);
  return () => {
    locker.stdin.end();
    return gone;
  };
}

t.test("it comes back locked by another process, which then lets go", async (t) => {
  const keyed = await start(t);
  const { keyStore } = keyed.sallyport;
  // While the gateway has the file open, SQLite gives nobody else an exclusive lock: so it is lost first, and restored under a lock.
  copyFileSync(keyStore, `${keyStore}.copy`);
  for (const end of FILES) rmSync(keyStore + end, { force: true });
  await showsTrouble(t, keyed);
  const unlock = await lock(t, `${keyStore}.copy`);
  for (const end of FILES) if (existsSync(`${keyStore}.copy${end}`)) renameSync(`${keyStore}.copy${end}`, keyStore + end);
  await showsTrouble(t, keyed);
  await unlock();
  await isWellAgain(t, keyed);
});

t.test("a command that writes, or holds a write open, keeps no key from being read", async (t) => {
  const keyed = await start(t);
  const writer = new DatabaseSync(keyed.sallyport.keyStore);
  t.teardown(() => writer.close());
  writer.exec("BEGIN EXCLUSIVE; UPDATE accounts SET enabled = 0");
  t.equal(await keyed.withKey(), "200", "what is not committed does not count");
  writer.exec("COMMIT");
  t.equal(await keyed.withKey(), "401 KEY_INVALID", "and counts for the very next request");
});

t.test("a gateway that finds something else in the store's place starts, serves tokens, and keys once a store is there", async (t) => {
  const upstream = await openRecorder(t);
  const spoil = (policy: Policy): Policy => {
    const { path } = policy.gateway.stores.keys;
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) writeFileSync(path, randomBytes(8192));
    return policy;
  };
  const things = await startThings(t, { upstream: upstream.origin, rest: ROUTES }, { adapt: spoil });
  const { keyStore } = things.sallyport;
  const key = addKey(`${keyStore}.whole`);
  const keyed = { ...things, ...callers(things, key) };
  await showsTrouble(t, keyed);
  renameSync(`${keyStore}.whole`, keyStore);
  await isWellAgain(t, keyed);
});
