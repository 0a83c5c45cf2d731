import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { startAdminDoor } from "../../src/admin/door.ts";
import type { Sources } from "../../src/admin/sources.ts";
import { basic, bearer, call, NOW, sourcesWith } from "./fixtures/door.ts";
import { policyOf, secret } from "./fixtures/policy.ts";

const TOKEN = randomBytes(24).toString("base64url");
const HERE = { host: "127.0.0.1", port: 0 };

async function open(t: Test, sources: Sources): Promise<number> {
  const door = await startAdminDoor(HERE, sources);
  t.teardown(() => door.close());
  return door.port;
}

const statusOf = async (port: number, headers: Readonly<Record<string, string | string[]>>): Promise<number> =>
  (await call(port, "/api/status", { headers })).status;

t.test("metrics and health need no token, everything else does", async (t) => {
  const port = await open(t, sourcesWith({ token: TOKEN }));
  for (const path of ["/metrics", "/health/live", "/health/ready"]) t.equal((await call(port, path)).status, 200, path);
  for (const path of [
    "/",
    "/api/status",
    "/api/policy",
    "/api/decisions",
    "/api/decisions/x",
    "/api/reload",
    "/nothing",
    "/metrics/",
    "//metrics",
  ]) {
    t.equal((await call(port, path)).status, 401, path);
  }
  for (const path of ["/metrics", "/api/reload", "/health/ready"]) t.equal((await call(port, path, { method: "POST" })).status, 401, path);
});

t.test("401 offers Basic to browsers and Bearer to programs", async (t) => {
  const port = await open(t, sourcesWith({ token: TOKEN }));
  const { headers, body } = await call(port, "/");
  t.match(headers["www-authenticate"], /Basic realm="sallyport admin"/);
  t.match(headers["www-authenticate"], /Bearer realm="sallyport admin"/);
  t.same(JSON.parse(body), { type: "about:blank", title: "An admin token is required", status: 401, code: "TOKEN_REQUIRED" });
});

t.test("the token opens as bearer token and as password of any user", async (t) => {
  const port = await open(t, sourcesWith({ token: TOKEN }));
  t.equal(await statusOf(port, bearer(TOKEN)), 200);
  t.equal(await statusOf(port, { authorization: `bearer ${TOKEN}` }), 200);
  t.equal(await statusOf(port, basic(TOKEN)), 200);
  t.equal(await statusOf(port, basic(TOKEN, "")), 200);
});

t.test("a token may hold a colon and letters beyond ASCII", async (t) => {
  const token = "größer:als:sonst";
  const port = await open(t, sourcesWith({ token }));
  t.equal(await statusOf(port, basic(token)), 200);
});

t.test("what is no credential is none", async (t) => {
  const port = await open(t, sourcesWith({ token: TOKEN }));
  const wrong: readonly (string | string[])[] = [
    TOKEN,
    `Token ${TOKEN}`,
    `Bearer  ${TOKEN}`,
    `Bearer ${TOKEN} x`,
    `Bearer ${TOKEN}, Bearer ${TOKEN}`,
    "Bearer",
    "Basic",
    [`Bearer ${TOKEN}`, `Bearer ${TOKEN}`],
  ];
  for (const authorization of wrong)
    t.equal(await statusOf(port, { authorization }), 401, String(authorization).replaceAll(TOKEN, "TOKEN"));
  t.equal((await call(port, `/api/status?token=${TOKEN}&access_token=${TOKEN}`)).status, 401, "nor is a query");
});

t.test("a wrong token does not open, however near", async (t) => {
  const port = await open(t, sourcesWith({ token: TOKEN }));
  for (const token of [TOKEN.slice(1), `${TOKEN}=`, TOKEN.toUpperCase(), "x"]) t.equal(await statusOf(port, bearer(token)), 401);
});

t.test("each of several tokens opens until its end and not from then on", async (t) => {
  let now = NOW;
  const policy = policyOf([], [secret("ops", TOKEN), secret("breakglass", "second-token", NOW + 1000)]);
  const port = await open(t, sourcesWith({ policy: () => policy, now: () => now }));
  now = NOW + 999;
  t.equal(await statusOf(port, bearer("second-token")), 200);
  now = NOW + 1000;
  t.equal(await statusOf(port, bearer("second-token")), 401);
  t.equal(await statusOf(port, bearer(TOKEN)), 200);
});

t.test("a token that a reload withdraws stops working, and a new one begins", async (t) => {
  let policy = policyOf([], [secret("old", "old-token")]);
  const port = await open(t, sourcesWith({ policy: () => policy }));
  t.equal(await statusOf(port, bearer("old-token")), 200);
  policy = policyOf([], [secret("new", "new-token")]);
  t.equal(await statusOf(port, bearer("old-token")), 401);
  t.equal(await statusOf(port, bearer("new-token")), 200);
});

t.test("a policy without admin tokens opens to nobody", async (t) => {
  const port = await open(t, sourcesWith({ policy: () => policyOf([], []) }));
  for (const headers of [{}, bearer("x"), basic("")]) t.equal(await statusOf(port, headers), 401);
});

t.test("too many wrong tokens of an address get 429, never the right one, until the minute is over", async (t) => {
  let now = NOW;
  const port = await open(t, sourcesWith({ token: TOKEN, now: () => now }));
  for (let count = 0; count < 10; count++) t.equal(await statusOf(port, bearer("wrong")), 401);
  now += 20_000;
  const braked = await call(port, "/api/status", { headers: bearer("wrong") });
  t.match(braked, { status: 429, headers: { "retry-after": "40", connection: "close" } });
  t.equal(await statusOf(port, {}), 401, "no token at all is no wrong one");
  t.equal(await statusOf(port, bearer(TOKEN)), 200);
  now += 40_000;
  t.equal(await statusOf(port, bearer("wrong")), 401);
});
