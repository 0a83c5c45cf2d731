import { CognitoJwtVerifier } from "aws-jwt-verify";
import t from "tap";
import type { Pool } from "../../src/demo/issuer/pool.ts";
import { askToken, claimsOf, headerOf, POOL_ID, startTestIssuer } from "./fixtures/demo-issuer.ts";

const COGNITO_ISS = `https://cognito-idp.us-east-2.amazonaws.com/${POOL_ID}`;

type Judge = (token: string, tokenUse: "access" | "id", clientId: string) => Promise<object>;

/** AWS's own verifier, with the key set that the pool shows over HTTP. */
async function judgeOf(pool: Pool): Promise<Judge> {
  const keys = (await (await fetch(pool.jwks)).json()) as { keys: [] };
  const verifier = CognitoJwtVerifier.create({ userPoolId: POOL_ID, tokenUse: null, clientId: null });
  verifier.cacheJwks(keys);
  return (token, tokenUse, clientId) => verifier.verify(token, { tokenUse, clientId });
}

t.test("every kind of token passes Cognito's own verifier", async (t) => {
  const { pool } = await startTestIssuer(t, { iss: COGNITO_ISS });
  const judge = await judgeOf(pool);
  const { idToken, accessToken, refreshToken } = pool.personTokens({ username: "ivy", clientId: "web" });
  const refreshed = await askToken(pool, { grant_type: "refresh_token", client_id: "web", refresh_token: refreshToken });
  const machine = await askToken(pool, { grant_type: "client_credentials" }, `robot:${pool.client("robot")?.secret}`);

  t.match(await judge(idToken, "id", "web"), { "cognito:username": "ivy", "custom:tenant_id": "t1" });
  t.match(await judge(accessToken, "access", "web"), { username: "ivy" });
  t.match(await judge(refreshed.body["id_token"] ?? "", "id", "web"), { email: "ivy@example.com" });
  t.match(await judge(refreshed.body["access_token"] ?? "", "access", "web"), { username: "ivy" });
  t.match(await judge(machine.body["access_token"] ?? "", "access", "robot"), { sub: "robot", scope: "api/read api/write" });
  t.match(await judge(pool.machineToken({ clientId: "any", scopes: ["a/b"] }), "access", "any"), { client_id: "any" });

  await t.rejects(judge(idToken, "access", "web"), "the judge does look");
  await t.rejects(judge(accessToken, "access", "robot"));
});

t.test("after a rotation the new key signs, the old one counts until it is retired, and the last one stays", async (t) => {
  const { pool } = await startTestIssuer(t, { iss: COGNITO_ISS });
  const old = pool.keys.kid;
  const before = pool.machineToken({ clientId: "robot", scopes: ["api/read"] });
  const fresh = await pool.keys.rotate();
  const after = pool.machineToken({ clientId: "robot", scopes: ["api/read"] });

  t.not(fresh, old);
  t.equal(headerOf(after)["kid"], fresh);
  const both = await judgeOf(pool);
  await both(before, "access", "robot");
  await both(after, "access", "robot");

  t.equal(pool.keys.retire(old), true);
  const one = await judgeOf(pool);
  await t.rejects(one(before, "access", "robot"));
  await one(after, "access", "robot");
  t.equal(pool.keys.retire(old), false, "it is gone already");
  t.equal(pool.keys.retire(fresh), false, "a pool keeps one key");
});

t.test("keys are rotated by hand with a machine client's secret, and without it not at all", async (t) => {
  const { pool } = await startTestIssuer(t);
  const old = pool.keys.kid;
  const authorization = `Basic ${Buffer.from(`robot:${pool.client("robot")?.secret}`).toString("base64")}`;
  const ask = (method: string, path: string, headers: Readonly<Record<string, string>>): Promise<Response> => {
    return fetch(`${pool.address}/keys${path}`, { method, headers });
  };
  t.equal((await ask("POST", "", {})).status, 401);
  t.equal((await ask("POST", "", { authorization: `Basic ${Buffer.from("robot:guess").toString("base64")}` })).status, 401);
  t.equal(pool.keys.kid, old);

  const added = await ask("POST", "", { authorization });
  t.equal(added.status, 201);
  t.match(await added.json(), { kid: pool.keys.kid });
  t.not(pool.keys.kid, old);

  const one = `/${encodeURIComponent(old)}`;
  t.equal((await ask("DELETE", one, {})).status, 401);
  t.equal((await ask("DELETE", one, { authorization })).status, 200);
  t.same(
    pool.keys.publicKeys().keys.map(({ kid }) => kid),
    [pool.keys.kid],
  );
  t.equal((await ask("DELETE", `/${encodeURIComponent(pool.keys.kid)}`, { authorization })).status, 404, "the last one stays");
});

