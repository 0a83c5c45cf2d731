/** PIE V2 behind the shipped table: tokens good and bad, and what each scope opens, over real sockets. */
import t from "tap";
import { askedRows, routesIn, routesOf, type Row } from "./grid.ts";
import { ADMIN, CLIENT_READ, LEGEND, pieCallers, SCOPES, VALUES } from "./pie-callers.ts";
import { startSystems } from "./systems.ts";

const systems = await startSystems(t);
const { ask, askAtOnce, piePool, flowPool, clocks, sallyport } = systems;
const { machine, person } = pieCallers(systems);

t.test("without a token: 401 in the envelope format, to the letter", async (t) => {
  const answer = await ask("GET /v2/models");
  t.equal(answer.verdict, "TOKEN_MISSING");
  t.equal(answer.status, 401);
  t.equal(answer.body, '{"success":false,"message":"A credential is required"}');
  t.equal(answer.headers["content-type"], "application/json; charset=utf-8");
  t.equal(answer.headers["www-authenticate"], "Bearer");
});

t.test("a bad token: 401 in the envelope format, and nothing more is said", async (t) => {
  const good = piePool.machineToken({ clientId: "sealink", scopes: [ADMIN] });
  const [header = "", claims = "", signature = ""] = good.split(".");
  const forged = { iss: piePool.iss, sub: "sealink", client_id: "sealink", token_use: "access", scope: ADMIN };
  const times = { iat: clocks.epochMs / 1000, exp: clocks.epochMs / 1000 + 3600 };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const bad: readonly [why: string, authorization: string][] = [
    ["no token at all", "Bearer"],
    ["no JWT", "Bearer letmein"],
    ["another scheme", `Basic ${Buffer.from("sealink:secret").toString("base64")}`],
    ["no scheme", good],
    ["other claims under the same signature", `Bearer ${header}.${encode({ ...forged, ...times })}.${signature}`],
    ["a signature cut short", `Bearer ${good.slice(0, -4)}`],
    ["no signature", `Bearer ${encode({ alg: "none" })}.${claims}.`],
    ["another pool's token", `Bearer ${flowPool.machineToken({ clientId: "sealink", scopes: [ADMIN] })}`],
    ["signed by another pool in this one's name", `Bearer ${flowPool.sign(piePool.header, { ...forged, ...times })}`],
    ["the issuer but nearly", `Bearer ${piePool.sign(piePool.header, { ...forged, ...times, iss: `${piePool.iss}/` })}`],
    ["without an end", `Bearer ${piePool.sign(piePool.header, { ...forged, iat: times.iat })}`],
  ];
  for (const [why, authorization] of bad) {
    const { verdict, status, body, headers } = await ask("GET /v2/models", { headers: { authorization } });
    const seen = { verdict, status, body, challenge: headers["www-authenticate"] };
    const expected = { success: false, message: "The credential is not valid" };
    t.same(seen, { verdict: "TOKEN_INVALID", status: 401, body: JSON.stringify(expected), challenge: 'Bearer error="invalid_token"' }, why);
  }
});

t.test("a token past its end: 401, from that very second on", async (t) => {
  const token = machine("sealink", [ADMIN], { issuedAt: clocks.epochMs, lifetimeSeconds: 60 });
  clocks.pass(59_999 - 3000);
  t.equal((await ask("GET /v2/models", token)).verdict, "allow");
  clocks.pass(1);
  const { verdict, status, body } = await askAtOnce("GET /v2/models", token);
  t.equal(verdict, "TOKEN_EXPIRED");
  t.equal(status, 401);
  t.equal(body, '{"success":false,"message":"The token has expired"}');
});

t.test("a person's ID token is no key to PIE: 403", async (t) => {
  const { idToken } = piePool.personTokens({ username: "sam", clientId: "pie-web", groups: ["admin"] });
  const { verdict, status, body } = await ask("GET /v2/models", { token: idToken });
  t.equal(verdict, "WRONG_TOKEN_TYPE");
  t.equal(status, 403);
  t.equal(body, '{"success":false,"message":"This kind of token is not accepted here"}');
});

/** One column for each scope in the order of `SCOPES`. `t`: the scope would do, but the list of tenants is for those who may cross them. */
const BY_SCOPE: readonly Row[] = [
  ["xxxxxxxxx", "GET /health"],
  ["x.......x", "GET /models"],
  [".x......x", "POST /models"],
  ["x.......x", "GET /models/{model_id}"],
  [".x......x", "POST /models/{model_id}/new_version"],
  [".x......x", "POST /models/{model_id}/versions/{version}/new_status"],
  ["..x.....x", "POST /models/{model_id}/versions/{version}/train"],
  ["...x....x", "POST /models/{model_id}/versions/{version}/infer"],
  [".......xx", "POST /models/{model_id}/versions/{version}/jobs/{job_id}/complete"],
  [".x......x", "POST /models/{model_id}/event-subscriptions"],
  ["x.......x", "GET /jobs/{job_id}"],
  ["....t...x", "GET /clients"],
  ["....x...x", "GET /clients/{client_id}"],
  ["......x.x", "POST /clients/{client_id}/domains"],
  ["....x...x", "GET /clients/{client_id}/domains/{domain_id}"],
  ["......x.x", "POST /clients/{client_id}/domains/{domain_id}/features"],
  ["....x...x", "GET /clients/{client_id}/domains/{domain_id}/service/{service_id}"],
  [".....x..x", "POST /clients/{client_id}/domains/{domain_id}/service/init"],
  ["......x.x", "POST /clients/{client_id}/domains/{domain_id}/assignments"],
  ["......x.x", "PUT /clients/{client_id}/domains/{domain_id}/assignments/{key}"],
  ["......x.x", "PUT /clients/{client_id}/domains/{domain_id}/service/{service_id}/assignments/{key}"],
  ["...x....x", "POST /clients/{client_id}/domains/{domain_id}/service/{service_id}/assignments/{key}/jobs"],
];

