/** Class 2.5, J12 to J18: times, issuer, audience, kind, grants and place of a token. */
import t from "tap";
import { bearer, CLIENT, ISS } from "./gate.ts";
import { HEADER, SERVICE, startTokenGate, type Claims } from "./token-gate.ts";

/** Takes machines and persons alike. */
const MIXED = `prefix: /mixed
authenticators:
  all:
    jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", use: access, clients: any }
    scopes: { api/admin: [admin] }
    groups: { admin: [admin] }
routes: { GET /admin: admin }
`;
const gate = await startTokenGate(t, { services: { tokens: SERVICE, mixed: MIXED } });
const now = Math.floor(gate.clocks.epochMs / 1000);

/** A token whose claims are JSON text with one claim written by hand, for numbers that JavaScript would write otherwise. */
function written(claim: string, value: string): string {
  const text = JSON.stringify({ ...gate.claims(), [claim]: undefined });
  return gate.sign(HEADER, `${text.slice(0, -1)},"${claim}":${value}}`);
}

function each(claim: string, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(values.map((value) => [`${claim}: ${value}`, written(claim, value)]));
}

function left(claim: string): Record<string, string> {
  return { [`no ${claim}`]: gate.token({ [claim]: undefined }) };
}

t.test("J12 `exp` is there, a whole number of seconds, and not further off than the policy allows", async (t) => {
  const wrong = [
    "null",
    '"123"',
    `"${now + 600}"`,
    `[${now + 600}]`,
    "{}",
    "true",
    `${now + 600}.5`,
    "-1",
    "0",
    "1e300",
    "1e400",
    "-1e400",
  ];
  await gate.allInvalid(t, {
    ...left("exp"),
    ...each("exp", wrong),
    "in milliseconds": gate.token({ exp: gate.clocks.epochMs }),
    "a second more than a day": gate.token({ exp: now + 86_401 }),
    "before iat": gate.token({ exp: now - 601, iat: now - 600 }),
    "at iat": gate.token({ exp: now - 600, iat: now - 600 }),
  });
  t.equal(await verdict(gate.token({ exp: now + 86_400 })), "allow", "a day is the longest");
});

t.test("J12 a token ends at `exp` and not a second later", async (t) => {
  const issued = { iat: now - 600 };
  t.equal(await verdict(gate.token({ ...issued, exp: now })), "TOKEN_EXPIRED", "exp is now");
  t.equal(await verdict(gate.token({ ...issued, exp: now - 1 })), "TOKEN_EXPIRED");
  t.equal(await verdict(gate.token({ ...issued, exp: now + 1 })), "allow");
  const expired = await gate.present(gate.token({ ...issued, exp: now }));
  t.same([expired.status, expired.headers["www-authenticate"]], [401, 'Bearer error="invalid_token"']);
  t.equal(
    await verdict(gate.token({ ...issued, exp: now, aud: undefined, client_id: "c2" })),
    "TOKEN_EXPIRED",
    "expiry is told before the type",
  );
  t.equal(await verdict(gate.token({ ...issued, exp: now, client_id: undefined })), "TOKEN_INVALID", "and after what is invalid");
});

t.test("J13 `iat` and `nbf` are whole seconds, at most a minute ahead; `auth_time` is ignored", async (t) => {
  await gate.allInvalid(t, {
    ...left("iat"),
    ...each("iat", [`"${now}"`, "null", `${now}.5`, "1e300", "[0]", "{}", "true", "-1e400"]),
    ...each("nbf", [`"${now}"`, "null", "1e300", `[${now}]`, `${now}.5`, "false"]),
    "iat beyond the skew": gate.token({ iat: now + 61, exp: now + 600 }),
    "nbf beyond the skew": gate.token({ nbf: now + 61 }),
  });
  t.equal(await verdict(gate.token({ iat: now + 60 })), "allow");
  t.equal(await verdict(gate.token({ nbf: now + 60 })), "allow");
  for (const time of [now + 1_000_000, "soon", null, 1e300])
    t.equal(await verdict(gate.token({ auth_time: time })), "allow", `auth_time ${time}`);
});

t.test("J14 the issuer is compared byte for byte", async (t) => {
  const host = new URL(ISS).host;
  await gate.allInvalid(t, {
    ...left("iss"),
    ...each("iss", ["null", "7", "{}", "true", `["${ISS}"]`, `{"0":"${ISS}"}`]),
    ...Object.fromEntries(
      [
        `${ISS}2`,
        ISS.slice(0, -1),
        ISS.replace("us-east-2.", "us-east-1."),
        `${ISS}/`,
        ISS.replace("https:", "HTTPS:"),
        ISS.replace("https:", "http:"),
        ISS.replace(host, host.toUpperCase()),
        ISS.replace(host, `${host}:443`),
        ISS.replace(host, `${host}.`),
        `${ISS}/../us-east-2_Other`,
        `${ISS}.evil.com`,
        `https://evil.example/?${ISS}`,
        `https://evil.example/#${ISS}`,
        ISS.replace("://", "://evil@"),
        ISS.replace("_", "%5F"),
        encodeURIComponent(ISS),
        ` ${ISS}`,
        `${ISS}\n`,
        `${ISS}\0`,
        ISS.toLowerCase(),
        "",
      ].map((iss) => [JSON.stringify(iss), gate.token({ iss })]),
    ),
  });
});

