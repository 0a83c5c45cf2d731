/** `sallyport doctor`: what it finds at issuers, upstreams, stores, certificates and secrets. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import tls from "node:tls";
import t, { type Test } from "tap";
import { checkUpstream, upstreamsOf } from "../../src/doctor/upstreams.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { answerJson, issuerServer, keySetOf } from "../authenticate/fixtures/issuer-server.ts";
import { ecKey, rsaKey } from "../authenticate/fixtures/keys.ts";
import { doorCertificate, makeAuthority } from "../journey/tls-files.ts";
import { load, policyOf } from "../policy/fixtures.ts";
import { closedPort } from "../security/closed-port.ts";
import { doctor, found, listening, tlsListening } from "./clinic.ts";

const DAY_MS = 86_400_000;
const NOW = Date.parse("2026-11-22T12:00:00Z");

/* ── issuers ──────────────────────────────────────────────────────────── */

const key = rsaKey("one");

t.test("an issuer with usable keys is well; keys that do not count are told", async (t) => {
  const good = await issuerServer(t, answerJson(keySetOf(key)));
  t.same(await found(t, "issuer", { jwks: good.jwks }), ["ok: 1 usable key"]);
  good.answerWith(answerJson(keySetOf(key, ecKey("two"))));
  t.match(await found(t, "issuer", { jwks: good.jwks }), [
    /^ok: 1 usable key, 1 not usable \(its type, curve or `alg` fits no allowed algorithm\)$/,
  ]);
});

t.test("an issuer without a usable key, with HTML in its place, or an error, fails", async (t) => {
  const server = await issuerServer(t, answerJson(keySetOf(ecKey("two"))));
  const of = () => found(t, "issuer", { jwks: server.jwks });
  t.match(await of(), [/^fail: no usable key: its type.* → `algorithms:` is RS256; its keys must fit$/]);
  server.answerWith(answerJson('{"keys":[]}'));
  t.match(await of(), [/^fail: no usable key →/]);
  server.answerWith((_request, response) => void response.setHeader("content-type", "text/html").end("<html>Sign in</html>"));
  t.match(await of(), [/^fail: no key set: the answer is no JSON object.* → `jwks:` must be its address/]);
  server.answerWith((_request, response) => void response.writeHead(302, { location: "/elsewhere" }).end());
  t.match(await of(), [/^fail: its key set .* cannot be had: status 302/]);
});

t.test("an issuer that refuses connections, or is slow, fails with the reason", async (t) => {
  const jwks = `http://127.0.0.1:${await closedPort()}/jwks.json?secret=hunter2hunter2`;
  const [refused = ""] = await found(t, "issuer", { jwks });
  t.match(refused, /^fail: its key set http:\/\/127\.0\.0\.1:\d+\/jwks\.json cannot be had: the connection was refused/);
  t.notMatch(refused, "hunter2");
  const slow = await issuerServer(t, () => undefined);
  t.match(await found(t, "issuer", { jwks: slow.jwks, timeoutMs: 200 }), [/^fail: .*no complete answer within 200 ms/]);
});

t.test("a clock that differs is told, and fails where tokens would be refused", async (t) => {
  const server = await issuerServer(t, answerJson(keySetOf(key)));
  const of = (now: number) => found(t, "issuer", { jwks: server.jwks, now });
  t.match(await of(Date.now() - 90_000), [/^fail: its clock is (?:89|9[01]) s ahead of this one: its new tokens are refused/]);
  t.match(await of(Date.now() + 90_000), [/^fail: its clock is (?:89|9[01]) s behind this one/]);
  t.match(await of(Date.now() + 20_000), [/^warn: 1 usable key; its clock is (?:19|2[01]) s behind this one/]);
});

t.test("the age of a cached answer is no skew of the clock", async (t) => {
  const cached = await issuerServer(t, (_request, response) => {
    response.writeHead(200, { date: new Date(Date.now() - 3_600_000).toUTCString(), age: "3600" }).end(keySetOf(key));
  });
  t.same(await found(t, "issuer", { jwks: cached.jwks }), ["ok: 1 usable key"]);
});

