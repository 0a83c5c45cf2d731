/** The model registry behind the shipped table: shared secrets, API keys and origins, over real sockets. */
import t from "tap";
import { askedRows, routesIn, routesOf, type Row } from "./grid.ts";
import { runCommand } from "./key-office.ts";
import { corsOf, PAGE, registryCallers, shown } from "./model-registry-callers.ts";
import { startSystems, type Carried } from "./systems.ts";

const systems = await startSystems(t);
const { ask, askAtOnce, clocks, sallyport, registryToken, previousRegistryToken } = systems;
const { current, previous, reader, writer, admin, office, keyOf } = registryCallers(t, systems);

const FOREIGN = "https://evil.example";

const NO_CREDENTIAL = '{"detail":"Authentication required","status_code":401}';
const BAD_CREDENTIAL = '{"detail":"Invalid authentication credentials","status_code":403}';
const BAD_ORIGIN = '{"detail":"Origin not allowed","status_code":403}';
const NOTHING_HERE = '{"detail":"There is nothing here","status_code":404}';

t.test("without a credential: 401 Authentication required, to the letter", async (t) => {
  for (const line of ["GET /api/tracks", "GET /api/health", "POST /api/artifact/model", "DELETE /api/reset"]) {
    const answer = await ask(line);
    t.same(shown(answer), { status: 401, body: NO_CREDENTIAL }, line);
    t.equal(answer.headers["content-type"], "application/json; charset=utf-8");
    t.equal(answer.headers["www-authenticate"], "Bearer, ApiKey, AWS4-HMAC-SHA256");
  }
});

t.test("with a bad credential: 403 Invalid authentication credentials, to the letter, whatever is wrong with it", async (t) => {
  const { key } = office.key({ account: reader, scopes: ["read-only"], prefix: "tmr" });
  const bad: readonly [why: string, carried: Carried][] = [
    ["no secret of the registry", { token: "letmein" }],
    ["a secret but for its last character", { token: registryToken.slice(0, -1) }],
    ["a secret with one character more", { token: `${registryToken}0` }],
    ["a secret in capitals", { token: registryToken.toUpperCase() }],
    ["no secret after the scheme", { headers: { authorization: "Bearer " } }],
    ["another scheme", { headers: { authorization: `Basic ${registryToken}` } }],
    ["a secret without scheme", { headers: { authorization: registryToken } }],
    ["a token of StackFlow's", { token: systems.flowPool.machineToken({ clientId: "x", scopes: [] }) }],
    ["a key in the secret's place", { token: key }],
    ["a secret in the key's place", { key: registryToken }],
    ["a key that nobody made", { key: "tmr_00000000_00000000000000000000000000000000000000" }],
    ["a key with a slip of the pen", { key: `${key.slice(0, -7)}x${key.slice(-6)}` }],
    ["a key and something more", { key: `${key} x` }],
  ];
  for (const [why, carried] of bad) t.same(shown(await ask("GET /api/tracks", carried)), { status: 403, body: BAD_CREDENTIAL }, why);
});

t.test("any request of another origin: 403 Origin not allowed, to the letter, before it may knock", async (t) => {
  for (const origin of [
    FOREIGN,
    "null",
    `${PAGE}.evil.example`,
    PAGE.replace("http:", "https:"),
    `${PAGE}/`,
    `${PAGE}:80`,
    PAGE.toUpperCase(),
  ]) {
    for (const carried of [{}, current, { token: "letmein" }]) {
      const answer = await ask("GET /api/tracks", { ...carried, headers: { origin } });
      t.same(shown(answer), { status: 403, body: BAD_ORIGIN }, origin);
      t.same(corsOf(answer), { vary: "Origin" }, "no header that would let the page read it");
    }
  }
});

t.test("the allowed origin is named on every answer, refusals too", async (t) => {
  const allowed = { "access-control-allow-origin": PAGE, vary: "Origin" };
  const answers: readonly [line: string, carried: Carried, status: number][] = [
    ["GET /api/tracks", current, 200],
    ["GET /api/tracks", {}, 401],
    ["GET /api/tracks", { token: "letmein" }, 403],
    ["DELETE /api/reset", current, 403],
    ["GET /env", current, 404],
    ["PATCH /api/tracks", current, 405],
  ];
  for (const [line, carried, status] of answers) {
    const answer = await ask(line, { ...carried, headers: { origin: PAGE } });
    t.same([answer.status, corsOf(answer)], [status, allowed], line);
  }
  t.same(corsOf(await ask("GET /api/tracks", current)), { vary: "Origin" }, "without an origin none is named");
});

