/** Class 2.5, J19 and J21: what a proved token is worth while time passes, keys go and policies change. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { createTokenCache } from "../../src/pipeline/authenticate/token-cache.ts";
import { answerJson, issuerServer, keySetOf } from "../authenticate/fixtures/issuer-server.ts";
import { rsaKey } from "../authenticate/fixtures/keys.ts";
import { startAssembled } from "./assembled-gate.ts";
import { heapBytes } from "./heap.ts";
import { bearer, CLIENT, gateFiles, ISS, refusalOf } from "./gate.ts";
import { encoded, rsa, SERVICE, startTokenGate, tokenOf } from "./token-gate.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const [k1, k2] = [rsaKey("k1"), rsaKey("k2")];

/** A good access token that lives for an hour from `epochMs` on. */
function tokenBy(key: typeof k1, epochMs: number, seconds = 3600): string {
  const iat = Math.floor(epochMs / 1000);
  const claims = { iss: ISS, iat, exp: iat + seconds, sub: CLIENT, client_id: CLIENT, token_use: "access", scope: "api/read" };
  return tokenOf({ kid: key.kid, alg: "RS256" }, claims, rsa(key.privateKey));
}

t.test("J5 ten thousand unknown kids cause one fetch in a cool-down, and good tokens pass all the while", async (t) => {
  const gate = await startTokenGate(t);
  const status = async (token: string): Promise<number> => (await gate.send("GET", "/me", bearer(token))).status;
  const fetches = (): number => gate.issuer.requests();
  gate.clocks.pass(31_000);
  const before = fetches();
  const [, payload, signature] = gate.token().split(".");
  const flood = Array.from(
    { length: 10_000 },
    (_, index) => `${encoded({ kid: `unknown${index}`, alg: "RS256" })}.${payload}.${signature}`,
  );
  for (let at = 0; at < flood.length; at += 100) {
    const statuses = await Promise.all(flood.slice(at, at + 100).map((token) => status(token)));
    if (statuses.some((one) => one !== 401)) t.fail(`among ${at}: ${statuses.join()}`);
    if (at % 1000 === 0) t.equal((await gate.present(gate.token({ jti: `good ${at}` }))).status, 200, `a good token after ${at}`);
  }
  t.equal(fetches() - before, 1, "one fetch for all of them");
  gate.clocks.pass(30_001);
  await status(flood[0]!);
  t.equal(fetches() - before, 2, "and one more after the cool-down");
});

t.test("J19 (a, b) a cached token is refused from the very second of its `exp`", async (t) => {
  const gate = await startTokenGate(t);
  const token = gate.token();
  for (let second = 0; second < 600; second += 100) {
    t.equal((await gate.present(token)).verdict, "allow", `after ${second} s`);
    gate.clocks.epochMs += 100_000;
  }
  t.equal((await gate.present(token)).verdict, "TOKEN_EXPIRED");
  gate.clocks.epochMs -= 1;
  t.equal((await gate.present(token)).verdict, "allow", "a millisecond before it was good");
  gate.clocks.epochMs += 1;
  t.equal((await gate.present(token)).verdict, "TOKEN_EXPIRED", "without a leeway, let alone two");
});

t.test("J19 (c) a removed key stops working within five minutes, for cached tokens too", async (t) => {
  const server = await issuerServer(t, answerJson(keySetOf(k1, k2)));
  const gate = await startAssembled(t, { services: { tokens: SERVICE }, environment: { JWKS: server.jwks } });
  const ask = async (token: string): Promise<number> => (await gate.send("GET", "/me", bearer(token))).status;
  const [byK1, byK2] = [tokenBy(k1, gate.wall.epochMs), tokenBy(k2, gate.wall.epochMs)];
  t.same([await ask(byK1), await ask(byK2)], [200, 200]);
  server.answerWith(answerJson(keySetOf(k2)));
  await gate.pass(5 * MINUTE_MS);
  gate.upstream.take();
  t.same([await ask(byK1), await ask(byK2)], [401, 200]);
  t.equal(gate.upstream.take().length, 1);
  server.answerWith(answerJson('{"keys":[]}'));
  await gate.pass(5 * MINUTE_MS);
  t.same([await ask(byK1), await ask(byK2)], [401, 401], "an empty set is a set");
});

t.test("J19 (c) the same kid with another key is another key", async (t) => {
  const server = await issuerServer(t, answerJson(keySetOf(k1)));
  const gate = await startAssembled(t, { services: { tokens: SERVICE }, environment: { JWKS: server.jwks } });
  const [old, impostor] = [tokenBy(k1, gate.wall.epochMs), rsaKey("k1")];
  t.equal((await gate.send("GET", "/me", bearer(old))).status, 200);
  server.answerWith(answerJson(keySetOf(impostor)));
  await gate.pass(5 * MINUTE_MS);
  t.equal((await gate.send("GET", "/me", bearer(old))).status, 401);
  t.equal((await gate.send("GET", "/me", bearer(tokenBy(impostor, gate.wall.epochMs)))).status, 200);
});

