import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import t from "tap";
import type { Pool } from "../../src/demo/issuer/pool.ts";
import { Browser } from "./fixtures/browser.ts";
import {
  askToken,
  authorizationQuery,
  claimsOf,
  REDIRECT_URI,
  startTestIssuer,
  VERIFIER,
  type TokenReply,
} from "./fixtures/demo-issuer.ts";

/** Signs ivy in; answers the address to which the browser is sent. */
async function signIn(pool: Pool, browser = new Browser(), query = authorizationQuery()): Promise<URL> {
  const page = await browser.follow(`${pool.address}/oauth2/authorize?${query}`);
  const answer = await browser.signIn(page, "ivy", pool.person("ivy")?.password ?? "");
  return new URL(answer.headers.get("location") ?? "about:blank");
}

async function freshCode(pool: Pool): Promise<string> {
  return (await signIn(pool)).searchParams.get("code") ?? "";
}

function redeem(pool: Pool, code: string, changes: Readonly<Record<string, string>> = {}, basic?: string): Promise<TokenReply> {
  const form = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI, code_verifier: VERIFIER };
  return askToken(pool, { ...form, ...(basic === undefined ? { client_id: "web" } : {}), ...changes }, basic);
}

t.test("a person who signs in is sent back with a code and the state, and the code gives Cognito's tokens", async (t) => {
  const { pool, clock } = await startTestIssuer(t);
  const sentTo = await signIn(pool, new Browser(), authorizationQuery({ nonce: "nonce-1" }));
  t.equal(sentTo.origin + sentTo.pathname, REDIRECT_URI);
  t.equal(sentTo.searchParams.get("state"), "state-1");

  const reply = await redeem(pool, sentTo.searchParams.get("code") ?? "");
  t.equal(reply.status, 200);
  t.same(Object.keys(reply.body).sort(), ["access_token", "expires_in", "id_token", "refresh_token", "token_type"]);
  const id = claimsOf(reply.body["id_token"]);
  const access = claimsOf(reply.body["access_token"]);
  const iat = Math.floor(clock.now() / 1000);
  const shared = {
    sub: pool.person("ivy")?.sub,
    "cognito:groups": ["client:sealink"],
    iss: pool.iss,
    auth_time: iat,
    iat,
    exp: iat + 3600,
  };
  t.same(access, {
    ...shared,
    client_id: "web",
    token_use: "access",
    scope: "openid email",
    username: "ivy",
    jti: access["jti"],
    origin_jti: id["origin_jti"],
    event_id: id["event_id"],
  });
  t.same(id, {
    ...shared,
    aud: "web",
    token_use: "id",
    "cognito:username": "ivy",
    email: "ivy@example.com",
    email_verified: true,
    "custom:role": "itsm_agent",
    "custom:tenant_id": "t1",
    nonce: "nonce-1",
    jti: id["jti"],
    origin_jti: id["origin_jti"],
    event_id: id["event_id"],
  });
  t.not(id["jti"], access["jti"]);
});

t.test("a person without groups has no groups claim", async (t) => {
  const { pool } = await startTestIssuer(t);
  const { idToken, accessToken } = pool.personTokens({ username: "plain", clientId: "web" });
  t.notOk("cognito:groups" in claimsOf(idToken));
  t.notOk("cognito:groups" in claimsOf(accessToken));
});

t.test("without openid there is no ID token", async (t) => {
  const { pool } = await startTestIssuer(t);
  const sentTo = await signIn(pool, new Browser(), authorizationQuery({ scope: "email" }));
  const reply = await redeem(pool, sentTo.searchParams.get("code") ?? "");
  t.equal(reply.status, 200);
  t.notOk("id_token" in reply.body);
});

