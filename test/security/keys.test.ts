/** Class 2.6, K1 to K5, K10 and K11: what counts as a key, and what it opens. */
import { randomBytes } from "node:crypto";
import t from "tap";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { bearer, refusalOf, startGate } from "./gate.ts";
import { environmentOf, newKey, SHOP, twinOf } from "./key-gate.ts";
import { converse } from "./raw-socket.ts";

const BAZAAR = `prefix: /bazaar\n${SHOP.replace("shp_prod", "bzr_prod")}`;
const ONLY_TOKENS = `
prefix: /only
authenticators: { tokens: { jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", clients: any } } }
routes: { GET /me: authenticated }
`;
const SECRET = randomBytes(32).toString("base64url");

const gate = await startGate(t, {
  services: { shop: SHOP, bazaar: BAZAAR.replace("${SECRET}", "${OTHER}"), only: ONLY_TOKENS },
  environment: { SECRET, OTHER: randomBytes(32).toString("base64url") },
});
const store = openSqliteKeys(gate.sallyport.keyStore, { side: "command", create: true });
t.teardown(() => store.close());
const good = newKey(store, { account: "acme", tenant: "acme" });

t.test("K1 a key that is unknown, revoked, expired, of a disabled owner or another environment gets one and the same answer", async (t) => {
  const revoked = newKey(store, { account: "acme" });
  store.revokeKey("shop", revoked.id, 1);
  const disabled = newKey(store, { account: "gone" });
  store.changeAccount("shop", "gone", { enabled: false });
  const bad = {
    unknown: makeApiKey("shp_prod", randomBytes).key,
    revoked: revoked.key,
    expired: newKey(store, { account: "acme", expiresAt: gate.clocks.epochMs }).key,
    "of a disabled owner": disabled.key,
    "of another environment": makeApiKey("shp_test", randomBytes).key,
    "of another service": newKey(store, { service: "bazaar", account: "acme", prefix: "shp_prod" }).key,
    malformed: "shp_prod_x",
    "of another secret": twinOf(good.id),
  };
  const one = refusalOf(await gate.ask("GET /me", { "x-api-key": bad.unknown }));
  for (const [name, key] of Object.entries(bad)) {
    const answer = await gate.ask("GET /me", { "x-api-key": key });
    t.same([answer.status, answer.verdict], [401, "KEY_INVALID"], name);
    t.same(refusalOf(answer), one, `${name}: the same answer`);
  }
  t.equal(await verdict(good.key), "allow");
});

t.test("K2 revocation, expiry and every change of the owner hold for the very next request", async (t) => {
  const key = newKey(store, { account: "changing", tenant: "acme" });
  const asked = (line?: string): Promise<string> => verdict(key.key, line);
  for (let round = 0; round < 3; round++) t.equal(await asked(), "allow", "in use, as cached as it will be");
  store.changeAccount("shop", "changing", { enabled: false });
  t.equal(await asked(), "KEY_INVALID");
  store.changeAccount("shop", "changing", { enabled: true });
  t.equal(await asked("GET /t/acme/x"), "allow");
  store.changeAccount("shop", "changing", { tenant: "other" });
  t.equal(await asked("GET /t/acme/x"), "TENANT_MISMATCH");
  store.expireKey("shop", key.id, gate.clocks.epochMs + 1);
  t.equal(await asked(), "allow");
  gate.clocks.epochMs += 1;
  t.equal(await asked(), "KEY_INVALID");
  const revoked = newKey(store, { account: "changing" });
  t.equal(await verdict(revoked.key), "allow");
  store.revokeKey("shop", revoked.id, 0);
  t.equal(await verdict(revoked.key), "KEY_INVALID");
});

t.test("K3 only the exact key counts, whatever part of it another one shares", async (t) => {
  const twin = twinOf(good.id);
  t.ok(twin.startsWith(`shp_prod_${good.id}_`) && twin !== good.key);
  t.equal(await verdict(twin), "KEY_INVALID", "the same prefix and id");
  store.createAccount({ service: "bazaar", id: "acme", kind: "service", role: "reader", enabled: true });
  store.createKey({ service: "bazaar", id: good.id, account: "acme", scopes: ["all"], digest: digestApiKey(twin), createdAt: 0 });
  t.same([await verdict(good.key), await verdict(twin)], ["allow", "KEY_INVALID"], "the same id in another service");
  t.throws(
    () => store.createKey({ service: "shop", id: good.id, account: "acme", scopes: [], digest: digestApiKey(twin), createdAt: 0 }),
    "two keys of one id cannot be",
  );
});