t.test("J19 (d) while the issuer is down its last keys serve, for a day; then 503, never 200, and cached tokens no better", async (t) => {
  const server = await issuerServer(t, answerJson(keySetOf(k1)));
  const gate = await startAssembled(t, { services: { tokens: SERVICE }, environment: { JWKS: server.jwks } });
  const status = async (): Promise<number> => (await gate.send("GET", "/me", bearer(tokenBy(k1, gate.wall.epochMs)))).status;
  server.answerWith((_request, response) => response.writeHead(500).end());
  for (let hour = 0; hour < 24; hour++) {
    t.equal(await status(), 200, `after ${hour} h`);
    await gate.pass(HOUR_MS);
  }
  const long = tokenBy(k1, gate.wall.epochMs);
  t.equal((await gate.send("GET", "/me", bearer(long))).status, 200, "after exactly a day");
  await gate.pass(1);
  gate.upstream.take();
  t.equal(await status(), 503);
  t.equal((await gate.send("GET", "/me", bearer(long))).status, 503, "the cached one");
  const refused = await gate.send("GET", "/me", bearer(tokenBy(rsaKey("k1"), gate.wall.epochMs)));
  t.match([refused.status, refused.body], [503, /AUTH_UNAVAILABLE/], "a bad one cannot be told from a good one");
  t.same(gate.upstream.take(), []);
  server.answerWith(answerJson(keySetOf(k1)));
  await gate.pass(MINUTE_MS);
  t.equal(await status(), 200, "and all is well when the issuer is back");
});

t.test("J19 (f) a reload that changes issuer, client or grants holds for the next request, cached tokens included", async (t) => {
  const gate = await startTokenGate(t);
  const token = gate.token({ scope: "api/admin" });
  const verdict = async (): Promise<string> => (await gate.present(token, "GET /admin")).verdict;
  const reload = async (service: string): Promise<string> => {
    const files = gateFiles({ services: { tokens: service } });
    writeFileSync(join(gate.sallyport.folder, "services/tokens.yaml"), files["services/tokens.yaml"]!);
    return (await gate.sallyport.running.reload()).kind;
  };
  t.equal(await verdict(), "allow");
  t.equal(await reload(SERVICE.replace("api/admin: [admin]", "api/admin: [read]")), "loaded");
  t.equal(await verdict(), "INSUFFICIENT_SCOPE");
  t.equal(await reload(SERVICE.replace(`clients: [${CLIENT}]`, "clients: [other]")), "loaded");
  t.equal(await verdict(), "WRONG_TOKEN_TYPE");
  t.equal(await reload(SERVICE.replaceAll("${ISSUER}", "https://issuer.example/other")), "loaded");
  t.equal(await verdict(), "TOKEN_INVALID");
  t.equal(await reload(SERVICE), "loaded");
  t.equal(await verdict(), "allow");
});

t.test("J19 (g) a token refused for want of its key is good as soon as the key is there", async (t) => {
  const server = await issuerServer(t, answerJson(keySetOf(k1)));
  const gate = await startAssembled(t, { services: { tokens: SERVICE }, environment: { JWKS: server.jwks } });
  const byK2 = tokenBy(k2, gate.wall.epochMs);
  await gate.pass(31_000);
  t.equal((await gate.send("GET", "/me", bearer(byK2))).status, 401);
  server.answerWith(answerJson(keySetOf(k1, k2)));
  t.equal((await gate.send("GET", "/me", bearer(byK2))).status, 401, "within the cool-down");
  await gate.pass(30_000);
  t.equal((await gate.send("GET", "/me", bearer(byK2))).status, 200, "and at the first request after it: no false 401 in a rotation");
});

t.test("J19 (h) the same token at another service or route is judged by what that one trusts", async (t) => {
  const at = (prefix: string, service: string): string => `prefix: /${prefix}\n${service}`;
  const gate = await startTokenGate(t, {
    services: {
      tokens: SERVICE,
      elsewhere: at("elsewhere", SERVICE.replaceAll("${ISSUER}", "https://issuer.example/other")),
      persons: at("persons", SERVICE.replace(/ {2}machines:[^]*?(?= {2}people:)/, "").replace("GET /machines", "# GET /machines")),
    },
  });
  const token = gate.token();
  for (let round = 0; round < 2; round++) {
    t.equal((await gate.present(token)).verdict, "allow");
    t.equal((await gate.present(token, "GET /elsewhere/me")).verdict, "TOKEN_INVALID", "another issuer");
    t.equal((await gate.present(token, "GET /persons/me")).verdict, "WRONG_TOKEN_TYPE", "no machines there");
    t.equal((await gate.present(token, "GET /people")).verdict, "WRONG_TOKEN_TYPE", "another token_use");
    t.equal((await gate.present(token, "GET /admin")).verdict, "INSUFFICIENT_SCOPE", "another permission");
  }
});

