import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { digestApiKey, parseApiKey } from "../../src/contract/api-key.ts";
import { createSealing, sealingKey } from "../../src/contract/sealing.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { answerOf, type Answer } from "./run-command.ts";

const DAY_MS = 86_400_000;

const STACKFLOW = `
version: 1
service: stackflow
prefix: /stackflow
upstream: { url: http://127.0.0.1:9 }
roles: { viewer: [read], agent: [read, write] }
authenticators:
  key:
    apiKey: { header: x-api-key, prefix: sfk_prod }
    scopes: { read-only: [read], read-write: [read, write] }
    tenant: account
tenant: { header: x-tenant-id }
routes:
  GET /incidents: read
`;

const REGISTRY = `
version: 1
service: registry
prefix: /registry
upstream: { url: http://127.0.0.1:9 }
roles: { reader: [artifacts.read] }
authenticators:
  key:
    apiKey: { header: x-registry-key, prefix: tmr }
    scopes: { read-only: [artifacts.read] }
routes:
  GET /artifacts: artifacts.read
`;

const SIGNED = `
version: 1
service: signed
prefix: /signed
upstream: { url: http://127.0.0.1:9 }
roles: { reader: [read] }
authenticators:
  iam: { sigv4: { region: us-east-2, service: execute-api } }
routes:
  GET /: read
`;

const KEYLESS = `
version: 1
service: open
prefix: /open
upstream: { url: http://127.0.0.1:9 }
routes:
  GET /: public
`;

/** A policy with two services that take keys and one that does not, and a way to run commands on it. */
function office(t: Test, more = "", environment: Readonly<Record<string, string>> = {}, optional: "" | "?" = "?") {
  const services = { "stackflow.yaml": STACKFLOW, "registry.yaml": REGISTRY, "signed.yaml": SIGNED, "open.yaml": KEYLESS };
  const folder = t.testdir({ services });
  const path = join(folder, "data", "keys.db");
  const gateway = `version: 1\nlisten: { host: 127.0.0.1, port: 0 }\nstores: { keys: "sqlite:${path}", sealing: "\${SEALING${optional}}" }\nservices: [services/*.yaml]\n${more}`;
  writeFileSync(join(folder, "sallyport.yaml"), gateway);
  const run = (line: string): Promise<Answer> =>
    answerOf([...line.split(" "), "--config", join(folder, "sallyport.yaml")], { environment });
  /** Runs a command that must succeed with `--json`. */
  const json = async (line: string) => {
    const { code, out, err } = await run(`${line} --json`);
    if (code !== 0) throw new Error(`${line}: ${err}`);
    return JSON.parse(out);
  };
  const reader = openSqliteKeys(path, { side: "gateway", create: false });
  t.teardown(() => reader.close());
  return { run, json, reader, path };
}

const BOT = "accounts create bot --service stackflow --role viewer --tenant t1";
const KEY = "keys create --service stackflow --account bot --scopes read-only";

t.test("an account is made, changed, disabled, enabled and listed", async (t) => {
  const { run, json } = office(t);
  const bot = { service: "stackflow", id: "bot", kind: "service", role: "viewer", tenant: "t1", enabled: true };
  t.same(await json(BOT), bot);
  t.same(await json("accounts create ivy --service registry --role reader --kind person"), {
    service: "registry",
    id: "ivy",
    kind: "person",
    role: "reader",
    enabled: true,
  });
  t.same(await json("accounts set bot --service stackflow --role agent --tenant t2"), { ...bot, role: "agent", tenant: "t2" });
  t.same(await json("accounts disable bot --service stackflow"), { ...bot, role: "agent", tenant: "t2", enabled: false });
  t.match(await run("accounts list"), {
    code: 0,
    out: /^ACCOUNT +SERVICE +KIND.*\nivy +registry +person +reader +- +enabled\nbot +stackflow +service +agent +t2 +disabled\n$/,
  });
  t.match(await json("accounts enable bot"), { enabled: true });
  t.match(await json("accounts list --service stackflow"), [{ id: "bot" }]);
  t.match(await run(BOT), { code: 1, err: /exists already/ });
});

