/** Class 2.11: what must not get out, neither to clients nor into logs, metrics and pages. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import t from "tap";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { createClient, type Answer, type SentHeaders } from "../journey/client.ts";
import { closedPort } from "./closed-port.ts";
import { bearer, ISS, refusalOf, startGate, type Gate } from "./gate.ts";
import { converse } from "./raw-socket.ts";
import { HEADER, rsa, tokenOf } from "./token-gate.ts";

const random = (): string => randomBytes(24).toString("base64url");
const SECRETS = { current: random(), admin: random(), upstreamCookie: random(), session: random(), query: random() };
/** Stands in everything that a client sends, and in no answer. */
const MARK = "zqmarkqz";
const SERVICE = `
roles: { reader: [read] }
authenticators:
  machines: { jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", clients: any }, scopes: { all: [read] }, tenant: { claim: client_id } }
  key: { apiKey: { header: x-api-key, prefix: lek_prod }, scopes: { all: [read] }, tenant: account }
  secret: { bearer: [{ id: current, value: "\${CURRENT}", access: [read] }] }
tenant: { path: tenant }
cors: { origins: ["https://app.example"] }
routes:
  GET /open/{rest...}: public
  GET /read: { access: read, tenant: unchecked }
  GET /admin: { access: admin, tenant: unchecked }
  GET /t/{tenant}/x: read
  GET /inside: { access: public, from: [10.0.0.0/8] }
  GET /few: { access: public, limits: { few: { by: address, rate: 1/minute } } }
  GET /named: { access: public, query: { allow: [a] } }
  POST /small: { access: public, body: { max: 1B, types: [text/plain] } }
  GET /hidden: denied
`;

const answer: RequestListener = (_request, response) => {
  response
    .writeHead(200, {
      server: "inner/1.0",
      "x-powered-by": "inner",
      "set-cookie": `session=${SECRETS.upstreamCookie}`,
      "x-aspnet-version": "4",
    })
    .end("ok");
};

const gonePort = await closedPort();
const gate = await startGate(t, {
  answer,
  environment: { CURRENT: SECRETS.current, ADMIN_TOKEN: SECRETS.admin, GONE: `http://127.0.0.1:${gonePort}` },
  services: {
    shop: SERVICE,
    gone: `prefix: /gone\nupstream: { url: "\${GONE}" }\nroutes:\n  GET /{rest...}: public\n`,
    detail: `prefix: /detail\nerrors: { format: detail }\n${withoutCors()}`,
    envelope: `prefix: /envelope\nerrors: { format: envelope }\n${withoutCors()}`,
    coded: `prefix: /coded\nerrors: { format: coded }\n${withoutCors()}`,
  },
});
const apiKey = newKey(gate);
const good = tokenFor(gate, "acme");
const expired = tokenFor(gate, "acme", { iat: nowSeconds() - 600, exp: nowSeconds() - 1 });
const scopeless = tokenFor(gate, MARK, { scope: MARK, sub: MARK });
const forged = `${good.slice(0, -30)}${random().slice(0, 30)}`;
const otherKey = makeApiKey("lek_prod", randomBytes).key;
const everySecret = [
  ...Object.values(SECRETS),
  apiKey,
  otherKey,
  ...[good, expired, scopeless, forged].flatMap((token) => [token, ...token.split(".").slice(1)]),
];

