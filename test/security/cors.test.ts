/** Class 2.7: what pages of other origins may do. */
import type { RequestListener } from "node:http";
import t from "tap";
import type { SentHeaders } from "../journey/client.ts";
import { closedPort } from "./closed-port.ts";
import { FOREIGN, LOOKALIKES } from "./origins.ts";
import { bearer, startGate, type Asked } from "./gate.ts";
import { HEADER, tokenOf, rsa } from "./token-gate.ts";
import { converse } from "./raw-socket.ts";

const APP = "https://app.example";
const AUTHENTICATORS = `authenticators: { machines: { jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", clients: any }, scopes: { all: [read] } } }\n`;
const CORS = `cors: { origins: ["${APP}"], credentials: true, headers: [content-type, authorization], expose: [x-total] }\n`;

/** The upstream answers by path, and claims CORS headers of its own. */
const answer: RequestListener = (request, response) => {
  const own = {
    "access-control-allow-origin": "*",
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "DELETE",
    "access-control-expose-headers": "*",
    "access-control-max-age": "86400",
    "access-control-allow-private-network": "true",
  };
  const path = request.url ?? "";
  if (path.endsWith("/moved")) response.writeHead(302, { ...own, location: "/app/open" });
  else if (path.endsWith("/same")) response.writeHead(304, { ...own, etag: '"1"' });
  else if (path.endsWith("/varies")) response.writeHead(200, { ...own, vary: "Accept-Encoding" });
  else if (path.endsWith("/failed")) response.writeHead(500, own);
  else response.writeHead(200, own);
  response.end();
};

const closed = await closedPort();
const gate = await startGate(t, {
  answer,
  environment: { GONE: `http://127.0.0.1:${closed}` },
  services: {
    app: `prefix: /app\n${AUTHENTICATORS}${CORS}routes:
  GET /open: public
  GET /moved: public
  GET /same: public
  GET /varies: public
  GET /failed: public
  GET /me: authenticated
  POST /me: read
  GET /admin: admin
  GET /socket: { access: authenticated, websocket: true }
  GET /few: { access: public, limits: { few: { by: address, rate: 2/minute } } }
  PUT /small: { access: public, body: { max: 1B, types: [text/plain] } }
  GET /hidden: denied
  GET /{one}: public
`,
    strict: `prefix: /strict\n${AUTHENTICATORS}cors: { origins: ["${APP}"], otherOrigins: refuse }\nroutes:\n  GET /open: public\n  GET /me: authenticated\n`,
    plain: `prefix: /plain\n${AUTHENTICATORS}routes:\n  GET /open: public\n  GET /socket: { access: public, websocket: true }\n  OPTIONS /asked: public\n`,
    gone: `prefix: /gone\nupstream: { url: "\${GONE}" }\n${CORS}routes:\n  GET /x: public\n`,
    lists: `prefix: /lists\ncors: { origins: ["${APP}"], methods: [GET], maxAge: 10m }\nroutes:\n  GET /x: public\n  DELETE /x: public\n`,
  },
});
const now = Math.floor(gate.clocks.epochMs / 1000);
const token = tokenOf(
  HEADER,
  {
    iss: "https://cognito-idp.us-east-2.amazonaws.com/us-east-2_Gate00001",
    iat: now,
    exp: now + 3600,
    sub: "m",
    client_id: "m",
    scope: "all",
  },
  rsa(gate.k1.privateKey),
);

const from = (origin: string, headers: SentHeaders = {}): SentHeaders => ({ origin, ...headers });
const preflight = (origin: string, method: string, headers: SentHeaders = {}): SentHeaders => ({
  origin,
  "access-control-request-method": method,
  ...headers,
});

/** The CORS headers of an answer. */
function corsOf({ headers }: Pick<Asked, "headers">): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("access-control-")));
}

const ALLOWED = {
  "access-control-allow-origin": APP,
  "access-control-allow-credentials": "true",
  "access-control-expose-headers": "x-total",
};

t.test("C1 a listed origin gets its name, credentials and Vary", async (t) => {
  const asked = await gate.ask("GET /app/open", from(APP));
  t.same([asked.status, corsOf(asked), asked.headers.vary], [200, ALLOWED, "Origin"]);
});

