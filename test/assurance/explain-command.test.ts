/** `sallyport explain` as an operator calls it. */
import { join } from "node:path";
import t, { type Test } from "tap";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { writeFiles } from "../policy/fixtures.ts";
import { answerOf, type Answer } from "../cli/run-command.ts";

const SHIPPED = join(import.meta.dirname, "../../config/sallyport.yaml");

function explain(config: string, argv: readonly string[], input = ""): Promise<Answer> {
  return answerOf(["explain", "--config", config, ...argv], { input });
}

function callerFile(t: Test, caller: object): string {
  return join(writeFiles(t, { "caller.json": JSON.stringify(caller) }), "caller.json");
}

t.test("a missing permission: what the caller has, what it lacks, and who has it", async (t) => {
  const file = callerFile(t, { by: "people", claims: { "custom:role": "itsm_agent", "custom:tenant_id": "t1" } });
  const { code, out } = await explain(SHIPPED, ["DELETE", "/prod/api/incidents/INC1", "--as", file]);
  t.equal(code, 1);
  t.match(out, /line +DELETE \/incidents\/\{id\}: itsm\.admin\n/);
  t.match(out.replaceAll(/\s+/g, " "), "granted by nothing the caller has (role `itsm_agent`), but by role `itsm_manager`");
  t.match(out, "refused: 403 INSUFFICIENT_ROLE at itsm.admin");
  t.match(out, "Any one of these would grant itsm.admin and let it through:\n  - claim `custom:role` would have to be `itsm_manager`\n");
  t.ok(
    out.split("\n").every((line) => line.length <= 80 || line.includes(".json") || line.includes(".yaml")),
    "it fits into 80 columns",
  );
});

t.test("another tenant: compared with what, and whose it would have to be", async (t) => {
  const file = callerFile(t, { service: "pie", by: "machines", claims: { client_id: "sealink", scope: "streamline/client_read" } });
  const { code, out } = await explain(SHIPPED, ["GET", "/v2/clients/acme", "--as", file]);
  t.equal(code, 1);
  t.match(out, "the request names acme, the caller's: sealink");
  t.match(out, "- name the caller's own tenant `sealink` in the path");
  t.match(out, "- claim `client_id` would have to be `acme`");
});

t.test("a line for those who cross tenants refuses the others even where the request names none, and says so", async (t) => {
  const file = callerFile(t, { service: "pie", by: "machines", claims: { client_id: "sealink", scope: "streamline/client_read" } });
  const { out } = await explain(SHIPPED, ["GET", "/v2/clients", "--as", file]);
  t.match(out, "refused: 403 TENANT_MISMATCH");
  t.match(
    out.replaceAll(/\s+/g, " "),
    "the request names none, the caller's: sealink; the line says crossTenantOnly, which refuses whoever may not cross tenants, whatever the request names",
  );
});

t.test("an allowed request: every stage, the upstream's headers, and what would have it refused", async (t) => {
  const file = callerFile(t, { service: "pie", by: "machines", claims: { client_id: "sealink", scope: "streamline/client_read" } });
  const { code, out } = await explain(SHIPPED, ["GET", "https://gw.example/v2/clients/sealink?x=1", "--as", file]);
  t.equal(code, 0);
  const stages = [...out.matchAll(/^\d ([a-z ]+)$/gm)].map(([, stage]) => stage);
  t.same(stages, ["edge", "match", "limits by address", "route", "cors", "credential", "limits by caller", "authorize", "forward"]);
  t.match(out, /host +gw\.example/);
  t.match(out, /clients\.read +granted by scope `streamline\/client_read`/);
  t.match(out, /request +GET http:\/\/pie-url\.invalid\/v2\/clients\/sealink\?x=1/);
  t.match(out, /header +x-auth-tenant: sealink/);
  t.match(out, "- take the scope `streamline/client_read` away (then INSUFFICIENT_SCOPE)");
});

