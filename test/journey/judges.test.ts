/** AWS's own verifier and the gateway judge the same tokens: the same verdict, or the difference stands here with its reason. */
import { randomBytes } from "node:crypto";
import http from "node:http";
import { CognitoJwtVerifier } from "aws-jwt-verify";
import t, { type Test } from "tap";
import { startDemo } from "../../src/demo/demo.ts";
import { PIE_POOL, STACKFLOW_APP_CLIENT, STACKFLOW_POOL } from "../../src/demo/cast.ts";
import { ask, listen, openRecorder } from "../forward/harness.ts";
import { startSallyport, type Sallyport } from "./harness.ts";
import { CLIENT, ISS, JWKS, judgedTokens } from "./judged-tokens.ts";
import { thingsFiles } from "./things.ts";

const AUTHENTICATORS = `
authenticators:
  machines: { jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", use: access, caller: machine, clients: [${CLIENT}] } }
  people: { jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", use: access, caller: person, clients: [${CLIENT}] } }
  signedIn: { jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", use: id, audience: [${CLIENT}] } }
`;
const ROUTES = `
routes:
  GET /access: { access: authenticated, authenticators: [machines, people] }
  GET /id: { access: authenticated, authenticators: [signedIn] }
`;

type Use = "access" | "id";

/** Tokens that they take and we refuse, by what was done to the token, with the reason. */
const STRICTER: Readonly<Record<string, string>> = {
  "exp with a fraction": "exp is a whole number of seconds (DESIGN section 5)",
  "exp in milliseconds": "longer than the longest life that the policy allows",
  "exp beyond all bounds": "exp is a whole number of seconds",
  "exp two days off": "longer than the longest life that the policy allows",
  "exp before iat": "it lives for no time at all",
  "exp missing": "a token without an end is none",
  "iat missing": "without iat nobody can tell how long it lives",
  "iat null": "iat is a whole number of seconds",
  "iat with a fraction": "iat is a whole number of seconds",
  "iat in two hours": "it comes from the future",
  "iss in Cognito's other form": "iss is compared byte for byte with the one that the policy names",
  "nbf null": "nbf is a whole number of seconds where it is there",
  "sub missing": "a caller needs a subject",
  "sub empty": "a caller needs a subject",
  "scope a list": "scope is a string (RFC 8693 section 4.2)",
  "scope null": "scope is a string",
  "groups a string": "groups are a list of strings",
  "groups with a number": "groups are a list of strings",
  "alg ES256 and the issuer's other key": "algorithms come from the policy, which names RS256",
  "crit": "an extension that must be understood and is not (RFC 7515 section 4.1.11)",
  "crit and b64": "an extension that must be understood and is not",
  "zip": "a header member that changes how the rest is read",
  "cty JWT": "a token within a token",
  "the signature with padding": "one token has one spelling (RFC 7515 section 2: no padding)",
  "claims with a claim twice": "two readers may read it differently",
  "claims with a byte order mark": "two readers may read it differently",
  "claims that are no UTF-8": "two readers may read it differently",
  "claims nested deep": "nested deeper than any real token",
  "claims in plain base64": "one token has one spelling (base64url)",
};

/** Tokens that they refuse and we take. */
const LAXER: Readonly<Record<string, string>> = {
  "nbf in half a minute": "clocks may differ by a minute (DESIGN section 5: 60 s on iat and nbf)",
};

async function startGateway(t: Test): Promise<{ sallyport: Sallyport; port: number }> {
  const jwks = await listen(
    t,
    http.createServer((_request, response) => response.end(JSON.stringify(JWKS))),
  );
  const upstream = await openRecorder(t);
  const sallyport = await startSallyport(t, {
    files: thingsFiles({ upstream: upstream.origin, authenticators: AUTHENTICATORS, rest: ROUTES }),
    environment: { ISSUER: ISS, JWKS: `http://127.0.0.1:${jwks}/jwks.json` },
  });
  return { sallyport, port: sallyport.running.ports.gateway };
}

function awsVerdict(): (token: string, tokenUse: Use) => Promise<boolean> {
  const verifier = CognitoJwtVerifier.create({ userPoolId: ISS.slice(ISS.lastIndexOf("/") + 1), tokenUse: null, clientId: null });
  verifier.cacheJwks(JWKS as unknown as Parameters<typeof verifier.cacheJwks>[0]);
  return (token, tokenUse) => verifier.verify(token, { tokenUse, clientId: CLIENT }).then(() => true, () => false);
}