t.test("K4 a key in other letters or with anything about it is another one", async (t) => {
  const { key } = good;
  const swapped = Array.from(key)
    .map((letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()))
    .join("");
  const variants = [
    swapped,
    key.toLowerCase(),
    key.toUpperCase(),
    `${key},`,
    `${key}, ${key}`,
    `${key} ${key}`,
    `"${key}"`,
    `${key}\u00a0`,
    `\u00a0${key}`,
    key.replace("_", "-"),
    encodeURIComponent(`${key} `),
    `${key}%0a`,
    `${key}\\n`,
    `${key};`,
    `Bearer ${key}`,
    key.slice(1),
    key.slice(0, -1),
    `${key}A`,
  ];
  for (const variant of variants) t.equal(await verdict(variant), "KEY_INVALID", variant.replace(key, "KEY"));
  const fullWidth = Buffer.from(key.replace("s", "ｓ")).toString("latin1");
  const raw = await converse(gate.port, `GET /me HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nX-Api-Key: ${fullWidth}\r\n\r\n`);
  t.equal(raw.answers[0]?.status, 401, "a look-alike of Unicode's");
  const folded = await converse(gate.port, `GET /me HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nX-Api-Key: ${key}\r\n \r\n\r\n`);
  t.equal(folded.answers[0]?.status, 400, "a line break before the end");
  t.equal((await gate.ask("GET /me", { "x-api-key": [key, key] })).verdict, "CREDENTIALS_AMBIGUOUS", "twice");
  t.equal((await gate.ask("GET /me", { "x-api-key": [key, "x"] })).verdict, "CREDENTIALS_AMBIGUOUS", "and another one");
  t.same(gate.upstream.take(), []);
});

t.test("K5 a key counts in its header alone, and is logged from nowhere", async (t) => {
  const { key } = good;
  for (const line of [`GET /me?x-api-key=${key}`, `GET /me?api_key=${key}`, `GET /me?key=${key}`])
    t.equal((await gate.ask(line)).verdict, "TOKEN_MISSING");
  for (const name of ["cookie", "api-key", "apikey", "x-apikey", "x_api_key", "x.api.key", "x-api-key2"]) {
    t.equal((await gate.ask("GET /me", { [name]: name === "cookie" ? `x-api-key=${key}` : key })).verdict, "TOKEN_MISSING", name);
  }
  t.equal((await gate.ask("GET /me", bearer(key))).verdict, "TOKEN_INVALID", "nor is it a bearer token");
  const answer = await fetch(`${gate.sallyport.url}/me`, { method: "POST", body: new URLSearchParams({ "x-api-key": key }) });
  t.equal(answer.status, 401);
  t.equal(await verdict(key), "allow");
  const log = gate.logText();
  t.notOk(log.includes(`x-api-key=${key}`) || log.includes(`api_key=${key}`), "no query is logged");
  t.same(gate.upstream.take(), []);
});

t.test("K10 a secret is no JWT and a JWT no secret; neither counts where the other is asked for", async (t) => {
  t.equal((await gate.ask("GET /me", bearer(SECRET))).verdict, "allow");
  t.equal((await gate.ask("GET /tokens", bearer(SECRET))).verdict, "WRONG_TOKEN_TYPE", "on a route for tokens");
  t.equal((await gate.ask("GET /only/me", bearer(SECRET))).verdict, "TOKEN_INVALID", "in a service without secrets");
  t.equal((await gate.ask("GET /only/me", { "x-api-key": good.key })).verdict, "TOKEN_MISSING", "a key where none is read");
  const shaped = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${SECRET}.`;
  for (const token of [shaped, `${shaped}x`, `${SECRET}.`, `.${SECRET}`, `${SECRET}.${SECRET}.${SECRET}`])
    t.equal((await gate.ask("GET /me", bearer(token))).verdict, "TOKEN_INVALID");
  const env = environmentOf();
  await t.rejects(
    startGate(t, { services: { shop: SHOP }, environment: { ...env, SECRET: `${shaped}x` } }),
    /form of a JWT/,
    "a secret in a JWT's form does not load",
  );
});

t.test("K11 a key of one tenant opens nothing of another's", async (t) => {
  t.equal(await verdict(good.key, "GET /t/acme/x"), "allow");
  for (const tenant of ["other", "ACME", "acme2", "acm", "acme%20", "*", "acme%00", "acme,other"]) {
    const { status, reached } = await gate.ask(`GET /t/${tenant}/x`, { "x-api-key": good.key });
    t.same([[400, 403].includes(status), reached], [true, undefined], tenant);
  }
  t.equal(await verdict(newKey(store, { account: "tenantless" }).key, "GET /t/acme/x"), "TENANT_MISMATCH", "nor does one of no tenant");
});

async function verdict(key: string, line = "GET /me"): Promise<string> {
  return (await gate.ask(line, { "x-api-key": key })).verdict;
}