t.test("J15 an ID token is for one audience, an access token for one client", async (t) => {
  const bad: readonly [what: string, token: string][] = [
    ["aud a list with the right one", gate.idToken({ aud: [CLIENT, "evil"] })],
    ["aud a list of it alone", gate.idToken({ aud: [CLIENT] })],
    ["aud missing", gate.idToken({ aud: undefined })],
    ["aud empty", gate.idToken({ aud: "" })],
    ["aud an object", gate.idToken({ aud: { [CLIENT]: true } })],
    ["aud missing, client_id there", gate.idToken({ aud: undefined, client_id: CLIENT })],
    ["client_id missing", gate.token({ client_id: undefined })],
    ["client_id a list", gate.token({ client_id: [CLIENT] })],
    ["client_id empty", gate.token({ client_id: "", sub: "" })],
    ["client_id missing, aud there", gate.token({ client_id: undefined, aud: CLIENT })],
  ];
  await gate.allInvalid(t, Object.fromEntries(bad.map(([what, token]) => [what, token])), "GET /people");
  const others: readonly [what: string, token: string][] = [
    ["aud of another client", gate.idToken({ aud: "c2" })],
    ["aud with a space", gate.idToken({ aud: `${CLIENT} ` })],
    ["aud two in one", gate.idToken({ aud: `${CLIENT} c2` })],
    ["aud in other letters", gate.idToken({ aud: CLIENT.toUpperCase() })],
    ["client_id of another", gate.token({ client_id: "c2", sub: "c2" })],
    ["client_id of another, with the right aud", gate.token({ client_id: "c2", sub: "c2", aud: CLIENT })],
  ];
  for (const [what, token] of others) t.equal(await verdict(token), "WRONG_TOKEN_TYPE", what);
  t.equal(await verdict(gate.token({ aud: "c2" })), "allow", "an access token's aud is looked at by nobody: its client_id counts");
});

t.test("J16 a token is of the kind that its `token_use` says", async (t) => {
  await gate.allInvalid(t, { ...left("token_use"), ...each("token_use", ['""', "null", '["access"]', "{}", "true"]) });
  for (const use of ["ID", "Access", "refresh", "access ", "id access"])
    t.equal(await verdict(gate.token({ token_use: use })), "WRONG_TOKEN_TYPE", use);
  t.equal(await verdict(gate.idToken(), "GET /machines"), "WRONG_TOKEN_TYPE", "an ID token on an access-only route");
  t.equal(await verdict(gate.token(), "GET /people"), "WRONG_TOKEN_TYPE", "and the reverse");
  t.equal(await verdict(gate.token({ token_use: "id", aud: CLIENT })), "WRONG_TOKEN_TYPE", "a machine has no ID token");
  t.equal(
    await verdict(gate.idToken({ token_use: "access", client_id: CLIENT })),
    "WRONG_TOKEN_TYPE",
    "a person's access token is not taken here",
  );
  t.equal(await verdict(gate.token(), "GET /machines"), "allow");
  t.equal(await verdict(gate.idToken(), "GET /people"), "allow");
});

t.test("J17 groups are a list of whole words", async (t) => {
  const of = (groups: unknown): string => gate.idToken({ "cognito:groups": groups });
  for (const groups of ["admin", "readers admin", { admin: true }, [["admin"]], ["admin", 7], [null], true, 7]) {
    t.equal(await verdict(of(groups), "GET /admin"), "TOKEN_INVALID", JSON.stringify(groups));
  }
  for (const groups of [["admin,user"], ["Admin"], ["admin "], [" admin"], ["xadmin"], ["adm"], ["*"], [""], [], undefined]) {
    t.equal(await verdict(of(groups), "GET /admin"), "INSUFFICIENT_SCOPE", JSON.stringify(groups));
  }
  t.equal(await verdict(of(["admin"]), "GET /admin"), "allow");
  const elsewhere: readonly Claims[] = [
    { groups: ["admin"] },
    { "cognito:roles": ["admin"] },
    { "cognito:group": ["admin"] },
    { roles: ["admin"] },
    { permissions: ["admin"] },
  ];
  for (const claims of elsewhere)
    t.equal(await verdict(gate.idToken(claims), "GET /admin"), "INSUFFICIENT_SCOPE", Object.keys(claims).join());
  t.equal(await verdict(gate.token({ "cognito:groups": ["admin"] }), "GET /admin"), "INSUFFICIENT_SCOPE", "a machine is in no group");
});