t.test("a path that the edge refuses, a method and a path that the table lacks", async (t) => {
  t.match(
    (await explain(SHIPPED, ["GET", "/v2//health"])).out,
    /1 edge: refuses\n {2}reason +path has an empty segment[^]*- write the path as \/v2\/health\n/,
  );
  t.match((await explain(SHIPPED, ["PUT", "/v2/health"])).out, "use the method GET, which the table has for this path");
  t.match((await explain(SHIPPED, ["GET", "/v2/helth"])).out, "- use the path /v2/health");
  t.match((await explain(SHIPPED, ["GET", "/env"])).out, "in the policy: on the line `GET /env`: `access: public`");
});

t.test("what is no method, or never forwarded, is said to be answered as the gateway answers it", async (t) => {
  for (const method of ["GTE", "get"]) {
    const { code, out, err } = await explain(SHIPPED, [method, "/v2/health"]);
    t.same({ code, out }, { code: 2, out: "" });
    t.match(err.replaceAll(/\s+/g, " "), `"${method}" is no HTTP method: the gateway answers 400 REQUEST_INVALID; did you mean GET?`);
  }
  t.match(await explain(SHIPPED, ["CONNECT", "/v2/health"]), { code: 2, out: "", err: /answers\s+404\s+ROUTE_NOT_FOUND/ });
});

t.test("for a page: the exact headers of answer and preflight", async (t) => {
  const { out } = await explain(SHIPPED, ["GET", "/prod/api/health", "--origin", "https://your-instance.stackflow-tech.com"]);
  t.match(out, /answer and refusals +access-control-allow-origin:/);
  t.match(out, /preflight +204/);
  t.match(out, /preflight +access-control-allow-methods: GET,HEAD/);
  const foreign = await explain(SHIPPED, ["GET", "/api/tracks", "--origin", "https://evil.example"]);
  t.equal(foreign.code, 1);
  t.match(foreign.out, "which is not listed");
  t.match(foreign.out, "refused: 403 ORIGIN_NOT_ALLOWED");
});

t.test("a token on standard input is read, and said not to be verified", async (t) => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: "https://pie-issuer.invalid",
    sub: "c",
    client_id: "c",
    token_use: "access",
    scope: "streamline/read_models",
    iat: now - 7200,
    exp: now - 3600,
  };
  const { code, out } = await explain(
    SHIPPED,
    ["GET", "/v2/models", "--token", "-"],
    `${part({ alg: "RS256", kid: "k" })}.${part(claims)}.AAAA\n`,
  );
  t.equal(code, 1);
  t.match(out, "401 TOKEN_EXPIRED");
  t.match(out, "- get a new token");
  t.match(out, "signature was not verified");
  t.equal((await explain(SHIPPED, ["GET", "/v2/models", "--token", "eyJx"])).code, 2, "never as an argument");
  t.equal((await explain(SHIPPED, ["GET", "/v2/models", "--header", "Authorization: Bearer x"])).code, 2);
});

t.test("a key is looked up with its account, by its id or by itself", async (t) => {
  const folder = writeFiles(t, {
    "services/shop.yaml": `version: 1
service: shop
upstream: { url: "http://shop:8080" }
roles: { clerk: [orders.read] }
authenticators:
  key: { apiKey: { header: x-api-key, prefix: shop } }
routes:
  GET /orders: orders.read
  POST /orders: orders.write
`,
  });
  const store = join(folder, "keys.db");
  const config = join(
    writeFiles(t, {
      "sallyport.yaml": `version: 1\nlisten: { port: 8080 }\nstores: { keys: "sqlite:${store}" }\nservices: [services/*.yaml]\n`,
    }),
    "sallyport.yaml",
  );
  const { cpSync } = await import("node:fs");
  cpSync(join(folder, "services"), join(config, "../services"), { recursive: true });
  const made = makeApiKey("shop", (size) => crypto.getRandomValues(new Uint8Array(size)));
  const keys = openSqliteKeys(store, { side: "command", create: true });
  keys.createAccount({ service: "shop", id: "ann", kind: "person", role: "clerk", enabled: true });
  keys.createKey({ service: "shop", id: made.id, account: "ann", scopes: [], digest: digestApiKey(made.key), createdAt: 1 });
  keys.close();
  const byId = await explain(config, ["GET", "/orders", "--key-id", made.id]);
  t.equal(byId.code, 0, byId.err);
  t.match(byId.out, "ann (person), role clerk, tenant none");
  const byItself = await explain(config, ["POST", "/orders", "--token", "-"], made.key);
  t.match(byItself.out, "INSUFFICIENT_ROLE");
  t.match(byItself.out, "in the policy: let the role `clerk` grant `orders.write`");
  t.notMatch(byItself.out, made.key, "the key itself is not shown");
  t.equal((await explain(config, ["GET", "/orders", "--key-id", "AAAAAAAA"])).code, 1, "an unknown id is said so");
});