t.test("at least 200 tokens, good and bad, get the same verdict from both judges, or the difference is listed", async (t) => {
  const { port, sallyport } = await startGateway(t);
  const theirs = awsVerdict();
  const tokens = judgedTokens();
  const counts = { tokens: tokens.length, verdicts: 0, bothTake: 0, bothRefuse: 0, onlyTheyTake: 0, onlyWeTake: 0 };
  const seen = new Set<string>();
  for (const { name, token } of tokens) {
    const what = name.slice(name.indexOf(": ") + 2);
    for (const use of ["access", "id"] as const) {
      const { status, headers } = await ask(port, `/${use}`, { headers: { authorization: `Bearer ${token}` } });
      const [ours, aws] = [status === 200, await theirs(token, use)];
      t.ok(status === 200 || status === 401 || status === 403, `${name} as ${use}: ${status}`);
      counts.verdicts += 1;
      counts[ours ? (aws ? "bothTake" : "onlyWeTake") : aws ? "onlyTheyTake" : "bothRefuse"] += 1;
      if (ours === aws) continue;
      seen.add(what);
      const reason = (aws ? STRICTER : LAXER)[what];
      t.ok(reason, `${name} as ${use}: ${aws ? "only they take it" : "only we take it"}; ${sallyport.decision(String(headers["x-decision-id"]))?.["reason"]}`);
    }
  }
  t.comment(JSON.stringify(counts));
  t.ok(counts.tokens >= 200);
  t.ok(counts.bothTake >= 10 && counts.bothRefuse >= 200, "both kinds are among them");
  t.same([...Object.keys(STRICTER), ...Object.keys(LAXER)].filter((what) => !seen.has(what)), [], "no difference is listed that is none");
});

t.test("every token of the demo issuer passes both judges", async (t) => {
  const demo = await startDemo({ now: Date.now, randomBytes });
  t.teardown(() => demo.close());
  const sallyport = await startSallyport(t, { environment: demo.environment });
  const calls: [path: string, token: string, use: Use, clientId: string, poolId: string][] = [];
  const pie = demo.issuer.pool(PIE_POOL);
  for (const { id, secret, kind } of pie.clients) {
    if (kind !== "machine") continue;
    const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
    const answer = await fetch(`${pie.address}/oauth2/token`, { method: "POST", headers: { authorization }, body: new URLSearchParams({ grant_type: "client_credentials" }) });
    const { access_token: token } = (await answer.json()) as { access_token: string };
    calls.push(["/v2/models", token, "access", id, PIE_POOL]);
  }
  for (const { username } of pie.people) {
    const { accessToken } = pie.personTokens({ username, clientId: "pie-web" });
    calls.push(["/v2/models", accessToken, "access", "pie-web", PIE_POOL]);
  }
  const stackflow = demo.issuer.pool(STACKFLOW_POOL);
  for (const { username } of stackflow.people) {
    const { idToken } = stackflow.personTokens({ username, clientId: STACKFLOW_APP_CLIENT });
    calls.push(["/prod/api/incidents", idToken, "id", STACKFLOW_APP_CLIENT, STACKFLOW_POOL]);
  }
  for (const [path, token, use, clientId, poolId] of calls) {
    const { status } = await ask(sallyport.running.ports.gateway, path, { headers: { authorization: `Bearer ${token}` } });
    t.ok(status === 200 || status === 403, `${clientId}: proved, status ${status}`);
    t.equal(await passesAws(demo.issuer.pool(poolId), token, use, clientId), "", `${use} token of ${clientId}`);
  }
});

/** The demo's `iss` is its own address: AWS's verifier, which knows Cognito's addresses only, is told of it as of any issuer. */
async function passesAws(pool: { iss: string; jwks: string }, token: string, use: Use, clientId: string): Promise<string> {
  const { JwtVerifier } = await import("aws-jwt-verify");
  const verifier = JwtVerifier.create({ issuer: pool.iss, audience: null, jwksUri: pool.jwks.replace("http:", "https:") });
  verifier.cacheJwks((await (await fetch(pool.jwks)).json()) as Parameters<typeof verifier.cacheJwks>[0]);
  try {
    const claims = await verifier.verify(token);
    const client = use === "id" ? claims["aud"] : claims["client_id"];
    return claims["token_use"] === use && client === clientId ? "" : "the claims are others";
  } catch (error) {
    return String(error);
  }
}
