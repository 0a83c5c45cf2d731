/** Class 2.12 of the attack catalogue: WebSockets, event streams, and whatever else outlives a request. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import net from "node:net";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import type { WebSocket } from "ws";
import { ask, listen } from "../forward/harness.ts";
import { until } from "../journey/things.ts";
import { closeOf, goneOf, handshakeOf, openStream, startLiveGate, type LiveGate, type NewKey } from "./live-gate.ts";
import { bufferBytes } from "./heap.ts";
import { converse } from "./raw-socket.ts";

t.jobs = 4;

const ORIGIN = "https://app.example";
const ROUTES = `
tenant: { path: tenant }
cors: { origins: ["${ORIGIN}"] }
routes:
  GET /of/{tenant}/live: { access: authenticated, websocket: true }
  GET /of/{tenant}/plain: authenticated
  GET /keyed/live: { access: authenticated, websocket: true, tenant: unchecked }
  GET /keyed/events: { access: authenticated, tenant: unchecked }
  GET /open: { access: public, websocket: true }
`;

const HANDSHAKE =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

function echoed(socket: WebSocket, data: string | Buffer): Promise<string> {
  socket.send(data);
  return new Promise((resolve) => socket.once("message", (answer: Buffer) => resolve(answer.toString())));
}

t.test("W1 an upgrade without a credential, or with a bad one, is 401, and opens nothing at the upstream", async (t) => {
  const { socket, upstream, issuer } = await startLiveGate(t, { rest: ROUTES });
  const tampered = `${issuer.token().slice(0, -4)}AAAA`;
  const headers: Record<string, string>[] = [
    {},
    { authorization: "Bearer nonsense" },
    { authorization: `Bearer ${tampered}` },
    { "x-api-key": "thk_x_y" },
  ];
  for (const each of headers) t.equal(await handshakeOf(socket("/of/acme/live", { headers: each })), 401);
  t.same(upstream.seen, []);
});

t.test("W2 an upgrade elsewhere, or in another form, is refused and its connection closed", async (t) => {
  const { port, bearer, upstream } = await startLiveGate(t, { rest: ROUTES });
  const cases: [line: string, status: number][] = [
    ["GET /of/acme/plain", 404],
    ["GET /nowhere", 404],
    ["GET /of/acme/live/", 404],
    ["GET /of/acme\\..\\live", 400],
    ["GET /of/acme/../acme/live", 400],
    ["GET http://other.example/of/acme/live", 400],
  ];
  for (const [line, status] of cases) {
    const bytes = `${line} HTTP/1.1\r\nHost: gw\r\nAuthorization: ${bearer.authorization}\r\n${HANDSHAKE}\r\nGET /open HTTP/1.1\r\nHost: gw\r\n\r\n`;
    const { answers, closed } = await converse(port, bytes);
    t.same([answers.map((answer) => answer.status), closed], [[status], true], line);
  }
  const posted = await converse(port, `POST /of/acme/live HTTP/1.1\r\nHost: gw\r\nContent-Length: 0\r\n${HANDSHAKE}\r\n`, { answers: 1 });
  t.equal(posted.answers[0]?.status, 405);
  t.same(upstream.seen, []);
});

t.test("W2 what is no handshake is refused in the service's own words, logged, and opens nothing", async (t) => {
  const { port, upstream, sallyport } = await startLiveGate(t, { rest: ROUTES });
  const bad: [version: string, fields: string][] = [
    ["1.0", HANDSHAKE],
    ["1.1", HANDSHAKE.replace("Version: 13", "Version: 8")],
    ["1.1", HANDSHAKE.replace("Key: AAAA", "Key: AAA")],
    ["1.1", `${HANDSHAKE}Sec-WebSocket-Protocol: chat, chat\r\n`],
    ["1.1", `${HANDSHAKE}Sec-WebSocket-Protocol: "chat"\r\n`],
  ];
  for (const [version, fields] of bad) {
    const { answers, closed } = await converse(
      port,
      `GET /open HTTP/${version}\r\nHost: gw\r\n${fields}\r\nGET /open HTTP/1.1\r\nHost: gw\r\n\r\n`,
    );
    t.same([answers.map(({ status }) => status), closed], [[400], true], fields);
    const { code, decisionId } = JSON.parse(answers[0]?.body ?? "{}") as Record<string, string>;
    t.equal(code, "REQUEST_INVALID");
    t.match(sallyport.decision(decisionId ?? ""), { code: "REQUEST_INVALID", reason: /^a WebSocket handshake / });
  }
  t.same(upstream.seen, []);
});

t.test("W3 the upstream is told the caller's identity, and nothing of the client's own", async (t) => {
  const { socket, bearer, upstream } = await startLiveGate(t, { rest: ROUTES });
  const forged = { "x-auth-subject": "root", x_auth_tenant: "other", cookie: "a=1", "x-api-key2": "kept", "x-real-ip": "9.9.9.9" };
  t.equal(await handshakeOf(socket("/of/acme/live", { headers: { ...bearer, ...forged } })), 101);
  await until(() => upstream.seen.length > 0);
  const { headers } = upstream.seen[0]!;
  t.match(headers, { "x-auth-subject": "acme", "x-auth-tenant": "acme", "x-auth-kind": "machine", "x-forwarded-for": "127.0.0.1" });
  for (const name of ["authorization", "cookie", "x_auth_tenant", "x-real-ip"]) t.notOk(name in headers, name);
});

t.test("W4 a page of a foreign origin is refused, with or without a credential, and opens nothing", async (t) => {
  const { socket, bearer, upstream } = await startLiveGate(t, { rest: ROUTES });
  for (const origin of ["https://evil.example", "null", `${ORIGIN}.evil.example`, "http://app.example", `${ORIGIN}:8443`]) {
    t.equal(await handshakeOf(socket("/of/acme/live", { headers: bearer, origin })), 403, origin);
    t.equal(await handshakeOf(socket("/open", { origin })), 403, origin);
  }
  t.same(upstream.seen, []);
  t.equal(await handshakeOf(socket("/of/acme/live", { headers: bearer, origin: ORIGIN })), 101);
});

t.test("W5 a token in the subprotocol or in the query is no credential, and stands in no log", async (t) => {
  const { socket, issuer, upstream, sallyport } = await startLiveGate(t, { rest: ROUTES });
  const token = issuer.token();
  t.equal(await handshakeOf(socket("/of/acme/live", {}, ["bearer", token])), 401);
  for (const name of ["access_token", "token", "authorization"])
    t.equal(await handshakeOf(socket(`/of/acme/live?${name}=${token}`)), 401, name);
  t.same(upstream.seen, []);
  t.notMatch(JSON.stringify(sallyport.log()), token.slice(-40));
});

interface Both {
  readonly socket: Promise<{ readonly code: number; readonly reason: string }>;
  readonly stream: Promise<"whole" | "cut">;
}

/** One WebSocket and one event stream. */
async function openBoth({ socket, port }: LiveGate, headers: Readonly<Record<string, string>>): Promise<Both> {
  const live = socket("/keyed/live", { headers });
  if ((await handshakeOf(live)) !== 101) throw new Error("not let in");
  const events = await openStream(port, "/keyed/events", headers);
  return { socket: closeOf(live), stream: events.ended };
}