/* ── upstreams ────────────────────────────────────────────────────────── */

t.test("an upstream that takes connections is well, and is sent nothing", async (t) => {
  const { url, received } = await listening(t);
  t.same(await found(t, "upstream", { upstream: url }), ["ok: takes connections"]);
  t.equal(received(), 0);
});

t.test("an upstream that refuses connections, or has no name, fails", async (t) => {
  t.match(await found(t, "upstream", { upstream: `http://127.0.0.1:${await closedPort()}` }), [
    /^fail: the connection was refused → start it/,
  ]);
  t.match(await found(t, "upstream", { upstream: "http://nobody.invalid" }), [/^fail: its name /]);
});

t.test("an upstream that takes connections and no handshake fails in time", async (t) => {
  const { url } = await listening(t);
  t.match(await found(t, "upstream", { upstream: url.replace("http:", "https:"), timeoutMs: 200 }), [/^fail: nothing answered in time/]);
});

t.test("the certificate of an https upstream is judged: authority, name, end", async (t) => {
  const authority = makeAuthority(t, "an authority");
  const good = await tlsListening(t, doorCertificate(authority));
  t.match(await found(t, "upstream", { upstream: good }), [
    /^fail: its certificate is of an authority that is not trusted here → .*NODE_EXTRA_CA_CERTS/,
  ]);
  trust(t, authority.cert);
  t.match(await found(t, "upstream", { upstream: good, now: Date.now() - 20 * DAY_MS }), [
    "ok: takes connections, and its certificate is good",
  ]);
  t.match(await found(t, "upstream", { upstream: good }), [/^warn: its certificate ends on 20\d\d-\d\d-\d\d, in [01] days?/]);
  const expired = await tlsListening(t, doorCertificate(authority, { until: Date.now() - 60_000 }));
  t.match(await found(t, "upstream", { upstream: expired }), [/^fail: its certificate has expired → renew it/]);
  const other = await tlsListening(t, doorCertificate(authority, { names: "DNS:other.example" }));
  t.match(await found(t, "upstream", { upstream: other }), [/^fail: its certificate is for another name/]);
});

t.test("a certificate that nobody verifies is a warning, good or not", async (t) => {
  const authority = makeAuthority(t, "another authority");
  const upstream = `${await tlsListening(t, doorCertificate(authority))}", verify: "off`;
  t.match(await found(t, "upstream", { upstream }), [
    /^warn: its certificate is not verified, and would not be: its certificate is of an authority/,
  ]);
  trust(t, authority.cert);
  t.match(await found(t, "upstream", { upstream }), [/^warn: its certificate is not verified, though it is good → take `verify: off` out/]);
});

t.test("services that share an upstream share its finding, unless one of them does not verify it", async (t) => {
  const upstream = await tlsListening(t, doorCertificate(makeAuthority(t, "a shared authority")));
  const service = (name: string, more = "") =>
    `version: 1\nservice: ${name}\nprefix: /${name}\nupstream: { url: "${upstream}"${more} }\nroutes: {}\n`;
  const { services } = policyOf(
    load(t, { "services/a.yaml": service("a"), "services/b.yaml": service("b"), "services/c.yaml": service("c", ', verify: "off"') }),
  );
  const findings = await Promise.all(upstreamsOf(services).map((shared) => checkUpstream(shared, Date.now(), 2_000)));
  t.match(findings, [
    { subject: `${upstream} (a, b)`, verdict: "fail" },
    { subject: `${upstream} (c)`, verdict: "warn" },
  ]);
});

t.test("https to a port that speaks plain HTTP is told as such", async (t) => {
  const server = await issuerServer(t, answerJson("{}"));
  const upstream = `https://127.0.0.1:${new URL(server.jwks).port}`;
  t.match(await found(t, "upstream", { upstream }), [/^fail: it does not speak TLS/]);
});