t.test("where two things are wrong, it says that no single change that it tried is enough", async (t) => {
  const file = callerFile(t, {
    service: "stackflow",
    by: "key",
    account: { role: "viewer", tenant: "t1", enabled: false },
    scopes: ["read-only"],
  });
  const { out } = await explain(SHIPPED, ["POST", "/prod/api/admin/users?tenant_id=t2", "--as", file]);
  t.match(out, /None of the single changes that were tried, of the request, the caller, a grant\s+or a list, would let it through\./);
});

const LISTED = `version: 1
service: notes
upstream: { url: "http://notes:8080" }
authenticators:
  machines:
    jwt: { issuer: "https://issuer.example", use: access, caller: machine, clients: [known] }
    scopes: { read: [notes.read] }
    tenant: { claim: client_id }
  apps:
    jwt: { issuer: "https://apps.example", caller: machine, audience: [web] }
    scopes: { read: [notes.read] }
    tenant: { claim: aud }
tenant: { path: tenant }
routes:
  GET /notes: { access: notes.read, tenant: unchecked }
  POST /notes: { access: notes.write, tenant: unchecked }
  GET /tenants/{tenant}/notes: notes.read
`;

t.test("a client or an audience that is not listed: the entry that lets it through is proposed, where one entry is enough", async (t) => {
  const config = join(writeFiles(t, { "services/notes.yaml": LISTED }), "sallyport.yaml");
  const machine = callerFile(t, { by: "machines", claims: { client_id: "new", scope: "read" } });
  const listed = await explain(config, ["GET", "/tenants/new/notes", "--as", machine]);
  t.match(listed.out, "refused: 403 WRONG_TOKEN_TYPE");
  t.match(listed.out, "Any one of these would let it through:\n  - in the policy: list `new` in `authenticators.machines.jwt.clients`\n");
  const app = callerFile(t, { by: "apps", claims: { aud: "new", scope: "read" } });
  const heard = await explain(config, ["GET", "/tenants/new/notes", "--as", app]);
  t.match(heard.out, "Any one of these would let it through:\n  - in the policy: list `new` in `authenticators.apps.jwt.audience`\n");
  const lackingMore = await explain(config, ["POST", "/notes", "--as", machine]);
  t.match(lackingMore.out, "refused: 403 WRONG_TOKEN_TYPE");
  t.match(lackingMore.out, "None of the single changes that were tried", "listed, it would still lack the permission");
});

t.test("mistakes in a caller's file are placed", async (t) => {
  const file = callerFile(t, { by: "peple", claims: {} });
  const { code, err } = await explain(SHIPPED, ["GET", "/v2/models", "--as", file]);
  t.equal(code, 1);
  t.match(err, /caller\.json:1:\d+: pie has no authenticator `peple`/);
  t.match(err, "did you mean `people`?");
});

t.test("for machines: the same as JSON", async (t) => {
  const { out } = await explain(SHIPPED, ["GET", "/v2/models", "--json"]);
  t.match(JSON.parse(out), {
    outcome: "deny",
    code: "TOKEN_MISSING",
    status: 401,
    route: { name: "GET /models", rule: "models.read" },
    steps: [
      { stage: "edge" },
      { stage: "match" },
      { stage: "limits by address" },
      { stage: "route" },
      { stage: "cors" },
      { stage: "credential", verdict: "refuses" },
    ],
    upstream: null,
    flips: [{ of: "caller", outcome: "allow by models.read (GET /models)" }],
  });
});