t.test("a code is worth nothing with anything wrong, and is spent by the attempt", async (t) => {
  const { pool } = await startTestIssuer(t);
  const otherSecret = pool.client("other-web")?.secret ?? "";
  const attempts = [
    { name: "a wrong verifier", changes: { code_verifier: `${VERIFIER}x` } },
    { name: "a verifier that is too short", changes: { code_verifier: "short" } },
    { name: "another redirect address", changes: { redirect_uri: `${REDIRECT_URI}/` } },
    { name: "another client", changes: {}, basic: `other-web:${otherSecret}` },
  ];
  for (const { name, changes, basic } of attempts) {
    const code = await freshCode(pool);
    t.match(await redeem(pool, code, changes, basic), { status: 400, body: { error: "invalid_grant" } }, name);
    t.match(await redeem(pool, code), { status: 400, body: { error: "invalid_grant" } }, `${name}: then the right way`);
  }
  t.match(await redeem(pool, "made-up"), { status: 400, body: { error: "invalid_grant" } }, "a code that was never given");
  t.match(await redeem(pool, ""), { status: 400, body: { error: "invalid_request" } }, "no code");
});

t.test("a code that comes a second time ends the refresh token of the first", async (t) => {
  const { pool } = await startTestIssuer(t);
  const code = await freshCode(pool);
  const first = await redeem(pool, code);
  const refresh = { grant_type: "refresh_token", client_id: "web", refresh_token: first.body["refresh_token"] ?? "" };
  t.equal((await askToken(pool, refresh)).status, 200);
  t.match(await redeem(pool, code), { status: 400, body: { error: "invalid_grant" } });
  t.match(await askToken(pool, refresh), { status: 400, body: { error: "invalid_grant" } });
});

t.test("a code lives for five minutes", async (t) => {
  const { pool, clock } = await startTestIssuer(t);
  const [inTime, late] = [await freshCode(pool), await freshCode(pool)];
  clock.epochMs += 5 * 60 * 1000 - 1;
  t.equal((await redeem(pool, inTime)).status, 200);
  clock.epochMs += 1;
  t.match(await redeem(pool, late), { status: 400, body: { error: "invalid_grant" } });
});

t.test("a refresh gives new tokens of the same sign-in, to the same client, while it lasts", async (t) => {
  const { pool, clock } = await startTestIssuer(t, { lifetimes: { refresh: 7200 } });
  const first = await redeem(pool, await freshCode(pool));
  const refresh = { grant_type: "refresh_token", client_id: "web", refresh_token: first.body["refresh_token"] ?? "" };
  clock.epochMs += 3600_000;
  const second = await askToken(pool, refresh);
  t.equal(second.status, 200);
  t.notOk("refresh_token" in second.body, "the old one stays");
  const [before, after] = [claimsOf(first.body["access_token"]), claimsOf(second.body["access_token"])];
  for (const claim of ["sub", "auth_time", "origin_jti", "event_id", "scope"]) t.same(after[claim], before[claim], claim);
  t.equal(after["exp"], Number(before["exp"]) + 3600);
  t.not(after["jti"], before["jti"]);

  t.match(await askToken(pool, { ...refresh, scope: "openid profile" }), { body: { error: "invalid_scope" } }, "a refresh widens nothing");
  const { client_id: _mine, ...bare } = refresh;
  const stolen = await askToken(pool, bare, `other-web:${pool.client("other-web")?.secret}`);
  t.match(stolen, { status: 400, body: { error: "invalid_grant" } }, "another client");
  clock.epochMs += 3600_000;
  t.match(await askToken(pool, refresh), { status: 400, body: { error: "invalid_grant" } }, "after its end");
});

t.test("an authorization request is refused on the page where nobody else may be told", async (t) => {
  const { pool } = await startTestIssuer(t);
  const wrong = [
    { client_id: "nobody" },
    { client_id: "robot" },
    { redirect_uri: "https://evil.example/" },
    { redirect_uri: `${REDIRECT_URI}?more=1` },
    { redirect_uri: `${REDIRECT_URI}/../signed-in` },
  ];
  for (const door of ["oauth2/authorize", "login"]) {
    for (const changes of wrong) {
      const response = await new Browser().open(`${pool.address}/${door}?${authorizationQuery(changes)}`);
      t.match(
        { status: response.status, location: response.headers.get("location") },
        { status: 400, location: null },
        `${door} ${JSON.stringify(changes)}`,
      );
    }
  }
});