const CLOSED = { code: 1008, reason: "the credential ended" };

async function bothEnd(t: Test, gate: LiveGate, both: Both): Promise<void> {
  t.same(await both.socket, CLOSED);
  t.equal(await both.stream, "cut");
  await until(() => gate.upstream.open() === 0);
}

const CHANGES: readonly [what: string, change: (gate: LiveGate, key: NewKey) => void][] = [
  ["revoked", ({ store }, { id }) => store.revokeKey("things", id, Date.now())],
  ["ended early, as a rotation does", ({ store }, { id }) => store.expireKey("things", id, Date.now() - 1)],
  ["left with a disabled account", ({ store }) => store.changeAccount("things", "robot", { enabled: false })],
  ["left with an account of a role that may do nothing", ({ store }) => store.changeAccount("things", "robot", { role: "nobody" })],
];

for (const [what, change] of CHANGES) {
  t.test(`W6 a key that is ${what} ends its WebSockets and streams, and nobody else's`, async (t) => {
    const rest = ROUTES.replaceAll("access: authenticated", "access: things.use");
    const gate = await startLiveGate(t, { rest });
    const [key, other] = [gate.newKey("robot"), gate.newKey("bystander")];
    const kept = gate.socket("/keyed/live", { headers: other.headers });
    t.equal(await handshakeOf(kept), 101);
    const both = await openBoth(gate, key.headers);
    change(gate, key);
    t.same(await both.socket, CLOSED);
    t.equal(await both.stream, "cut");
    await until(() => gate.upstream.open() === 1);
    t.equal(await echoed(kept, "still here"), "still here");
    t.match(
      gate.sallyport.log().filter(({ cut }) => cut !== undefined),
      [{ cut: /^the credential ended: / }, { cut: /^the credential ended: / }],
    );
  });
}