t.test("C2 C3 no other origin gets any CORS header, however alike it is", async (t) => {
  for (const origin of [...FOREIGN, ...LOOKALIKES]) {
    for (const line of ["GET /app/open", "GET /app/me", "GET /app/no/where", "GET /lists/x"]) {
      const asked = await gate.ask(line, from(origin));
      t.same([corsOf(asked), asked.headers.vary], [{}, "Origin"], `${line} from ${origin}`);
    }
    t.equal(
      (await gate.ask("GET /strict/open", from(origin))).verdict,
      "ORIGIN_NOT_ALLOWED",
      `refused where the service says so: ${origin}`,
    );
    t.equal((await gate.ask("OPTIONS /app/open", preflight(origin, "GET"))).verdict, "ORIGIN_NOT_ALLOWED", `its preflight: ${origin}`);
  }
  const refused = await gate.ask("GET /strict/me", from("https://evil.example", bearer(token)));
  t.same([refused.status, refused.verdict, corsOf(refused)], [403, "ORIGIN_NOT_ALLOWED", {}], "with a good token as without");
  t.equal((await gate.ask("GET /strict/open")).verdict, "allow", "no page asks");
});

t.test("C3 a tab or space about the origin is no part of the field, by the standard", async (t) => {
  const raw = await converse(gate.port, `GET /app/open HTTP/1.1\r\nHost: gw\r\nConnection: close\r\nOrigin: \t ${APP}\t \r\n\r\n`);
  t.match(raw.raw, /access-control-allow-origin: https:\/\/app\.example\r\n/i);
  gate.upstream.take();
});

t.test("C4 two origins, none, or a huge one are not the listed one", async (t) => {
  const values: readonly (string | readonly string[])[] = [
    [APP, "https://evil.example"],
    ["https://evil.example", APP],
    [APP, APP],
    `${APP}, https://evil.example`,
    `${APP} https://evil.example`,
    "",
    `https://${"a".repeat(8000)}.example`,
  ];
  for (const origin of values) {
    const asked = await gate.ask("GET /app/open", { origin });
    t.same(corsOf(asked), {}, JSON.stringify(origin).slice(0, 60));
    t.equal((await gate.ask("GET /strict/open", { origin })).verdict, "ORIGIN_NOT_ALLOWED");
    t.equal((await gate.ask("OPTIONS /app/open", { origin, "access-control-request-method": "GET" })).verdict, "ORIGIN_NOT_ALLOWED");
  }
});

t.test("C5 a preflight is told the table's lists, never its own words", async (t) => {
  const lists = {
    ...ALLOWED,
    "access-control-allow-methods": "GET,HEAD,POST",
    "access-control-allow-headers": "content-type,authorization",
  };
  const words = ["x-evil", "*", "authorization, x-evil", Array.from({ length: 200 }, (_, index) => `x-${index}`).join(), "content-type"];
  for (const asked of words) {
    const answered = await gate.ask("OPTIONS /app/me", preflight(APP, "POST", { "access-control-request-headers": asked }));
    t.same([answered.status, answered.verdict, corsOf(answered), answered.body], [204, "preflight", lists, ""], asked.slice(0, 30));
  }
  for (const method of ["DELETE", "PUT", "*", "post", "POST, DELETE", "OPTIONS", "constructor", ""]) {
    const answered = await gate.ask("OPTIONS /app/me", preflight(APP, method));
    t.same([answered.status, corsOf(answered)], [405, ALLOWED], `${method}: nothing is allowed to it`);
  }
  const fixed = await gate.ask("OPTIONS /lists/x", preflight(APP, "DELETE"));
  t.match(
    corsOf(fixed),
    { "access-control-allow-methods": "GET", "access-control-max-age": "600" },
    "and no more than the operator's own list",
  );
});

t.test("C6 a preflight is answered by the table alone: nothing is forwarded, nothing said of credentials", async (t) => {
  const rows: readonly [line: string, method: string, status: number][] = [
    ["OPTIONS /app/no/where", "GET", 404],
    ["OPTIONS /elsewhere", "GET", 404],
    ["OPTIONS /app/hidden", "GET", 404],
    ["OPTIONS /app/socket", "GET", 204],
    ["OPTIONS /app/admin", "GET", 204],
    ["OPTIONS /app/open", "GET", 204],
  ];
  for (const [line, method, status] of rows) {
    for (const carried of [{}, bearer(token), bearer("nonsense")]) {
      const answered = await gate.ask(line, preflight(APP, method, carried));
      t.same([answered.status, answered.headers["www-authenticate"], answered.reached], [status, undefined, undefined], line);
    }
  }
});

t.test("C7 preflights count by address, and need no credential", async (t) => {
  gate.clocks.pass(120_000);
  const asked = async (): Promise<Asked> => gate.ask("OPTIONS /app/few", preflight(APP, "GET"));
  t.same([(await asked()).status, (await asked()).status], [204, 204]);
  const third = await asked();
  t.same([third.status, third.verdict, third.headers["access-control-allow-origin"]], [429, "RATE_LIMITED", APP]);
});