t.test("a preflight of the allowed origin: 204 with exactly its origin, methods and headers, from the gateway alone", async (t) => {
  for (const [line, method] of [
    ["OPTIONS /api/tracks", "GET"],
    ["OPTIONS /api/artifact/model", "POST"],
    ["OPTIONS /api/artifacts/model/1", "PUT"],
    ["OPTIONS /api/reset", "DELETE"],
  ] as const) {
    const headers = {
      origin: PAGE,
      "access-control-request-method": method,
      "access-control-request-headers": "authorization,x-anything",
    };
    const answer = await ask(line, { headers });
    t.equal(answer.verdict, "preflight", line);
    t.same(shown(answer), { status: 204, body: "" }, line);
    t.same(corsOf(answer), {
      "access-control-allow-origin": PAGE,
      "access-control-allow-methods": "GET,POST,PUT,DELETE,OPTIONS",
      "access-control-allow-headers": "content-type,authorization",
      vary: "Origin",
    });
  }
});

t.test("a preflight of another origin: 403, from the gateway alone", async (t) => {
  for (const origin of [FOREIGN, "null", PAGE.replace("http:", "https:")]) {
    const answer = await ask("OPTIONS /api/tracks", { headers: { origin, "access-control-request-method": "GET" } });
    t.same(shown(answer), { status: 403, body: BAD_ORIGIN }, origin);
    t.same(corsOf(answer), { vary: "Origin" });
  }
});

t.test("a preflight opens nothing that the table does not have, and OPTIONS without one is no preflight", async (t) => {
  const preflight = (method: string): Carried => ({ headers: { origin: PAGE, "access-control-request-method": method } });
  t.equal((await ask("OPTIONS /env", preflight("GET"))).verdict, "ROUTE_NOT_FOUND");
  t.equal((await ask("OPTIONS /api/unknown", preflight("GET"))).verdict, "ROUTE_NOT_FOUND");
  t.equal((await ask("OPTIONS /api/tracks", preflight("DELETE"))).verdict, "METHOD_NOT_ALLOWED");
  t.equal((await ask("OPTIONS /api/tracks", { ...current, headers: { origin: PAGE } })).verdict, "METHOD_NOT_ALLOWED");
});

const LEGEND = { x: "allow", r: "INSUFFICIENT_ROLE", ".": "INSUFFICIENT_SCOPE", "-": "ROUTE_NOT_FOUND" };

/** The shared secret; keys read-only, read-write and admin of a reader; the same three of a writer; the same three of an admin. */
const BY_CREDENTIAL: readonly Row[] = [
  ["xxxxxxxxxx", "GET /api/health"],
  ["----------", "GET /env"],
  ["xxxxxxxxxx", "GET /api/tracks"],
  ["xxxxxxxxxx", "POST /api/artifacts"],
  ["xxxxxxxxxx", "POST /api/artifact/byRegEx"],
  ["xxxxxxxxxx", "GET /api/artifact/byName/{name...}"],
  ["xrrrrxxrxx", "POST /api/artifact/{type}"],
  ["xxxxxxxxxx", "GET /api/artifacts/{type}/{id}"],
  ["xrrrrxxrxx", "PUT /api/artifacts/{type}/{id}"],
  ["xrrrrxxrxx", "DELETE /api/artifacts/{type}/{id}"],
  ["xxxxxxxxxx", "GET /api/artifact/{type}/{id}/cost"],
  ["xxxxxxxxxx", "GET /api/artifact/model/{id}/rate"],
  ["xxxxxxxxxx", "GET /api/artifact/model/{id}/lineage"],
  ["xxxxxxxxxx", "POST /api/artifact/model/{id}/license-check"],
  [".rrrrrrrrx", "DELETE /api/reset"],
];

t.test("the table of expectations has every route of the registry", async (t) => {
  t.same(routesIn(BY_CREDENTIAL), routesOf(sallyport, "model-registry"));
});