t.test("other mistakes of an authorization request go back to the client, with the state", async (t) => {
  const { pool } = await startTestIssuer(t);
  const wrong = [
    { changes: { response_type: "token" }, error: "unsupported_response_type" },
    { changes: { code_challenge: "" }, error: "invalid_request" },
    { changes: { code_challenge_method: "plain" }, error: "invalid_request" },
    { changes: { scope: "openid streamline/admin" }, error: "invalid_scope" },
  ];
  for (const { changes, error } of wrong) {
    const response = await new Browser().open(`${pool.address}/oauth2/authorize?${authorizationQuery(changes)}`);
    const location = new URL(response.headers.get("location") ?? "about:blank");
    t.same(
      [location.searchParams.get("error"), location.searchParams.get("state"), location.searchParams.get("code")],
      [error, "state-1", null],
    );
  }
});

t.test("the sign-in form needs the right password and its own token", async (t) => {
  const { pool } = await startTestIssuer(t);
  const url = `${pool.address}/login?${authorizationQuery()}`;
  const password = pool.person("ivy")?.password ?? "";

  const wrong = new Browser();
  const refused = await wrong.signIn(await wrong.open(url), "ivy", "guess");
  t.equal(refused.status, 401);
  t.equal(refused.headers.get("location"), null);
  t.equal((await wrong.signIn(refused, "ivy", password)).status, 302, "the page that says so can be used again");

  const unknown = new Browser();
  t.equal((await unknown.signIn(await unknown.open(url), "__proto__", password)).status, 401);

  t.equal((await new Browser().post(url, { username: "ivy", password })).status, 403, "no token at all");
  const forged = new Browser();
  await forged.open(url);
  t.equal((await forged.post(url, { username: "ivy", password, _csrf: "forged" })).status, 403, "another token");
});

t.test("what a stranger puts into the address is text in the page, and the page may load and frame nothing", async (t) => {
  const { pool } = await startTestIssuer(t);
  const url = new URL(pool.address);
  // Written as it is: fetch() would encode what a raw request line may hold.
  const path = `${url.pathname}/login?${authorizationQuery()}&"><script>alert(1)</script>`;
  const [page] = (await once(get({ host: url.hostname, port: url.port, path, agent: false }), "response")) as [IncomingMessage];
  const html = (await page.setEncoding("utf8").toArray()).join("");
  t.match(html, "&quot;&gt;&lt;script&gt;alert(1)");
  t.notMatch(html, "<script>alert");
  const policy = page.headers["content-security-policy"] ?? "";
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self' https://app.example"]) t.match(policy, part);
  t.equal(page.headers["cache-control"], "no-store");
});

t.test("a browser that has signed in is not asked again until it signs out", async (t) => {
  const { pool } = await startTestIssuer(t);
  const browser = new Browser();
  await signIn(pool, browser);
  const again = await browser.open(`${pool.address}/oauth2/authorize?${authorizationQuery()}`);
  t.match(again.headers.get("location"), `${REDIRECT_URI}?code=`);

  const out = await browser.open(`${pool.address}/logout?client_id=web&logout_uri=${encodeURIComponent("https://app.example/bye")}`);
  t.equal(out.headers.get("location"), "https://app.example/bye");
  const asked = await browser.open(`${pool.address}/oauth2/authorize?${authorizationQuery()}`);
  t.match(asked.headers.get("location"), "/login?");
  const elsewhere = await browser.open(`${pool.address}/logout?client_id=web&logout_uri=${encodeURIComponent("https://evil.example/")}`);
  t.equal(elsewhere.headers.get("location"), null, "only to registered addresses");
});

t.test("the try page runs the whole way and shows the tokens", async (t) => {
  const { pool } = await startTestIssuer(t);
  const browser = new Browser();
  const form = await browser.follow(`${pool.address}/try`);
  const back = await browser.signIn(form, "ivy", pool.person("ivy")?.password ?? "");
  const callback = back.headers.get("location") ?? "";
  t.match(callback, `${pool.address}/try/callback?code=`);
  const stranger = await new Browser().open(callback);
  t.equal(stranger.status, 400, "a browser that did not begin gets nothing");
  const html = await (await browser.open(callback)).text();
  const [idToken, accessToken] = [...html.matchAll(/<textarea[^>]*>([^<]+)</g)].map((match) => match[1]);
  t.equal(claimsOf(idToken)["cognito:username"], "ivy");
  t.equal(claimsOf(accessToken)["username"], "ivy");
  t.equal((await browser.open(callback)).status, 400, "once");
});