t.test("C9 access to a private network is never granted", async (t) => {
  for (const line of ["OPTIONS /app/open", "OPTIONS /lists/x"]) {
    const answered = await gate.ask(
      line,
      preflight(APP, "GET", { "access-control-request-private-network": "true", "access-control-request-local-network": "true" }),
    );
    t.notOk(
      Object.keys(answered.headers).some((name) => /private-network|local-network/.test(name)),
      line,
    );
  }
});

t.test("C10 every answer to a listed origin can be read: refusals, redirects and failures too", async (t) => {
  gate.clocks.pass(120_000);
  const rows: readonly [line: string, status: number, headers?: SentHeaders][] = [
    ["GET /app/open", 200],
    ["GET /app/moved", 302],
    ["GET /app/same", 304],
    ["GET /app/failed", 500],
    ["GET /app/open?a=1", 200],
    ["GET /app/me", 401],
    ["GET /app/me", 401, bearer("nonsense")],
    ["GET /app/admin", 403, bearer(token)],
    ["GET /app/no/where", 404],
    ["GET /app/hidden", 404],
    ["DELETE /app/open", 405],
    ["HEAD /app/me", 401],
    ["PUT /app/small", 415, { "content-type": "image/png", "content-length": "1" }],
    ["GET /app/few", 200],
    ["GET /app/few", 200],
    ["GET /app/few", 429],
    ["GET /app/in%2Fside", 400],
  ];
  for (const [line, status, headers] of rows) {
    const asked = await gate.ask(line, from(APP, headers));
    t.same([asked.status, corsOf(asked), asked.headers.vary], [status, ALLOWED, "Origin"], `${line} → ${status}`);
  }
  const gone = await gate.ask("GET /gone/x", from(APP));
  t.same([gone.status, corsOf(gone), gone.headers.vary], [502, ALLOWED, "Origin"]);
});

t.test("C11 answers differ by origin for caches too, whoever asks", async (t) => {
  for (const headers of [{}, from(APP), from("https://evil.example")]) {
    t.equal((await gate.ask("GET /app/open", headers)).headers.vary, "Origin");
    t.equal((await gate.ask("GET /app/varies", headers)).headers.vary, "Accept-Encoding, Origin", "the upstream's own Vary stays");
  }
  t.same(corsOf(await gate.ask("GET /app/open")), {}, "and nothing is allowed to nobody");
});

t.test("C12 the upstream's own CORS headers never pass, with or without cors of ours", async (t) => {
  for (const path of ["open", "moved", "same", "varies", "failed"]) {
    t.same(corsOf(await gate.ask(`GET /app/${path}`, from(APP))), ALLOWED, path);
    t.same(corsOf(await gate.ask(`GET /app/${path}`, from("https://evil.example"))), {}, path);
  }
  t.same(corsOf(await gate.ask("GET /plain/open", from(APP))), {}, "in a service without cors");
});

t.test("C13 a page's WebSocket handshake needs a listed origin; without cors there is none", async (t) => {
  const shake = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  for (const origin of [...FOREIGN, ...LOOKALIKES, "", [APP, APP]]) {
    t.equal(
      (await gate.ask("GET /app/socket", { ...shake, ...bearer(token), origin })).verdict,
      "ORIGIN_NOT_ALLOWED",
      JSON.stringify(origin),
    );
    t.equal(
      (await gate.ask("GET /plain/socket", { ...shake, origin })).verdict,
      "ORIGIN_NOT_ALLOWED",
      `without cors: ${JSON.stringify(origin)}`,
    );
  }
  t.equal((await gate.ask("GET /plain/socket", { ...shake, origin: APP })).verdict, "ORIGIN_NOT_ALLOWED");
  const unproved = await gate.ask("GET /app/socket", { ...shake, origin: APP });
  t.same(
    [unproved.status, unproved.verdict, unproved.headers.connection],
    [401, "TOKEN_MISSING", "close"],
    "and a listed one needs a credential all the same",
  );
});

t.test("C14 no subdomain is listed by its parent", async (t) => {
  for (const origin of [
    "https://x.app.example",
    "https://x.y.app.example",
    "https://example",
    "https://xapp.example",
    "https://.app.example",
  ]) {
    t.same(corsOf(await gate.ask("GET /app/open", from(origin))), {}, origin);
  }
});

t.test("C6 in a service without cors a preflight is an ordinary OPTIONS", async (t) => {
  t.equal((await gate.ask("OPTIONS /plain/open", preflight(APP, "GET"))).status, 405);
  const asked = await gate.ask("OPTIONS /plain/asked", preflight(APP, "GET"));
  t.same([asked.verdict, corsOf(asked)], ["allow", {}]);
});