t.test("each credential opens its routes and no other; registry.reset is only for `*` of key and owner", async (t) => {
  const keys = [reader, writer, admin].flatMap((account) => ["read-only", "read-write", "admin"].map((scope) => keyOf(account, scope)));
  const values = { type: "dataset", id: "3847247294", name: "google/bert-base" };
  t.same(await askedRows(BY_CREDENTIAL, { ask, columns: [current, ...keys], prefix: "", values, legend: LEGEND }), BY_CREDENTIAL);
});

t.test("/env and whatever the table does not list: 404, with every credential and every method", async (t) => {
  const best = keyOf(admin, "admin");
  const lines = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"].map((method) => `${method} /env`);
  const unlisted = [
    "GET /env/",
    "GET /%65nv",
    "GET /ENV",
    "GET /",
    "GET /docs",
    "GET /openapi.json",
    "GET /api",
    "GET /api/tracks/",
    "GET /API/tracks",
    "GET /api/artifacts/model",
    "GET /v1/api/tracks",
  ];
  for (const line of [...lines, ...unlisted]) {
    for (const carried of [best, current, {}]) {
      const answer = await ask(line, carried);
      t.same([answer.verdict, answer.status], ["ROUTE_NOT_FOUND", 404], line);
      if (!line.startsWith("HEAD")) t.equal(answer.body, NOTHING_HERE, line);
      t.notOk(answer.headers.allow, "nothing tells that the path is known");
    }
  }
});

t.test("an API key works in x-api-key, is handed on to nobody, and fails on the request after its revocation", async (t) => {
  const made = await runCommand(systems, "keys create --service model-registry --account publisher --scopes read-write");
  const carried = { key: made["secret"] ?? "" };
  const { verdict, reached } = await ask("POST /api/artifact/model", carried);
  t.equal(verdict, "allow");
  t.match(reached?.headers, {
    "x-auth-subject": "publisher",
    "x-auth-kind": "key",
    "x-auth-permissions": "artifacts.read,artifacts.write",
  });
  t.notMatch(JSON.stringify(reached?.rawHeaders), carried.key);
  t.notMatch(JSON.stringify(sallyport.log()), carried.key);
  await runCommand(systems, `keys revoke ${made["id"]}`);
  t.same(shown(await ask("POST /api/artifact/model", carried)), { status: 403, body: BAD_CREDENTIAL });
});

t.test("more than one credential: 400, even when each is good", async (t) => {
  const { key } = keyOf(reader, "read-only");
  const authorization = `Bearer ${registryToken}`;
  const expected = { status: 400, body: '{"detail":"More than one credential was sent","status_code":400}' };
  const doubled: readonly [why: string, carried: Carried][] = [
    ["secret and key", { token: registryToken, key }],
    ["a good secret and a bad key", { token: registryToken, key: "nonsense" }],
    ["the secret twice", { headers: { authorization: [authorization, authorization] } }],
    ["a good secret after a bad one", { headers: { authorization: ["Bearer letmein", authorization] } }],
    ["the key twice", { headers: { "x-api-key": [key, key] } }],
  ];
  for (const [why, carried] of doubled) t.same(shown(await ask("GET /api/tracks", carried)), expected, why);
});

t.test("both secrets work during a rotation; from its end date on the old one is refused like any other bad one", async (t) => {
  const { reached } = await ask("GET /api/tracks", previous);
  t.match(reached?.headers, { "x-auth-subject": "previous", "x-auth-kind": "secret" });
  t.notMatch(JSON.stringify(reached?.rawHeaders), previousRegistryToken);
  t.match((await ask("GET /api/tracks", current)).reached?.headers, { "x-auth-subject": "current" });

  clocks.epochMs = Date.parse("2027-01-30T23:59:59.999Z");
  t.equal((await askAtOnce("GET /api/tracks", previous)).verdict, "allow", "until the last moment");
  clocks.epochMs = Date.parse("2027-01-31T00:00:00Z");
  t.same(shown(await askAtOnce("GET /api/tracks", previous)), { status: 403, body: BAD_CREDENTIAL });
  t.equal((await askAtOnce("GET /api/tracks", current)).verdict, "allow");
});