function trust(t: Test, certificate: string): void {
  const before = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...before, certificate]);
  t.teardown(() => tls.setDefaultCACertificates(before));
}

/* ── stores ───────────────────────────────────────────────────────────── */

const KEYS = `roles: { reader: [] }\n`;
const KEY_AUTHENTICATOR = `  key:\n    apiKey: { header: x-api-key, prefix: shop }\n`;

function storeIn(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-doctor-store-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "keys.db");
}

async function storeFindings(t: Test, path: string, now = NOW): Promise<readonly string[]> {
  return found(t, "keys", { gateway: `stores: { keys: "sqlite:${path}" }\n`, service: KEYS, authenticators: KEY_AUTHENTICATOR, now });
}

t.test("a key store that is not there yet is not made", async (t) => {
  const path = storeIn(t);
  t.match(await storeFindings(t, path), [/^warn: is not there yet/]);
  t.notOk(existsSync(path));
  t.same(await found(t, "keys", { gateway: `stores: { keys: "sqlite:${path}" }\n` }), ["ok: is not there yet, and nothing needs it"]);
  writeFileSync(path, "");
  t.match(await storeFindings(t, join(path, "keys.db")), [/^fail: is not there, and its folder cannot be written/]);
});

t.test("a key store is opened, its lock taken, and keys that end soon are named", async (t) => {
  const path = storeIn(t);
  const store = openSqliteKeys(path, { side: "command", create: true });
  t.teardown(() => store.close());
  store.createAccount({ service: "shop", id: "a", kind: "service", role: "reader", enabled: true });
  const keyEnding = (id: string, expiresAt?: number) =>
    store.createKey({
      service: "shop",
      id,
      account: "a",
      scopes: [],
      digest: new Uint8Array(32),
      createdAt: 1,
      ...(expiresAt !== undefined && { expiresAt }),
    });
  keyEnding("endless");
  keyEnding("past", NOW - 1);
  keyEnding("later", NOW + 15 * DAY_MS);
  keyEnding("revoked", NOW + DAY_MS);
  store.revokeKey("shop", "revoked", NOW);
  t.same(await storeFindings(t, path), ["ok: opens and can be written: 4 keys"]);
  keyEnding("soon", NOW + 13 * DAY_MS);
  t.match(await storeFindings(t, path), [/^ok: .*5 keys$/, /^warn: 1 key\(s\) end within 14 days: shop\/soon →/]);
});