t.test("a new key is whole, shown once, and only its digest is kept", async (t) => {
  const { json, reader, run } = office(t);
  await json(BOT);
  const { id, secret, ...rest } = await json(`${KEY},read-write --expires 90d`);
  t.same(parseApiKey(secret, "sfk_prod"), { id });
  t.match(rest, { service: "stackflow", account: "bot", scopes: ["read-only", "read-write"] });
  t.equal(Date.parse(rest.expiresAt) - Date.parse(rest.createdAt), 90 * DAY_MS);
  const stored = reader.find("stackflow", id)!;
  t.same(Buffer.from(stored.digest), Buffer.from(digestApiKey(secret)));
  const listed = await run("keys list --json");
  t.match(JSON.parse(listed.out), [{ id, state: "active", account: "bot" }]);
  t.notMatch(listed.out, secret.slice(-38));

  const shown = await run(KEY);
  t.match(
    shown.out,
    /^key (\w{8}) of bot \(stackflow\), scopes read-only, never expires\n\n {2}sfk_prod_\1_\w{38}\n\nThis is shown once .*x-api-key\.\n$/,
  );
});

t.test("a key's end, its revocation and its owner's state are told in words", async (t) => {
  const { run, json } = office(t);
  t.match(await json(BOT), { id: "bot" });
  const empty = await run("keys list");
  t.same(empty, { code: 0, out: "no keys\n", err: "" });
  await json(KEY);
  const { id } = await json(`${KEY} --expires 1ms`);
  const { id: revoked } = await json(KEY);
  t.match(await json(`keys revoke ${revoked}`), { id: revoked, state: "revoked", account: "bot" });
  await json(`${KEY} --expires 10d`);
  const { out } = await run("keys list --account bot");
  for (const words of [/ active +never\n/, / ends \d{4}-\d\d-\d\d +never\n/, / revoked \d{4}-/]) t.match(out, words);
  t.match(
    (await json("keys list")).find((key: { id: string }) => key.id === id),
    { state: "expired" },
  );
  await json("accounts disable bot");
  t.match((await run("keys list")).out, / owner disabled +never\n/);
});

t.test("a key for a disabled account is made, and what it waits for is said beside it", async (t) => {
  const { run, json } = office(t);
  await json(BOT);
  const { id } = await json(KEY);
  await json("accounts disable bot");
  const warning = "sallyport: account bot is disabled: the key works after `sallyport accounts enable bot --service stackflow`";
  for (const line of [KEY, `keys rotate ${id}`]) {
    const made = await run(`${line} --json`);
    t.match({ ...made, err: made.err.replaceAll("\n", " ") }, { code: 0, err: warning });
    t.type((JSON.parse(made.out) as { secret: unknown }).secret, "string");
  }
  await json("accounts enable bot");
  t.equal((await run(KEY)).err, "");
});

t.test("a revocation reaches the running gateway's next look-up, by id or by PREFIX_ID", async (t) => {
  const { run, json, reader } = office(t);
  await json(BOT);
  for (const name of ["", "sfk_prod_"]) {
    const { id } = await json(KEY);
    t.equal(reader.find("stackflow", id)?.revokedAt, undefined);
    t.match(await run(`keys revoke ${name}${id}`), { code: 0, out: /is revoked/ });
    t.type(reader.find("stackflow", id)?.revokedAt, "number");
  }
});

t.test("a rotation makes a successor alike, and the old key ends now or after the overlap", async (t) => {
  const { run, json, reader } = office(t);
  await json(BOT);
  const first = await json(`${KEY} --expires 90d`);
  const second = await json(`keys rotate ${first.id} --overlap 24h`);
  t.match(second, { service: "stackflow", account: "bot", scopes: ["read-only"], replaces: { id: first.id } });
  t.same(parseApiKey(second.secret, "sfk_prod"), { id: second.id });
  t.equal(Date.parse(second.expiresAt) - Date.parse(second.createdAt), 90 * DAY_MS, "it lives as long as the first was made for");
  t.equal(reader.find("stackflow", first.id)?.expiresAt, Date.parse(second.createdAt) + DAY_MS);

  const third = await json(`keys rotate sfk_prod_${second.id}`);
  t.equal(reader.find("stackflow", second.id)?.expiresAt, Date.parse(third.createdAt));
  t.match(await run(`keys rotate ${second.id}`), { code: 1, err: /has expired/ });
  await json(`keys revoke ${third.id}`);
  t.match(await run(`keys rotate ${third.id}`), { code: 1, err: /is revoked/ });
});