const TENANTS_OF_ACCOUNTS = `
roles: { owner: ["*"] }
authenticators:
  key: { apiKey: { header: x-api-key, prefix: thk }, scopes: { all: ["*"] }, tenant: account }
`;

t.test("W6 a key whose account moves to another tenant ends what went by the old one, and nobody else's", async (t) => {
  const gate = await startLiveGate(t, { rest: ROUTES, authenticators: TENANTS_OF_ACCOUNTS });
  const [key, other] = [gate.newKey("robot"), gate.newKey("bystander")];
  for (const account of ["robot", "bystander"]) gate.store.changeAccount("things", account, { tenant: "acme" });
  const kept = gate.socket("/keyed/live", { headers: other.headers });
  t.equal(await handshakeOf(kept), 101);
  const both = await openBoth(gate, key.headers);
  t.equal(gate.upstream.seen.at(-1)?.headers["x-auth-tenant"], "acme", "the service was told a tenant that no part of the request names");
  gate.store.changeAccount("things", "robot", { tenant: "other" });
  t.same(await both.socket, CLOSED);
  t.equal(await both.stream, "cut");
  await until(() => gate.upstream.open() === 1);
  t.equal(await echoed(kept, "still here"), "still here");
  const cuts = gate.sallyport.log().flatMap(({ cut }) => (cut === undefined ? [] : [cut]));
  t.same(cuts, ["the caller's tenant has changed", "the caller's tenant has changed"]);
});

t.test("W6 a token that expires ends its WebSockets and streams", async (t) => {
  const gate = await startLiveGate(t, { rest: ROUTES });
  await bothEnd(t, gate, await openBoth(gate, { authorization: `Bearer ${gate.issuer.token("acme", 3)}` }));
});

t.test("W6 while the key store cannot be read, what is open stays open", async (t) => {
  const gate = await startLiveGate(t, { rest: ROUTES });
  const live = gate.socket("/keyed/live", { headers: gate.newKey("robot").headers });
  t.equal(await handshakeOf(live), 101);
  writeFileSync(gate.sallyport.keyStore, "no database any more");
  await new Promise((resolve) => setTimeout(resolve, 4_500));
  t.equal(await echoed(live, "still here"), "still here");
});

const SECRETS = `
authenticators:
  operators:
    bearer: [{ id: ops, value: "\${file:FILE}", access: [things.use] }, { id: spare, value: "\${file:FILE}2", access: [things.use] }]
`;

/** A secret in a file; the answer sets another policy or secret in force. */
async function startSecret(t: Test) {
  const secret = randomBytes(24).toString("hex");
  const file = join(t.testdir({ secret, other: "" }), "secret");
  const gate = await startLiveGate(t, { rest: ROUTES, authenticators: SECRETS.replaceAll("FILE", file) });
  const policyFile = join(gate.sallyport.folder, "services/things.yaml");
  return {
    gate,
    headers: { authorization: `Bearer ${secret}` },
    async changeSecret() {
      writeFileSync(file, randomBytes(24).toString("hex"));
      t.equal((await gate.sallyport.running.reload()).kind, "loaded");
    },
    async changePolicy(from: string, to: string) {
      writeFileSync(policyFile, readFileSync(policyFile, "utf8").replaceAll(from, to));
      t.equal((await gate.sallyport.running.reload()).kind, "loaded");
    },
  };
}

t.test("W6 a reload that changes a secret, or leaves it out, ends what was opened with it", async (t) => {
  const { gate, headers, changeSecret } = await startSecret(t);
  const both = await openBoth(gate, headers);
  await changeSecret();
  await bothEnd(t, gate, both);
  const renamed = await startSecret(t);
  const other = await openBoth(renamed.gate, renamed.headers);
  await renamed.changePolicy("id: ops", "id: others");
  await bothEnd(t, renamed.gate, other);
});

t.test("W6 a reload that changes rules alone lets what is open be", async (t) => {
  const { gate, headers, changePolicy } = await startSecret(t);
  const live = gate.socket("/keyed/live", { headers });
  t.equal(await handshakeOf(live), 101);
  await changePolicy("GET /keyed/live", "GET /keyed/elsewhere");
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  t.equal(await echoed(live, "still here"), "still here");
  t.equal(await handshakeOf(gate.socket("/keyed/live", { headers })), 404, "a new one is decided by the new policy");
});