t.test("the table of expectations has every route of PIE", async (t) => {
  t.same(routesIn(BY_SCOPE), routesOf(sallyport, "pie"));
});

t.test("each of the nine scopes opens exactly its routes and no other", async (t) => {
  const columns = SCOPES.map((scope) => machine("sealink", [scope]));
  t.same(await askedRows(BY_SCOPE, { ask, columns, prefix: "/v2", values: VALUES, legend: LEGEND }), BY_SCOPE);
});

t.test("HEAD is read like GET", async (t) => {
  t.equal((await ask("HEAD /v2/models", machine("sealink", ["streamline/read_models"]))).verdict, "allow");
  t.equal((await ask("HEAD /v2/models", machine("sealink", ["streamline/write_models"]))).verdict, "INSUFFICIENT_SCOPE");
  t.equal((await ask("HEAD /v2/clients/acme", machine("sealink", [CLIENT_READ]))).verdict, "TENANT_MISMATCH");
});

t.test("a scope counts whole, in its own letters, and split at spaces alone", async (t) => {
  const read = "streamline/read_models";
  const nearly = [
    "STREAMLINE/READ_MODELS",
    "read_models",
    "streamline/read",
    `${read}s`,
    `x${read}`,
    `streamline/*`,
    "*",
    "models.read",
    "",
    `${read},${ADMIN}`,
    `${read}\t${ADMIN}`,
  ];
  for (const scope of nearly) {
    t.equal(
      (await ask("GET /v2/models", machine("sealink", [], { claims: { scope } }))).verdict,
      "INSUFFICIENT_SCOPE",
      JSON.stringify(scope),
    );
  }
  t.equal((await ask("GET /v2/models", machine("sealink", ["openid", read, "email"]))).verdict, "allow");
  t.equal(
    (await ask("GET /v2/models", machine("sealink", [], { claims: { scope: [read] } }))).verdict,
    "TOKEN_INVALID",
    "a list is no scope",
  );
  t.equal(
    (await ask("GET /v2/models", machine("sealink", [], { claims: { scope: undefined } }))).verdict,
    "INSUFFICIENT_SCOPE",
    "none at all",
  );
});

t.test("what is neither a machine's token nor a person's is taken by nobody: 403 WRONG_TOKEN_TYPE", async (t) => {
  const stranger = machine("sealink", [ADMIN], { claims: { sub: "somebody-else" } });
  t.equal((await ask("GET /v2/models", stranger)).verdict, "WRONG_TOKEN_TYPE");
  const both = machine("sealink", [ADMIN], { claims: { username: "sam" } });
  t.equal(
    (await ask("GET /v2/models", both)).verdict,
    "INSUFFICIENT_SCOPE",
    "with a username it is a person's, and its scopes count for nothing",
  );
});

t.test("GET /v2/health is open, whatever it carries, and hands no credential on", async (t) => {
  for (const carried of [{}, { token: "nonsense" }, machine("sealink", [ADMIN], { lifetimeSeconds: 1 }), person(["admin"])]) {
    const { verdict, reached } = await ask("GET /v2/health", carried);
    t.equal(verdict, "allow");
    t.notOk(reached?.headers.authorization);
    t.notOk(reached?.headers["x-auth-subject"], "and nobody is named");
  }
});

t.test("a path that the table does not list is 404 with the best of tokens, a method that it does not list 405", async (t) => {
  const best = [machine("pie-operations", SCOPES), person(["admin", "client:sealink"])];
  const unlisted = [
    "GET /v2",
    "GET /v2/",
    "GET /v2/unknown",
    "GET /v2/models/",
    "GET /v2/health/",
    "GET /v2/Models",
    "GET /v2/models/m-1/versions",
    "GET /v2/models/m-1/versions/3",
    "POST /v2/models/m-1/versions/3/infer/again",
    "GET /v2/jobs",
    "GET /v2/clients/",
    "GET /v2/clients/sealink/secrets",
    "GET /v2/clients/sealink/domains/south_australia/service",
    "GET /v2/admin",
    "DELETE /v2/env",
  ];
  for (const carried of best) {
    for (const line of unlisted) {
      const { verdict, status, body } = await ask(line, carried);
      t.same(
        { verdict, status, body },
        { verdict: "ROUTE_NOT_FOUND", status: 404, body: '{"success":false,"message":"There is nothing here"}' },
        line,
      );
    }
    for (const line of ["GET /V2/models", "GET /v1/models", "GET /v2x/models"]) t.equal((await ask(line, carried)).status, 404, line);
    const { verdict, status, headers } = await ask("DELETE /v2/models/m-1", carried);
    t.same([verdict, status, headers.allow], ["METHOD_NOT_ALLOWED", 405, "GET, HEAD"]);
  }
});