/** Requests of every fate, with secrets wherever one could stand. */
const REQUESTS: readonly (readonly [line: string, headers?: SentHeaders])[] = [
  ["GET /read", bearer(good)],
  ["GET /read", { "x-api-key": apiKey }],
  ["GET /read", bearer(SECRETS.current)],
  ["GET /open/x", { ...bearer(good), cookie: `session=${SECRETS.session}` }],
  [`GET /open/x?access_token=${SECRETS.query}&key=${apiKey}`],
  [`GET /read?access_token=${SECRETS.query}`],
  ["GET /read", bearer(forged)],
  ["GET /read", bearer(expired)],
  ["GET /admin", bearer(scopeless)],
  ["GET /t/other/x", bearer(good)],
  ["GET /read", { "x-api-key": otherKey }],
  ["GET /read", { "x-api-key": `${apiKey}x` }],
  ["GET /read", { authorization: `Basic ${SECRETS.current}` }],
  ["GET /read", { authorization: SECRETS.current }],
  ["GET /read", { ...bearer(good), "x-api-key": apiKey }],
  ["GET /read", { authorization: [`Bearer ${good}`, `Bearer ${SECRETS.current}`] }],
  ["GET /read", { cookie: `token=${good}` }],
  [`GET /nowhere/${MARK}?token=${SECRETS.query}`, bearer(good)],
  [`DELETE /read?token=${SECRETS.query}`, bearer(good)],
  [`GET /gone/${MARK}?token=${SECRETS.query}`, { ...bearer(good), cookie: `session=${SECRETS.session}` }],
  [`GET /named?${MARK}=${SECRETS.query}`],
  [`GET /%zz${MARK}?token=${SECRETS.query}`, bearer(good)],
  [`GET /open/${MARK}%00`, bearer(good)],
  [`GET /inside?x=${MARK}`, bearer(good)],
  ["GET /few", bearer(good)],
  ["GET /few", bearer(good)],
  ["GET /hidden", bearer(good)],
  ["OPTIONS /read", { origin: `https://${MARK}.example`, "access-control-request-method": "GET", ...bearer(good) }],
  ["GET /open/x", { host: `${MARK}/@`, ...bearer(good) }],
  ["GET /open/x", { expect: MARK, ...bearer(good) }],
  ["POST /small", { "content-length": "5", "content-type": MARK, ...bearer(good) }],
  ["POST /small", { "content-length": "1", "content-type": `image/${MARK}`, ...bearer(good) }],
  [`GET /open/${"x".repeat(9000)}?token=${SECRETS.query}`, bearer(good)],
  ["GET /open/x", Object.fromEntries(Array.from({ length: 150 }, (_value, index) => [`x-${MARK}-${index}`, SECRETS.session]))],
  ["GET /detail/read", bearer(forged)],
  ["GET /envelope/read", bearer(forged)],
  ["GET /coded/read", bearer(forged)],
];
const answers: (readonly [line: string, answer: Answer])[] = [];
for (const [line, headers] of REQUESTS) {
  const [method = "", target = ""] = line.split(" ");
  answers.push([line, await gate.send(method, target, headers ?? {}).catch(() => ({ status: 0, headers: {}, body: "" }))]);
}
t.test("L1 no log line, metric, decision or page of the operator's holds a credential or a secret", async (t) => {
  const broken = `GET /read HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer ${good}\r\nX-Api-Key: ${apiKey}\r\nno field ${SECRETS.session}\r\n\r\n`;
  await converse(gate.port, broken);
  await converse(gate.port, `GET /read?token=${SECRETS.query} HTTP/9.9\r\nCookie: ${SECRETS.session}\r\n\r\n`);
  writeFileSync(
    join(gate.sallyport.folder, "services/shop.yaml"),
    `version: 1\nservice: shop\nupstrem: x\n${SERVICE.replace("${CURRENT}", SECRETS.current)}`,
  );
  t.equal((await gate.sallyport.running.reload()).kind, "rejected", "a broken file with a secret written in it");
  const admin = createClient(t, gate.sallyport.adminUrl);
  const views = await Promise.all(
    ["/metrics", "/api/status", "/api/policy", "/api/decisions", "/health/ready", "/"].map((path) =>
      admin("GET", path, bearer(SECRETS.admin)),
    ),
  );
  t.same(
    views.map(({ status }) => status),
    [200, 200, 200, 200, 200, 200],
  );
  t.ok(gate.sallyport.log().length > REQUESTS.length, "there is a log to look at");
  const places = { log: gate.logText(), ...Object.fromEntries(views.map(({ body }, index) => [`view ${index}`, body])) };
  for (const [place, text] of Object.entries(places)) {
    for (const secret of everySecret) if (text.includes(secret)) t.fail(`${place} holds ${secret.slice(0, 6)}…`);
    t.notMatch(text, /Bearer [A-Za-z0-9]|set-cookie|session=/, place);
  }
  t.pass(`${everySecret.length} secrets looked for in ${Object.keys(places).length} places`);
});