t.test("W7 a caller has no more exchanges open than the service allows; others are not concerned", async (t) => {
  const gate = await startLiveGate(t, { rest: `${ROUTES}connections: { perCaller: 3 }\n` });
  const [first, second, other] = [gate.newKey("robot"), gate.newKey("robot"), gate.newKey("bystander")];
  const sockets = [gate.socket("/keyed/live", { headers: first.headers }), gate.socket("/keyed/live", { headers: second.headers })];
  t.same(await Promise.all(sockets.map(handshakeOf)), [101, 101]);
  const stream = await openStream(gate.port, "/keyed/events", first.headers);
  t.equal(stream.status, 200);
  t.equal(await handshakeOf(gate.socket("/keyed/live", { headers: second.headers })), 429, "two keys of one account are one caller");
  t.match(await openStream(gate.port, "/keyed/events", first.headers), { status: 429, code: "RATE_LIMITED" });
  t.equal(await handshakeOf(gate.socket("/keyed/live", { headers: other.headers })), 101);
  stream.leave();
  await until(async () => (await handshakeOf(gate.socket("/keyed/live", { headers: first.headers }))) === 101);
  t.equal(await handshakeOf(gate.socket("/keyed/live", { headers: first.headers })), 429);
});

t.test("W7 one address has no more connections than the policy allows, and all together no more either", async (t) => {
  const bounded = (bounds: string): string => ROUTES + bounds;
  const gate = await startLiveGate(t, { rest: bounded(""), gateway: "" });
  const file = join(gate.sallyport.folder, "sallyport.yaml");
  const allow = async (bounds: string): Promise<void> => {
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace(/^listen: .*$/m, `listen: { host: 127.0.0.1, port: 0, connections: ${bounds} }`),
    );
    t.equal((await gate.sallyport.running.reload()).kind, "loaded");
  };
  const metrics = async (): Promise<string> => (await fetch(`${gate.sallyport.adminUrl}/metrics`)).text();
  for (const [bounds, bound] of [
    ["{ perAddress: 3 }", "address"],
    ["{ total: 3 }", "total"],
  ] as const) {
    await allow(bounds);
    const held = [1, 2, 3].map(() => gate.socket("/open"));
    t.same(await Promise.all(held.map(handshakeOf)), [101, 101, 101]);
    const extra = net.connect(gate.port, "127.0.0.1");
    await goneOf(extra);
    t.equal(extra.bytesRead, 0, "closed without a word");
    t.match(await metrics(), `sallyport_connections_refused_total{bound="${bound}"} 1`);
    t.equal(await echoed(held[0]!, "a"), "a", "and those that are open stay");
    for (const socket of held) socket.terminate();
    await until(async () => /^sallyport_connections_open 0$/m.test(await metrics()));
  }
  await allow("{ perAddress: 1 }");
  writeFileSync(file, `${readFileSync(file, "utf8")}trustProxy: [127.0.0.0/8]\n`);
  t.equal((await gate.sallyport.running.reload()).kind, "loaded");
  t.same(
    await Promise.all([1, 2, 3].map(() => handshakeOf(gate.socket("/open")))),
    [101, 101, 101],
    "a trusted proxy carries many clients",
  );
});

t.test("W7 a message over the route's bound closes the connection, from either side", async (t) => {
  const rest = `routes:\n  GET /small: { access: public, websocket: { maxMessage: 1KB } }\n  GET /large: { access: public, websocket: { maxMessage: 2MB } }\n  GET /usual: { access: public, websocket: true }\n`;
  const { socket, upstream } = await startLiveGate(t, { rest });
  const sizes: [path: string, fits: number, tooLarge: number][] = [
    ["/small", 1024, 1025],
    ["/usual", 1024 ** 2, 1024 ** 2 + 1],
    ["/large", 2 * 1024 ** 2, 2 * 1024 ** 2 + 1],
  ];
  for (const [path, fits, tooLarge] of sizes) {
    const live = socket(path);
    await handshakeOf(live);
    t.equal((await echoed(live, "x".repeat(fits))).length, fits, path);
    const closed = closeOf(live);
    live.send("x".repeat(tooLarge));
    t.equal((await closed).code, 1009, path);
  }
  await until(() => upstream.open() === 0);
});

t.test("W7 no side's offer to compress is taken up, so that no message grows on its way", async (t) => {
  const { port } = await startLiveGate(t, { rest: ROUTES });
  const bytes = `GET /open HTTP/1.1\r\nHost: gw\r\n${HANDSHAKE}Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n`;
  const answer = await new Promise<string>((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.once("data", (data) => {
      socket.destroy();
      resolve(String(data));
    });
  });
  t.match(answer, /^HTTP\/1\.1 101 /);
  t.notMatch(answer, /permessage-deflate/i);
});