t.test("J19 (i) what one request is told of a caller, no other request changes", async (t) => {
  const gate = await startTokenGate(t);
  const token = gate.token({ scope: "api/read", list: ["a"], deep: { a: { b: 1 } } });
  const told = async (line: string): Promise<unknown> => {
    const { reached } = await gate.present(token, line);
    return [reached?.headers["x-auth-subject"], reached?.headers["x-auth-permissions"], reached?.headers["x-auth-tenant"]];
  };
  const first = await told("GET /me");
  t.equal((await gate.present(token, "GET /t/other/x")).verdict, "TENANT_MISMATCH");
  t.equal((await gate.present(token, "GET /admin")).verdict, "INSUFFICIENT_SCOPE");
  t.same(await told("GET /me"), first);
  t.same(await told(`GET /t/${CLIENT}/x`), first);
});

t.test("J19 (j, l) neither a failure nor a likeness is ever taken for a proof", async (t) => {
  const gate = await startTokenGate(t);
  const good = gate.token();
  const [header, payload, signature = ""] = good.split(".");
  const otherSignature = gate.token({ jti: "another" }).split(".")[2];
  const sameClaims = `${header}.${payload}.${otherSignature}`;
  const tail = `${good.slice(0, -20)}${signature.slice(-20) === "A".repeat(20) ? "B".repeat(20) : "A".repeat(20)}`;
  for (const bad of [sameClaims, tail]) {
    for (let round = 0; round < 3; round++) t.equal((await gate.present(bad)).verdict, "TOKEN_INVALID");
    t.equal((await gate.present(good)).verdict, "allow");
    for (let round = 0; round < 3; round++)
      t.equal((await gate.present(bad)).verdict, "TOKEN_INVALID", "beside a cached one of the same head and claims");
  }
  const one = refusalOf(await gate.present(sameClaims));
  t.same(refusalOf(await gate.present(tail)), one);
});

t.test("J19 (k) a flood of bad tokens takes no memory and displaces no good one", async (t) => {
  let proofs = 0;
  const keySet = {
    issuer: { iss: ISS, jwks: "", algorithms: [] },
    find: () => ({ kind: "unknown", reason: "" }) as const,
    holds: () => true,
  };
  const connection = {};
  const cache = createTokenCache({ monotonicNow: () => 0, maxBytes: 1024 * 1024 });
  const proved = { kind: "proved", proof: { kind: "jwt", iss: ISS, claims: { exp: 2e9 } }, keySet, key: {} as never } as const;
  const sets = new Map([[ISS, keySet]]);
  for (const _ of [1, 2]) cache.put("good", proved, 1, {});
  const before = heapBytes();
  for (let index = 0; index < 1_000_000; index++) if (cache.get(`bad ${index}`, sets, 2, connection) !== undefined) proofs += 1;
  t.equal(proofs, 0);
  t.ok(heapBytes() - before < 8 * 1024 * 1024, `a million look-ups left ${heapBytes() - before} bytes`);
  t.ok(cache.get("good", sets, 2, connection), "only proofs go in, so that the good one is there still");
  for (let index = 0; index < 100_000; index++) for (const _ of [1, 2]) cache.put(`token ${index}`, proved, 1, {});
  t.ok(heapBytes() - before < 16 * 1024 * 1024, "and what goes in is bounded by bytes");
});

t.test("J21 expiry goes by the wall clock, whichever way it jumps; the cache's own life by the monotonic one", async (t) => {
  const gate = await startTokenGate(t);
  const token = gate.token({ exp: Math.floor(gate.clocks.epochMs / 1000) + 7200 });
  const verdict = async (): Promise<string> => (await gate.present(token)).verdict;
  t.equal(await verdict(), "allow");
  gate.clocks.epochMs -= HOUR_MS;
  t.equal(await verdict(), "TOKEN_INVALID", "an hour back: it was issued in the future, cached or not");
  gate.clocks.epochMs += HOUR_MS;
  t.equal(await verdict(), "allow", "and is good again when the clock is right");
  gate.clocks.epochMs += HOUR_MS;
  t.equal(await verdict(), "allow", "an hour ahead: it has an hour to go");
  gate.clocks.epochMs += HOUR_MS;
  t.equal(await verdict(), "TOKEN_EXPIRED");
  gate.clocks.monotonicMs += 12 * HOUR_MS;
  t.equal(await verdict(), "TOKEN_EXPIRED", "uptime makes no token young");
});

t.test("J21 an entry of the cache ends by the monotonic clock when the wall clock is set back", async (t) => {
  let monotonicMs = 0;
  const keySet = {
    issuer: { iss: ISS, jwks: "", algorithms: [] },
    find: () => ({ kind: "unknown", reason: "" }) as const,
    holds: () => true,
  };
  const connection = {};
  const cache = createTokenCache({ monotonicNow: () => monotonicMs, maxBytes: 1024 * 1024 });
  const sets = new Map([[ISS, keySet]]);
  const proved = { kind: "proved", proof: { kind: "jwt", iss: ISS, claims: { exp: 2e9 } }, keySet, key: {} as never } as const;
  for (const _ of [1, 2]) cache.put("token", proved, 100_000, {});
  monotonicMs += 59_999;
  t.ok(cache.get("token", sets, 100_000, connection), "the wall clock has stood still");
  monotonicMs += 1;
  t.notOk(cache.get("token", sets, 100_000, connection));
});
