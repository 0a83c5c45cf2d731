import t from "tap";
import { askToken, claimsOf, headerOf, startTestIssuer } from "./fixtures/demo-issuer.ts";

t.test("a machine client that shows its secret gets an access token of Cognito's shape", async (t) => {
  const { pool, clock } = await startTestIssuer(t);
  const secret = pool.client("robot")?.secret ?? "";
  const reply = await askToken(pool, { grant_type: "client_credentials", scope: "api/read" }, `robot:${secret}`);

  t.equal(reply.status, 200);
  t.equal(reply.headers.get("cache-control"), "no-store");
  t.same(Object.keys(reply.body).sort(), ["access_token", "expires_in", "token_type"]);
  t.same(headerOf(reply.body["access_token"]), { kid: pool.keys.kid, alg: "RS256" });
  const { jti, ...claims } = claimsOf(reply.body["access_token"]);
  const iat = Math.floor(clock.now() / 1000);
  t.match(jti, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.same(claims, {
    sub: "robot",
    token_use: "access",
    scope: "api/read",
    auth_time: iat,
    iss: pool.address,
    exp: iat + 3600,
    iat,
    version: 2,
    client_id: "robot",
  });
});

t.test("the secret may stand in the form, and without a scope all of the client's are given", async (t) => {
  const { pool } = await startTestIssuer(t);
  const client_secret = pool.client("robot")?.secret ?? "";
  const reply = await askToken(pool, { grant_type: "client_credentials", client_id: "robot", client_secret });
  t.equal(reply.status, 200);
  t.equal(claimsOf(reply.body["access_token"])["scope"], "api/read api/write");
});

t.test("every secret is made anew for each start", async (t) => {
  const [first, second] = [await startTestIssuer(t), await startTestIssuer(t)];
  t.not(first.pool.client("robot")?.secret, second.pool.client("robot")?.secret);
  t.not(first.pool.person("ivy")?.password, second.pool.person("ivy")?.password);
});

t.test("what is wrong with a token request is said in the words of RFC 6749", async (t) => {
  const { pool } = await startTestIssuer(t);
  const basic = `robot:${pool.client("robot")?.secret}`;
  const grant_type = "client_credentials";
  const cases = [
    { name: "wrong secret", form: { grant_type }, basic: "robot:wrong", status: 401, error: "invalid_client" },
    { name: "unknown client", form: { grant_type }, basic: "nobody:x", status: 401, error: "invalid_client" },
    { name: "no client", form: { grant_type }, status: 401, error: "invalid_client" },
    { name: "a machine client by its id alone", form: { grant_type, client_id: "robot" }, status: 401, error: "invalid_client" },
    { name: "Basic without a colon", form: { grant_type }, basic: "robot", status: 401, error: "invalid_client" },
    { name: "another client in the form", form: { grant_type, client_id: "web" }, basic, status: 400, error: "invalid_request" },
    { name: "secret in two places", form: { grant_type, client_secret: "x" }, basic, status: 400, error: "invalid_request" },
    {
      name: "a repeated parameter",
      form: "grant_type=client_credentials&scope=api/read&scope=api/write",
      basic,
      status: 400,
      error: "invalid_request",
    },
    { name: "a scope of others", form: { grant_type, scope: "api/read api/delete" }, basic, status: 400, error: "invalid_scope" },
    { name: "an empty scope", form: { grant_type, scope: "" }, basic, status: 400, error: "invalid_scope" },
    { name: "unknown grant", form: { grant_type: "password" }, basic, status: 400, error: "unsupported_grant_type" },
    { name: "no grant", form: {}, basic, status: 400, error: "unsupported_grant_type" },
    { name: "a client for people", form: { grant_type, client_id: "web" }, status: 400, error: "unauthorized_client" },
    { name: "a machine with a code", form: { grant_type: "authorization_code" }, basic, status: 400, error: "unauthorized_client" },
  ];
  for (const { name, form, basic: shown, status, error } of cases) {
    const reply = await askToken(pool, form, shown);
    t.match({ status: reply.status, error: reply.body["error"] }, { status, error }, name);
    t.equal(reply.headers.get("www-authenticate") !== null, status === 401, `${name}: a challenge with 401 only`);
  }
});

t.test("a token request that is no form is refused as such", async (t) => {
  const { pool } = await startTestIssuer(t);
  const response = await fetch(`${pool.address}/oauth2/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  t.equal(response.status, 400);
  t.match(await response.json(), { error: "invalid_request" });
});
