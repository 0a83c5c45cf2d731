/** AWS's own verifier and the gateway judge the same tokens: the same verdict, or the difference stands here with its reason. */
import { randomBytes } from "node:crypto";
import http from "node:http";
import { CognitoJwtVerifier } from "aws-jwt-verify";
import t, { type Test } from "tap";
import {
  PIE,
  PIE_POOL,
  STACKFLOW,
  STACKFLOW_APP_CLIENT,
  STACKFLOW_MACHINE_CLIENT,
  STACKFLOW_MACHINE_TENANT,
  STACKFLOW_POOL,
} from "../../src/demo/cast.ts";
import { startIssuer } from "../../src/demo/issuer/issuer.ts";
import type { PoolOptions } from "../../src/demo/issuer/pool-options.ts";
import type { Pool } from "../../src/demo/issuer/pool.ts";
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
  "iat with a fraction": "iat is a whole number of seconds",
  "iat in two hours": "it comes from the future",
  "iss in Cognito's other form": "iss is compared byte for byte with the one that the policy names",
  "sub missing": "a caller needs a subject",
  "sub empty": "a caller needs a subject",
  "groups a string": "groups are a list of strings",
  "groups with a number": "groups are a list of strings",
  "alg ES256 and the issuer's other key": "algorithms come from the policy, which names RS256",
  crit: "an extension that must be understood and is not (RFC 7515 section 4.1.11)",
  "crit and b64": "an extension that must be understood and is not",
  zip: "a header member that changes how the rest is read",
  "cty JWT": "a token within a token",
  "the signature with padding": "one token has one spelling (RFC 7515 section 2: no padding)",
  "claims with a claim twice": "two readers may read it differently",
  "claims that are no UTF-8": "two readers may read it differently",
  "claims nested deep": "nested deeper than any real token",
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
  return (token, tokenUse) =>
    verifier.verify(token, { tokenUse, clientId: CLIENT }).then(
      () => true,
      () => false,
    );
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
      t.ok(
        reason,
        `${name} as ${use}: ${aws ? "only they take it" : "only we take it"}; ${String(sallyport.decision(String(headers["x-decision-id"]))?.["reason"])}`,
      );
    }
  }
  t.comment(JSON.stringify(counts));
  t.ok(counts.tokens >= 200);
  t.ok(counts.bothTake >= 10 && counts.bothRefuse >= 200, "both kinds are among them");
  t.same(
    [...Object.keys(STRICTER), ...Object.keys(LAXER)].filter((what) => !seen.has(what)),
    [],
    "no difference is listed that is none",
  );
});

interface Issued {
  readonly pool: Pool;
  readonly path: string;
  readonly token: string;
  readonly use: Use;
  readonly clientId: string;
}

/** Every kind of token that a pool hands out, asked for as its clients ask. */
async function machineTokens(pool: Pool, path: string): Promise<Issued[]> {
  const machines = pool.clients.filter(({ kind }) => kind === "machine");
  return Promise.all(
    machines.map(async ({ id, secret }) => ({
      pool,
      path,
      token: (await askTokens(pool, `${id}:${secret}`, { grant_type: "client_credentials" })).access_token,
      use: "access",
      clientId: id,
    })),
  );
}

async function personTokens(pool: Pool, path: string, clientId: string, use: Use): Promise<Issued[]> {
  const tokens = await Promise.all(
    pool.people.map(async ({ username }) => {
      const first = pool.personTokens({ username, clientId });
      const again = await askTokens(pool, undefined, {
        grant_type: "refresh_token",
        client_id: clientId,
        refresh_token: first.refreshToken,
      });
      return use === "id" ? [first.idToken, again.id_token] : [first.accessToken, again.access_token];
    }),
  );
  return tokens.flat().map((token) => ({ pool, path, token, use, clientId }));
}

async function askTokens(
  pool: Pool,
  basic: string | undefined,
  form: Record<string, string>,
): Promise<{ access_token: string; id_token: string }> {
  const headers = basic === undefined ? {} : { authorization: `Basic ${Buffer.from(basic).toString("base64")}` };
  const answer = await fetch(`${pool.address}/oauth2/token`, { method: "POST", headers, body: new URLSearchParams(form) });
  return (await answer.json()) as { access_token: string; id_token: string };
}

t.test("every token of the demo issuer passes both judges", async (t) => {
  const inCognitosName = (options: PoolOptions): PoolOptions => ({
    ...options,
    iss: `https://cognito-idp.us-east-2.amazonaws.com/${options.id}`,
  });
  const issuer = await startIssuer({ now: Date.now, randomBytes, pools: [inCognitosName(PIE), inCognitosName(STACKFLOW)] });
  t.teardown(() => issuer.close());
  const [pie, stackflow] = [issuer.pool(PIE_POOL), issuer.pool(STACKFLOW_POOL)];
  const { origin } = await openRecorder(t);
  const sallyport = await startSallyport(t, {
    environment: {
      PIE_URL: origin,
      PIE_ISSUER: pie.iss,
      PIE_JWKS: pie.jwks,
      REGISTRY_URL: origin,
      REGISTRY_AUTH_TOKEN: randomBytes(24).toString("hex"),
      STACKFLOW_URL: origin,
      STACKFLOW_ISSUER: stackflow.iss,
      STACKFLOW_JWKS: stackflow.jwks,
      STACKFLOW_APP_CLIENT,
      STACKFLOW_MACHINE_CLIENT,
      STACKFLOW_MACHINE_TENANT,
    },
  });
  const issued = [
    ...(await machineTokens(pie, "/v2/models")),
    ...(await personTokens(pie, "/v2/models", "pie-web", "access")),
    ...(await machineTokens(stackflow, "/prod/api/incidents")),
    ...(await personTokens(stackflow, "/prod/api/incidents", STACKFLOW_APP_CLIENT, "id")),
  ];
  t.ok(issued.length >= 20, `${issued.length} tokens`);
  for (const { pool, path, token, use, clientId } of issued) {
    const { status, headers } = await ask(sallyport.running.ports.gateway, path, { headers: { authorization: `Bearer ${token}` } });
    const proved =
      status === 200 ||
      (status === 403 && String(sallyport.decision(String(headers["x-decision-id"]))?.["code"]).startsWith("INSUFFICIENT_"));
    t.ok(proved, `the gateway proves the ${use} token of ${clientId}: ${status}`);
    const verifier = CognitoJwtVerifier.create({ userPoolId: pool.id, tokenUse: use, clientId });
    verifier.cacheJwks((await (await fetch(pool.jwks)).json()) as Parameters<typeof verifier.cacheJwks>[0]);
    await t.resolves(verifier.verify(token), `and so does AWS's verifier`);
  }
});