t.test("a wrong choice is wrong use, and the message names the right ones", async (t) => {
  const { run, json } = office(t);
  await json(BOT);
  const { id, secret } = await json(KEY);
  const wrong: [string, RegExp][] = [
    ["accounts create bot2 --role viewer --tenant t1", /--service is missing/],
    ["accounts create bot2 --service nowhere --role viewer", /there is no service "nowhere"; one of: open, registry, signed, stackflow/],
    ["accounts create bot2 --service open --role viewer", /: open takes no keys or certificates; one of: registry, signed, stackflow/],
    ["accounts create bot2 --service stackflow --tenant t1", /--role is missing; one of: viewer, agent/],
    ["accounts create bot2 --service stackflow --role admin --tenant t1", /"admin" is not a role of stackflow; one of: viewer, agent/],
    ["accounts create bot2 --service stackflow --role viewer", /--tenant is missing/],
    ["accounts create bot2 --service stackflow --role viewer --tenant ..", /a tenant is/],
    ["accounts create bot2 --service stackflow --role viewer --tenant a/b", /a tenant is/],
    ["accounts create bot2 --service stackflow --role viewer --tenant t1 --kind robot", /"robot" is not known; one of: service, person/],
    ["accounts create b\u0000t --service stackflow --role viewer --tenant t1", /account's ID/],
    ["accounts set bot --service stackflow", /say what to change/],
    ["accounts set bot --role reader", /"reader" is not a role of stackflow/],
    ["accounts list --service nowhere", /no service "nowhere"; one of: open, registry, signed, stackflow/],
    ["keys list --service stakflow", /did you mean stackflow\?/],
    ["keys create --service open --account bot --scopes read", /: open takes no keys; one of: registry, signed, stackflow/],
    ["keys create --service stackflow --account bot", /--scopes is missing/],
    ["keys create --service stackflow --account bot --scopes admin", /"admin" is not a scope of key; one of: read-only, read-write/],
    ["keys create --service stackflow --account bot --scopes read-only,", /"" is not a scope/],
    [`${KEY} --expires soon`, /--expires: this is no duration/],
    [`${KEY} --expires 0d`, /--expires/],
    [`${KEY} --authenticator other`, /"other" is not known; one of: key/],
    [`keys rotate ${id} --overlap 1y`, /--overlap/],
    ["keys revoke nokey", /KEY is an id/],
    ["keys revoke", /KEY is missing/],
    [`keys revoke ${id} --force`, /force/],
  ];
  for (const [line, message] of wrong) {
    const answer = await run(line);
    t.match({ ...answer, err: answer.err.replaceAll("\n    ", " ") }, { code: 2, out: "", err: message }, line);
    t.match(answer.err, /\nusage: sallyport (accounts|keys) /, line);
  }
  const whole = await run(`keys revoke ${secret}`);
  t.match(whole, { code: 2, err: /whole key/ });
  t.notMatch(whole.err, secret.slice(-38), "the message does not repeat it");
});

t.test("what is not there is told plainly, with exit code 1", async (t) => {
  const { run, json } = office(t);
  t.match(await run("keys list"), {
    code: 1,
    err: /keys\.db cannot be used: there is no such file; `sallyport accounts create` makes it\n$/,
  });
  await json(BOT);
  for (const line of [
    "accounts disable nobody",
    "accounts enable bot --service registry",
    "accounts set nobody --role viewer",
    "keys create --service stackflow --account nobody --scopes read-only",
    "keys revoke 00000000",
    "keys rotate sfk_prod_00000000",
  ]) {
    t.match(await run(line), { code: 1, out: "", err: /^sallyport: there is no (account|key) / }, line);
  }
  const { id } = await json(KEY);
  t.match(await run(`keys revoke tmr_${id}`), { code: 1 }, "the prefix of another service");
  t.match(await run(`keys revoke ${id} --service registry`), { code: 1 });
});

t.test("an id that several services have needs the service", async (t) => {
  const { run, json } = office(t);
  await json(BOT);
  await json("accounts create bot --service registry --role reader");
  t.match(await run("accounts disable bot"), { code: 2, err: /in several services; say\s+--service, one of: registry, stackflow/ });
  t.match(await json("accounts disable bot --service registry"), { service: "registry", enabled: false });
});

t.test("a bad policy stops every command, with its diagnostics", async (t) => {
  const { run } = office(t, "unknown: true\n");
  for (const line of [BOT, KEY, "accounts list", "keys revoke 00000000"])
    t.match(await run(line), { code: 1, out: "", err: /sallyport\.yaml:\d+:1/ }, line);
});

/** What stands under a heading, line by line. */
function column(out: string, heading: string): string[] {
  const [headings, ...rows] = out.split("\n");
  const start = headings!.indexOf(heading);
  const width = /^\S+\s*/.exec(headings!.slice(start))![0].length;
  return rows.map((row) => row.slice(start, start + width).trim());
}

t.test("lists fit into 80 columns without losing a character", async (t) => {
  const { run, json } = office(t);
  const id = `a-very-long-account-name.of-a-build-server@${"x".repeat(40)}`;
  await json(`accounts create ${id} --service stackflow --role agent --tenant ${"t".repeat(60)}`);
  await json(`keys create --service stackflow --account ${id} --scopes read-only,read-write --expires 90d`);
  for (const line of ["accounts list", "keys list"]) {
    const { out } = await run(line);
    t.ok(Math.max(...out.split("\n").map((row) => row.length)) <= 80, line);
    t.equal(column(out, "ACCOUNT").join(""), id, line);
  }
});

const SIGNER = "accounts create signer --service signed --role reader";
const ACCESS_KEY = "keys create --service signed --account signer --sigv4";
const SEALING = { SEALING: "a sealing secret that is long enough" };

t.test("an access key is id and secret, shown once; the secret is sealed in the store", async (t) => {
  const { json, run, reader, path } = office(t, "", SEALING);
  await json(SIGNER);
  const { id, secret, ...rest } = await json(`${ACCESS_KEY} --expires 90d`);
  t.match({ id, secret }, { id: /^SP[A-Z2-7]{18}$/, secret: /^[0-9A-Za-z]{40}$/ });
  t.match(rest, { service: "signed", account: "signer", scopes: [] });
  const stored = reader.findAccessKey("signed", id)!;
  t.equal(createSealing([sealingKey(SEALING.SEALING)]).open(stored.sealedSecret, { service: "signed", id }), secret);
  const listed = await run("keys list --json");
  t.match(JSON.parse(listed.out), [{ id, state: "active", account: "signer" }]);
  t.notMatch(listed.out, secret);
  t.notMatch(readFileSync(path, "latin1"), secret);
  t.match(
    (await run(ACCESS_KEY)).out,
    /access key (SP\w{18}) of signer.*\n\n {2}id +\1\n {2}secret +\w{40}\n\n.*once.*us-east-2 and service execute-api/s,
  );
});

t.test("an access key is rotated with an overlap, and revoked", async (t) => {
  const { json, run, reader } = office(t, "", SEALING);
  await json(SIGNER);
  const { id } = await json(ACCESS_KEY);
  const next = await json(`keys rotate ${id} --overlap 24h`);
  t.match(next, { id: /^SP/, replaces: { id }, service: "signed" });
  t.not(next.id, id);
  t.type(reader.findAccessKey("signed", id)?.expiresAt, "number");
  t.same(await json(`keys revoke ${next.id}`), { id: next.id, service: "signed", account: "signer", state: "revoked" });
  t.type(reader.findAccessKey("signed", next.id)?.revokedAt, "number");
  t.match(await run("keys revoke SPAAAAAAAAAAAAAAAAAA"), { code: 1, err: /there is no access key/ });
});

t.test("an access key is never sealed with what the gateway would not open", async (t) => {
  for (const optional of ["", "?"] as const) {
    const { json, run, reader } = office(t, "", {}, optional);
    await json(SIGNER);
    t.match(await run(ACCESS_KEY), { code: 1, err: /stores\.sealing.* not set here/ });
    t.same(await json("keys list"), []);
    t.equal(reader.trouble(), undefined);
  }
});

t.test("each service makes the kind of key that it takes", async (t) => {
  const { json, run } = office(t, "", SEALING);
  await json(BOT);
  await json(SIGNER);
  t.match(await run("keys create --service stackflow --account bot --sigv4"), { code: 2, err: /takes no access keys/ });
  t.match(await run("keys create --service signed --account signer --scopes read"), { code: 2, err: /--sigv4/ });
  t.match(await run(`${ACCESS_KEY} --scopes read`), { code: 2, err: /is not a scope of iam/ });
});