t.test("L2 an answer of the gateway's own says what its code says and nothing else", async (t) => {
  const shapes: Readonly<Record<string, readonly string[]>> = {
    detail: ["detail", "status_code"],
    envelope: ["success", "message"],
    coded: ["error", "code", "requestId"],
  };
  for (const [line, { status, headers, body }] of answers) {
    if (status < 400) continue;
    const format = Object.keys(shapes).find((name) => line.includes(`/${name}/`));
    const keys = format === undefined ? ["type", "title", "status", "code", "decisionId"] : shapes[format];
    t.same(Object.keys(JSON.parse(body) as object), keys, `${line.slice(0, 40)}: the format's own fields`);
    const all = `${JSON.stringify(headers)}${body}`;
    t.notOk(all.includes(MARK), `${line.slice(0, 40)}: nothing is echoed`);
    t.notOk(
      [String(gonePort), "ECONNREFUSED", "node_modules", ".ts:", "    at ", "127.0.0.1", ISS, "sqlite"].some((inner) =>
        all.includes(inner),
      ),
      "nothing of the inside",
    );
  }
  const codes = new Set(answers.filter(([, { status }]) => status >= 400).map(([, { status }]) => status));
  t.same(
    [...codes].toSorted((left, right) => left - right),
    [400, 401, 403, 404, 405, 413, 414, 415, 417, 429, 431, 502],
    "all of these were looked at",
  );
});

t.test("L2 a refused credential learns nothing of why", async (t) => {
  const reasons = [
    forged,
    `${good}x`,
    `x${good}`,
    "x",
    good.split(".").slice(0, 2).join("."),
    tokenFor(gate, "acme", { iss: "https://evil.example" }),
    tokenFor(gate, "acme", { exp: "x" }),
    tokenFor(gate, "acme", { sub: undefined }),
  ];
  const refusals = await Promise.all(reasons.map((token) => gate.send("GET", "/read", bearer(token))));
  for (const refusal of refusals) t.same(refusalOf(refusal), refusalOf(refusals[0]!));
  t.match(refusals[0], { status: 401, headers: { "www-authenticate": 'Bearer error="invalid_token", ApiKey' } });
});

t.test("L3 no label of a metric is a stranger's: neither path, subject, tenant, method nor address", async (t) => {
  const metrics = async (): Promise<string> => (await createClient(t, gate.sallyport.adminUrl)("GET", "/metrics", {})).body;
  gate.upstream.take();
  await gate.ask("GET /open/first");
  await gate.ask("GET /read", bearer(good));
  await gate.ask("GET /no/first");
  const before = await metrics();
  for (let index = 0; index < 50; index++) {
    await gate.ask(`GET /open/${MARK}${index}`);
    await gate.ask(`GET /no/${MARK}${index}`);
    await gate.ask("GET /read", bearer(tokenFor(gate, `${MARK}${index}`)));
  }
  const after = await metrics();
  t.notOk(after.includes(MARK) || after.includes("127.0.0.1") || after.includes("acme"));
  const series = (text: string): number => text.split("\n").filter((line) => line.startsWith("sallyport_")).length;
  t.equal(series(after), series(before), "and a flood of paths and callers makes no new series");
  t.match(after, /sallyport_requests_total\{service="shop",route="GET \/open\/\{rest\.\.\.\}",method="GET",outcome="allow",status="200"\}/);
});