const KEYED = `version: 1
service: shop
upstream: { url: "http://shop:8080" }
roles: { reader: [orders.read] }
authenticators:
  key: { apiKey: { header: x-api-key, prefix: shop }, scopes: { read: [orders.read] } }
limits:
  guesses: { by: address, of: failures, rate: 10/minute }
routes:
  GET /orders: orders.read
`;

t.test("what begins as an API key and is none is refused as one, as the gateway would; and what a guess costs is said", async (t) => {
  const config = join(writeFiles(t, { "services/shop.yaml": KEYED }), "sallyport.yaml");
  for (const written of ["shop_AAAAAAAA_xxx", "anything"]) {
    const { code, out, err } = await explain(config, ["GET", "/orders", "--token", "-"], written);
    t.equal(err, "");
    t.equal(code, 1);
    t.match(out, "refused: 401 KEY_INVALID");
    t.match(out, "malformed API key");
    t.notMatch(out, "variables are not set");
    t.match(out, /guesses +10 in 60 s by address, 401s only, for a missing\s+credential too \(shop\)/);
  }
});

const BODIES = `version: 1
service: shop
upstream: { url: "http://shop:8080" }
routes:
  GET /orders: public
  POST /orders: { access: public, body: { types: [application/json, image/*], max: 100B } }
  POST /notes: public
`;

function bodiesOf(t: Test): (method: string, path: string, ...headers: string[]) => Promise<Answer> {
  const config = join(writeFiles(t, { "services/shop.yaml": BODIES }), "sallyport.yaml");
  return (method, path, ...headers) => explain(config, [method, path, ...headers.flatMap((header) => ["--header", header])]);
}

t.test("a body that the head alone has refused is refused by the forward stage, with what would mend it", async (t) => {
  const ask = bodiesOf(t);
  const text = await ask("POST", "/orders", "content-type: text/plain");
  t.equal(text.code, 1);
  t.match(text.out, /authorize\n[^]*\d forward: refuses\n {2}body +of a length that is not declared, text\/plain\n/);
  t.match(text.out, /body rule +at most 100 bytes, of application\/json or image\/\*\n/);
  t.match(text.out, "refused: 415 BODY_TYPE_NOT_ALLOWED at public (POST /orders)");
  t.match(text.out, "would let it through:\n  - send a body of the type `application/json`\n  - send a body of the type `image/*`\n");
  const large = await ask("POST", "/orders", "content-type: image/png", "content-length: 101");
  t.match(large, { code: 1, out: "refused: 413 BODY_TOO_LARGE" });
  t.match(large.out, "  - send at most 100 bytes\n");
  const got = await ask("GET", "/orders", "content-length: 1");
  t.match(got, { code: 1, out: /body rule +none for a GET, unless the line says `body`[^]*refused: 400 REQUEST_INVALID/ });
  t.match(got.out, "would let it through:\n  - send no body\n");
  t.match(await ask("GET", "/orders", "transfer-encoding: chunked"), { code: 1, out: "400 REQUEST_INVALID" });
  t.match(await ask("POST", "/notes", "content-length: 5", "content-length: 5"), { code: 1, out: "400 REQUEST_INVALID" });
});

t.test("what only the body itself could show is said not to be known", async (t) => {
  const ask = bodiesOf(t);
  const typed = await ask("POST", "/orders", "content-type: application/json; charset=utf-8");
  t.match(typed, { code: 0, out: /not known +how long the body is; past 100 bytes it is\s+BODY_TOO_LARGE/ });
  const bare = await ask("POST", "/orders");
  t.match(bare, {
    code: 0,
    out: /not known +the body: none is declared here; one that is not\s+application\/json or image\/\* is BODY_TYPE_NOT_ALLOWED/,
  });
  for (const sure of [
    await ask("POST", "/orders", "content-type: image/png", "content-length: 100"),
    await ask("POST", "/orders", "content-length: 0"),
    await ask("POST", "/notes"),
    await ask("GET", "/orders", "content-type: text/plain"),
  ]) {
    t.equal(sure.code, 0);
    t.notMatch(sure.out, "not known");
  }
});