t.test("W7 a side that is silent, to pings too, is given up after the route's idle time", async (t) => {
  const rest = `routes:\n  GET /live: { access: public, websocket: { idle: 300ms } }\n`;
  const { socket, upstream } = await startLiveGate(t, { rest });
  const [lively, silent] = [socket("/live"), socket("/live", { autoPong: false })];
  t.same(await Promise.all([lively, silent].map(handshakeOf)), [101, 101]);
  t.equal((await closeOf(silent)).code, 1006);
  t.equal(await echoed(lively, "still here"), "still here");
  await until(() => upstream.open() === 1);
});

t.test("W7 a side that does not read holds the other one back instead of filling memory", async (t) => {
  const { socket, upstream, port } = await startLiveGate(t, { rest: "routes: { GET /live: { access: public, websocket: true } }\n" });
  const live = socket("/live");
  await handshakeOf(live);
  await until(() => upstream.open() === 1);
  live.pause();
  const before = bufferBytes();
  const piece = "x".repeat(512 * 1024);
  for (let count = 0; count < 100; count++) live.send(piece);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  // What is sent here waits in this process too: at the client until the gateway reads, at the echo until the gateway takes it.
  const grownMb = (bufferBytes() - before) / 1024 ** 2;
  t.ok(grownMb < 110, `grew by ${Math.round(grownMb)} MB, 50 MB of it the client's own`);
  live.resume();
  t.equal(await new Promise<number>((resolve) => countMessages(live, 100, resolve)), 100, "and nothing is lost");
  t.equal((await ask(port, "/live")).status, 200);
});

function countMessages(socket: WebSocket, expected: number, done: (count: number) => void): void {
  let count = 0;
  socket.on("message", () => {
    count += 1;
    if (count === expected) done(count);
  });
}

t.test("W8 when the upstream goes, the WebSocket closes; nothing is dialled again in its name", async (t) => {
  const { socket, bearer, upstream } = await startLiveGate(t, { rest: ROUTES });
  const live = socket("/of/acme/live", { headers: bearer });
  await handshakeOf(live);
  await until(() => upstream.open() === 1);
  const closed = closeOf(live);
  upstream.server.closeAllConnections();
  for (const { socket: carrier } of upstream.seen) carrier.destroy();
  t.equal((await closed).code, 4006);
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.equal(upstream.seen.length, 1);
});

t.test("W9 a 101 from an upstream that was not asked for it is a bad answer", async (t) => {
  const switching = net.createServer((socket) =>
    socket
      .on("error", () => {})
      .once("data", () => socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET /smuggled")),
  );
  const upstream = `http://127.0.0.1:${await listen(t, switching)}`;
  const { port } = await startLiveGate(t, { rest: `routes: { GET /a: { access: public, timeouts: { headers: 2s } } }\n`, upstream });
  t.match(await openStream(port, "/a"), { status: 502, code: "UPSTREAM_UNREACHABLE" });
  const { answers, closed } = await converse(
    port,
    "GET /a HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
  );
  t.same([answers.map(({ status }) => status), closed], [[502], true]);
});

t.test("W10 events arrive one by one, however long the stream, and a client that leaves ends it at the upstream", async (t) => {
  const { port, bearer, upstream } = await startLiveGate(t, {
    rest: `routes:\n  GET /events: { access: authenticated, timeouts: { idle: 400ms } }\n`,
  });
  const { ended, leave } = await openStream(port, "/events", bearer);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  t.equal(upstream.open(), 1, "open beyond any time-out but its own");
  leave();
  await ended;
  await until(() => upstream.open() === 0);
});

t.test("W10 a stream in which nothing happens ends after the route's idle time, and not as if it were whole", async (t) => {
  const { port, bearer, upstream } = await startLiveGate(t, {
    rest: `routes:\n  GET /silent: { access: authenticated, timeouts: { idle: 500ms } }\n`,
  });
  t.equal(await (await openStream(port, "/silent", bearer)).ended, "cut");
  await until(() => upstream.open() === 0);
});

t.test("W10 an upstream that ends early is not made to look whole, and one that goes on is not cut", async (t) => {
  const ending = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 0\n\n");
    setTimeout(() => response.destroy(), 100);
  });
  const upstream = `http://127.0.0.1:${await listen(t, ending)}`;
  const { port } = await startLiveGate(t, { rest: "routes: { GET /events: public }\n", upstream });
  t.equal(await (await openStream(port, "/events")).ended, "cut");
});