t.test("L4 no answer names the software or its version", async (t) => {
  const admin = createClient(t, gate.sallyport.adminUrl);
  const health = createClient(t, gate.sallyport.healthUrl);
  const doors = await Promise.all([
    admin("GET", "/metrics", {}),
    admin("GET", "/", {}),
    health("GET", "/live", {}),
    health("GET", "/x", {}),
  ]);
  const raw = await converse(gate.port, "NONSENSE\r\n\r\n");
  t.match(raw.raw, /^HTTP\/1\.1 400 /);
  for (const { headers } of [...answers.map(([, one]) => one), ...doors]) {
    t.notOk(
      ["server", "x-powered-by", "via", "x-served-by"].some((name) => name in headers),
      JSON.stringify(Object.keys(headers)),
    );
  }
  for (const [, { body }] of answers) t.notMatch(body, /sallyport|fastify|undici|node\.?js|express|inner/i);
  t.notMatch(raw.raw, /^(server|via|x-powered-by):/im);
});

t.test("L5 no input makes a line of the log, or acts on the terminal that shows it", async (t) => {
  const lines = gate.sallyport.log().length;
  const forge = '","outcome":"allow","x":"';
  const inputs: readonly (readonly [line: string, headers: SentHeaders])[] = [
    [`GET /read%0a{"level":"error"}`, {}],
    ["GET /read%0d%0aX", {}],
    ["GET /nowhere%1b[31m", {}],
    [`GET /nowhere/${encodeURIComponent(forge)}`, {}],
    ["GET /nowhere/%E2%80%A8%E2%80%AE", {}],
    ["GET /read", { origin: forge, "user-agent": forge, "x-request-id": forge }],
    ["GET /read", { origin: "https://\u009b31m\u0085x\u00ff.example" }],
    ["GET /read", { origin: `https://${"x".repeat(5000)}` }],
    ["GET /read", bearer(tokenOf({ ...HEADER, kid: "\n\u001b[31m\u2028\u202e" }, { iss: ISS }, rsa(gate.k1.privateKey)))],
    ["GET /read", bearer(tokenOf({ ...HEADER, alg: "\r\n\u001b]0;x\u0007" }, { iss: ISS }, rsa(gate.k1.privateKey)))],
    ["GET /admin", bearer(tokenFor(gate, "x", { sub: "\n\u001b[31m\u202e\u009b\u2028" }))],
    ["GET /t/%E2%80%AE/x", bearer(good)],
  ];
  for (const [line, headers] of inputs) t.not((await gate.ask(line, headers)).verdict, "allow", line);
  const written = gate.sallyport
    .log()
    .slice(lines)
    .filter((line) => line["msg"] !== "keys of an issuer fetched");
  t.equal(written.length, inputs.length, "one line for each");
  for (const line of written) {
    t.match(line, { outcome: "deny", level: "info" });
    t.ok(
      strings(line).every((text) => /^[\x20-\x7e]*$/.test(text)),
      JSON.stringify(line),
    );
    t.ok(JSON.stringify(line).length < 4096, "and none is long");
  }
});
/** The same rules for the other formats. */
function withoutCors(): string {
  return 'authenticators: { s: { jwt: { issuer: "${ISSUER}", jwks: "${JWKS}", clients: any } } }\nroutes:\n  GET /read: authenticated\n';
}

function strings(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(strings) : [];
}

function nowSeconds(): number {
  return Math.floor(gate.clocks.epochMs / 1000);
}

function tokenFor(of: Gate, client: string, others: Record<string, unknown> = {}): string {
  const iat = Math.floor(of.clocks.epochMs / 1000);
  return tokenOf(HEADER, { iss: ISS, iat, exp: iat + 600, sub: client, client_id: client, scope: "all", ...others }, rsa(of.k1.privateKey));
}

function newKey({ sallyport }: Gate): string {
  const store = openSqliteKeys(sallyport.keyStore, { side: "command", create: true });
  const { id, key } = makeApiKey("lek_prod", randomBytes);
  store.createAccount({ service: "shop", id: "robot", kind: "service", role: "reader", enabled: true });
  store.createKey({ service: "shop", id, account: "robot", scopes: ["all"], digest: digestApiKey(key), createdAt: 0 });
  store.close();
  return key;
}