t.test("J17 scopes are whole words between single spaces", async (t) => {
  const of = (scope: unknown): string => gate.token({ scope });
  for (const scope of [["api/admin"], { "api/admin": true }, 7, null])
    t.equal(await verdict(of(scope), "GET /admin"), "TOKEN_INVALID", JSON.stringify(scope));
  const lacking = [
    "a api/adminX",
    "xapi/admin",
    "api/admin\ta",
    "a\tapi/admin",
    "api/admin,api/read",
    "API/admin",
    "api/admin\n",
    "api/",
    "*",
    "",
    " ",
    "api/\u0061dmin\u0000",
  ];
  for (const scope of lacking) t.equal(await verdict(of(scope), "GET /admin"), "INSUFFICIENT_SCOPE", JSON.stringify(scope));
  t.equal(await verdict(gate.token({ scope: undefined }), "GET /admin"), "INSUFFICIENT_SCOPE");
  t.equal(await verdict(of("a api/admin"), "GET /admin"), "allow");
  t.equal(
    await verdict(gate.idToken({ scope: "api/admin" }), "GET /admin"),
    "INSUFFICIENT_SCOPE",
    "a person's token has no scopes that count",
  );
});

t.test("J17 where both are taken, scopes count for machines and groups for persons all the same", async (t) => {
  const person = { sub: "p1", username: "pat", scope: "" };
  const rows: readonly [what: string, claims: Claims, verdict: string][] = [
    ["a machine's scope", { scope: "api/admin" }, "allow"],
    ["a machine's group", { "cognito:groups": ["admin"] }, "INSUFFICIENT_SCOPE"],
    ["a person's group", { ...person, "cognito:groups": ["admin"] }, "allow"],
    ["a person's scope", { ...person, scope: "api/admin" }, "INSUFFICIENT_SCOPE"],
    ["both of nobody in particular", { sub: "x", scope: "api/admin", "cognito:groups": ["admin"] }, "INSUFFICIENT_SCOPE"],
  ];
  for (const [what, claims, expected] of rows) t.equal(await verdict(gate.token(claims), "GET /mixed/admin"), expected, what);
});

t.test("J17 a tenant comes from the claim that the policy names, of that kind of token, and from no other", async (t) => {
  const asked = (token: string): Promise<string> => verdict(token, "GET /t/acme/x");
  t.equal(await asked(gate.idToken()), "allow");
  t.equal(await asked(gate.token({ "custom:tenant": "acme" })), "TENANT_MISMATCH", "a machine's tenant is its client");
  for (const claim of ["tenant", "Custom:tenant", "custom:Tenant", "custom:tenant_id", "email", "cognito:username"]) {
    t.equal(await asked(gate.idToken({ "custom:tenant": "other", [claim]: "acme", email_verified: false })), "TENANT_MISMATCH", claim);
  }
  for (const value of [["acme"], { acme: 1 }, "acme ", "ACME", "acme,other", "", null, 7, true]) {
    t.equal(await asked(gate.idToken({ "custom:tenant": value })), "TENANT_MISMATCH", JSON.stringify(value));
  }
});

t.test("J18 a token counts in `Authorization` alone, bare behind its scheme", async (t) => {
  const token = gate.token();
  const values = [
    `Bearer  ${token}`,
    `Bearer "${token}"`,
    `Bearer '${token}'`,
    `Bearer <${token}>`,
    `Bearer%20${token}`,
    `Bearer${token}`,
    `Bearer\t${token}`,
    `Bearer ${token},`,
    `Bearer ${token};`,
    `Bearer ${token} x`,
    `Bearer x ${token}`,
    `"Bearer ${token}"`,
    token,
    `Token ${token}`,
    `JWT ${token}`,
    `Basic ${Buffer.from(`x:${token}`).toString("base64")}`,
    "Bearer",
    "Bearer ",
  ];
  for (const value of values)
    t.equal((await gate.ask("GET /me", { authorization: value })).verdict, "TOKEN_INVALID", value.replaceAll(token, "TOKEN"));
  const elsewhere = {
    cookie: `access_token=${token}; id_token=${token}`,
    "x-access-token": token,
    "x-authorization": `Bearer ${token}`,
    "x-amzn-oidc-data": token,
    "proxy-authorization": `Bearer ${token}`,
  };
  for (const [name, value] of Object.entries(elsewhere))
    t.equal((await gate.ask("GET /me", { [name]: value })).verdict, "TOKEN_MISSING", name);
  for (const name of ["access_token", "token", "id_token", "authorization", "Authorization"]) {
    t.equal((await gate.ask(`GET /me?${name}=${token}`)).verdict, "TOKEN_MISSING", `?${name}=`);
  }
  const form = new URLSearchParams({ access_token: token });
  const answer = await fetch(`${gate.sallyport.url}/me`, { method: "POST", body: form });
  t.match([answer.status, await answer.text()], [401, /TOKEN_MISSING/], "in a form");
  t.same(gate.upstream.take(), []);
  t.notOk(gate.logText().includes(token.slice(-40)), "and no log line holds it");
  for (const scheme of ["bearer", "BEARER", "bEaReR"])
    t.equal((await gate.ask("GET /me", { authorization: `${scheme} ${token}` })).verdict, "allow", scheme);
});

async function verdict(token: string, line = "GET /me"): Promise<string> {
  return (await gate.ask(line, bearer(token))).verdict;
}