t.test("discovery leads to every door, under the pool's address", async (t) => {
  const { pool, issuer } = await startTestIssuer(t);
  const found = (await (await fetch(`${pool.address}/.well-known/openid-configuration`)).json()) as Record<string, string>;
  t.equal(found["issuer"], `${issuer.url}/${POOL_ID}`);
  t.match(found, {
    jwks_uri: `${pool.address}/.well-known/jwks.json`,
    authorization_endpoint: `${pool.address}/oauth2/authorize`,
    token_endpoint: `${pool.address}/oauth2/token`,
    userinfo_endpoint: `${pool.address}/oauth2/userInfo`,
    end_session_endpoint: `${pool.address}/logout`,
  });
  const { keys } = (await (await fetch(found["jwks_uri"] ?? "")).json()) as { keys: Record<string, string>[] };
  t.equal(keys.length, 1);
  t.same(Object.keys(keys[0] ?? {}), ["alg", "e", "kid", "kty", "n", "use"], "the public half and nothing else");
});

t.test("pools of one server are strangers to each other", async (t) => {
  const { issuer, pool } = await startTestIssuer(t);
  t.equal((await fetch(`${issuer.url}/us-east-2_Unknown01/.well-known/jwks.json`)).status, 404);
  t.throws(() => issuer.pool("us-east-2_Unknown01"));
  t.throws(() => pool.personTokens({ username: "nobody", clientId: "web" }));
});

t.test("tokens made by hand are as asked, right or wrong", async (t) => {
  const { pool, clock } = await startTestIssuer(t, { iss: COGNITO_ISS });
  const judge = await judgeOf(pool);
  const issuedAt = clock.now() - 7200_000;
  const expired = pool.machineToken({ clientId: "robot", scopes: [], issuedAt });
  t.equal(claimsOf(expired)["exp"], Math.floor(issuedAt / 1000) + 3600);
  await t.rejects(judge(expired, "access", "robot"), /expired/i);

  const odd = pool.machineToken({ clientId: "robot", scopes: [], claims: { exp: "soon", iat: undefined, extra: 1 } });
  t.match(claimsOf(odd), { exp: "soon", extra: 1, client_id: "robot" });
  t.notOk("iat" in claimsOf(odd));

  const tokens = pool.personTokens({
    username: "ivy",
    clientId: "web",
    groups: ["admin"],
    custom: { role: "viewer" },
    lifetimeSeconds: 60,
  });
  t.same(claimsOf(tokens.accessToken)["cognito:groups"], ["admin"]);
  t.match(claimsOf(tokens.idToken), { "custom:role": "viewer" });
  t.notOk("custom:tenant_id" in claimsOf(tokens.idToken));

  await judge(pool.sign(pool.header, claimsOf(tokens.idToken)), "id", "web");
  t.equal(pool.sign('{"alg":"none"}', "not json").split(".")[1], Buffer.from("not json").toString("base64url"));
});

t.test("userInfo tells about the person of a live access token that was given for openid", async (t) => {
  const { pool, clock } = await startTestIssuer(t);
  const ask = async (token: string): Promise<Response> =>
    fetch(`${pool.address}/oauth2/userInfo`, { headers: { authorization: `Bearer ${token}` } });
  const { accessToken, idToken } = pool.personTokens({ username: "ivy", clientId: "web" });
  t.match(await (await ask(accessToken)).json(), {
    sub: pool.person("ivy")?.sub,
    username: "ivy",
    email: "ivy@example.com",
    "custom:role": "itsm_agent",
  });
  t.equal((await ask(idToken)).status, 401);
  t.equal((await ask(pool.machineToken({ clientId: "robot", scopes: ["openid"] }))).status, 401);
  t.equal((await ask(pool.personTokens({ username: "ivy", clientId: "web", scopes: ["email"] }).accessToken)).status, 401);
  t.equal((await ask(`${accessToken.slice(0, -8)}AAAAAAAA`)).status, 401);
  clock.epochMs += 3600_000;
  t.equal((await ask(accessToken)).status, 401, "after its end");
});