t.test("a key store that another process holds, one without WAL, and a file that is none, are told", async (t) => {
  const path = storeIn(t);
  openSqliteKeys(path, { side: "command", create: true }).trouble();
  const other = new DatabaseSync(path);
  t.teardown(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  t.match(await storeFindings(t, path), [/^warn: can be read, not written: database is locked/]);
  other.exec("ROLLBACK");
  const copy = storeIn(t);
  other.exec(`VACUUM INTO '${copy}'`);
  t.match(await storeFindings(t, copy), [/^warn: is not in WAL mode/]);
  writeFileSync(copy, "x".repeat(5_000));
  t.match(await storeFindings(t, copy), [/^fail: cannot be used: file is not a database/]);
  const stranger = storeIn(t);
  const database = new DatabaseSync(stranger);
  database.exec("CREATE TABLE t (x)");
  database.close();
  t.match(await storeFindings(t, stranger), [/^fail: cannot be used: the file is not a Sallyport key store/]);
});

t.test("a store of an older version is looked at, and stays as it is", async (t) => {
  const path = storeIn(t);
  openSqliteKeys(path, { side: "command", create: true }).trouble();
  const database = new DatabaseSync(path);
  t.teardown(() => database.close());
  database.exec("DROP TABLE access_keys; PRAGMA user_version = 1");
  t.match(await storeFindings(t, path), [/^ok: /]);
  t.equal(database.prepare("PRAGMA user_version").get()?.["user_version"], 1);
  database.exec("PRAGMA user_version = 9");
  t.match(await storeFindings(t, path), [/^fail: cannot be used: it has version 9/]);
});

/* ── certificates and secrets ─────────────────────────────────────────── */

t.test("the door's certificate, and the authorities of its clients, are judged by their end", async (t) => {
  const authority = makeAuthority(t, "a door's authority");
  const { certFile, keyFile } = doorCertificate(authority, { from: Date.now() - DAY_MS, until: Date.now() + 40 * DAY_MS });
  const listen = `, tls: { cert: "${certFile}", key: "${keyFile}", clientCa: "${authority.certFile}" }`;
  const of = (now: number) => found(t, "certificate", { listen, now });
  t.match(await of(Date.now()), [/^ok: ends on 20\d\d-\d\d-\d\d, in (?:39|40) days$/, /^warn: ends on .*, in [01] days? → renew it/]);
  t.match(await of(Date.now() + 30 * DAY_MS), [/^warn: ends on .*, in (?:9|10) days → renew it/, /^fail: ended on /]);
  t.match(await of(Date.now() + 41 * DAY_MS), [/^fail: expired on .* → renew it/]);
});

t.test("secrets that have ended, or end soon, are named by their ids", async (t) => {
  const secret = (id: string, until?: number) =>
    `{ id: ${id}, value: "0123456789abcdef-${id}", access: []${until === undefined ? "" : `, until: ${new Date(until).toISOString()}`} }`;
  const bearer = (...secrets: readonly string[]) => `  partner:\n    bearer: [${secrets.join(", ")}]\n`;
  const of = (...secrets: readonly string[]) => found(t, "secrets", { authenticators: bearer(...secrets), now: NOW });
  t.same(await of(secret("a"), secret("b", NOW + 15 * DAY_MS)), ["ok: none ends within 14 days"]);
  t.match(await of(secret("a"), secret("b", NOW + 3 * DAY_MS), secret("c", NOW)), [
    "warn: ends on 2026-11-25, in 3 days → add its successor beside it",
    "warn: ended on 2026-11-22 → take it out",
  ]);
  t.match(await of(secret("a", NOW - 1)), [/^fail: all its secrets have ended/]);
});

/* ── the command ──────────────────────────────────────────────────────── */

t.test("exit code and JSON say whether anything fails; warnings do not", async (t) => {
  const { url } = await listening(t);
  const well = await doctor(t, { upstream: url }, {}, "--json");
  t.equal(well.code, 0);
  t.match(JSON.parse(well.out) as object, { healthy: true, findings: [{ area: "upstream", verdict: "ok", repair: null }] });
  const ill = await doctor(t, { upstream: `http://127.0.0.1:${await closedPort()}` });
  t.equal(ill.code, 1);
  t.match(ill.out, /^fail {2}upstream http:/m);
  t.same(
    ill.out.split("\n").filter((line) => line.length > 80),
    [],
  );
});

t.test("a policy whose tests are required and missing is not valid here either", async (t) => {
  t.match(await doctor(t, { gateway: "tests: required\n" }), { code: 1, err: /there is no file tests/ });
});

t.test("a variable that is not set is a diagnostic, and no secret is shown", async (t) => {
  const gateway = 'admin: { port: 9090, tokens: [{ id: ops, value: "${ADMIN_TOKEN}" }] }\n';
  const unset = await doctor(t, { gateway });
  t.equal(unset.code, 1);
  t.match(unset.err, "`ADMIN_TOKEN` is not set, or empty");
  t.match(JSON.parse((await doctor(t, { gateway }, {}, "--json")).out) as object, {
    healthy: false,
    diagnostics: [{ message: /ADMIN_TOKEN/ }],
  });
  const secret = "a-secret-of-the-operators";
  const set = await doctor(t, { gateway }, { ADMIN_TOKEN: secret });
  t.notMatch(set.out + set.err, secret);
  t.match(set.out, /^ok +secrets 1 secret/m);
});
