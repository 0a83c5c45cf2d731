import { randomBytes } from "node:crypto";
import { once } from "node:events";
import https from "node:https";
import http, { type IncomingMessage } from "node:http";
import net from "node:net";
import { fastify } from "fastify";
import t, { type Test } from "tap";
import { WebSocket, WebSocketServer } from "ws";
import type { DoorRequest } from "../../src/pipeline/door-request.ts";
import type { Exchange } from "../../src/pipeline/exchange.ts";
import { registerWebSockets } from "../../src/pipeline/forward/websocket.ts";
import { certificate, hasOpenssl } from "./certificates.ts";
import { ask, exchangeOf, listen, longLivedOf, PERSON, policyOf, sendRaw, type Shape } from "./harness.ts";

interface Door {
  readonly port: number;
  readonly over: Exchange[];
  nextOver(): Promise<Exchange>;
}

/** A Fastify instance as the gateway builds it: everything is decided in onRequest, plain HTTP is hijacked there. */
async function openDoor(t: Test, shape: Shape & { readonly refuse?: boolean }): Promise<Door> {
  const made = policyOf(shape);
  const exchanges = new WeakMap<IncomingMessage, Exchange>();
  const targets = new WeakMap<object, string>();
  const over: Exchange[] = [];
  const waiting: ((exchange: Exchange) => void)[] = [];
  const app = fastify({
    exposeHeadRoutes: false,
    rewriteUrl: (request) => {
      targets.set(request, request.url ?? "");
      return "/";
    },
  });
  app.addHook("onRequest", (request, reply, goOn) => {
    const exchange = exchangeOf(request.raw as DoorRequest, reply.raw, shape, made, targets.get(request.raw) ?? "");
    exchanges.set(request.raw, exchange);
    if (exchange.upgrade && !shape.refuse) {
      goOn();
      return;
    }
    reply.hijack();
    reply.raw.writeHead(exchange.upgrade ? 401 : 200, { connection: "close" }).end("plain");
  });
  registerWebSockets(app, {
    exchangeOf: (request) => exchanges.get(request),
    refuse: (exchange, { code, reason }) => {
      exchange.outcome = { kind: "refused", code, reason, status: 400 };
      exchange.response.writeHead(400, { connection: "close" }).end(reason);
      over.push(exchange);
      waiting.shift()?.(exchange);
    },
    done: (exchange) => {
      over.push(exchange);
      waiting.shift()?.(exchange);
    },
    longLived: longLivedOf(shape, made),
    randomBytes: (size) => randomBytes(size),
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  t.teardown(() => app.close());
  return { port: (app.server.address() as net.AddressInfo).port, over, nextOver: () => new Promise((resolve) => waiting.push(resolve)) };
}

interface Echo {
  readonly origin: string;
  readonly requests: IncomingMessage[];
  readonly sockets: WebSocket[];
}

/** An upstream that sends every message back. */
async function openEcho(t: Test): Promise<Echo> {
  const requests: IncomingMessage[] = [];
  const sockets: WebSocket[] = [];
  const server = http.createServer();
  const port = await listen(t, server);
  new WebSocketServer({ server }).on("connection", (socket, request) => {
    requests.push(request);
    sockets.push(socket);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  return { origin: `http://127.0.0.1:${port}`, requests, sockets };
}

function dial(t: Test, port: number, path: string, options: import("ws").ClientOptions = {}, protocols: string[] = []): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, options).on("error", () => {});
  t.teardown(() => socket.terminate());
  return socket;
}

async function closed(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await once(socket, "close")) as [number, Buffer];
  return { code, reason: String(reason) };
}

t.test("W3: an allowed upgrade reaches the upstream with the caller's identity and nothing of the client's own", async (t) => {
  const upstream = await openEcho(t);
  const shape = {
    origin: upstream.origin,
    prefix: "/v2",
    service: { stripPrefix: true },
    upstream: { basePath: "/base" },
    caller: PERSON,
    tenant: "acme",
    stripped: ["x-api-key"],
  };
  const door = await openDoor(t, shape);
  const forged = {
    authorization: "Bearer x",
    cookie: "a=1",
    "x-api-key": "k",
    "x-auth-subject": "root",
    x_auth_tenant: "other",
    "x-forwarded-for": "1.1.1.1",
    "x-other": "2",
    origin: "https://app.example",
  };
  const socket = dial(t, door.port, "/v2/%61%2Fb?x=%61&y", { headers: forged }, ["chat"]);
  await once(socket, "open");
  t.equal(socket.protocol, "chat");
  socket.send("hello");
  t.equal(String((await once(socket, "message"))[0]), "hello");
  const request = upstream.requests[0] as IncomingMessage;
  t.equal(request.url, "/base/a%2Fb?x=%61&y");
  t.match(request.headers, {
    host: upstream.origin.slice(7),
    "x-auth-subject": "alice",
    "x-auth-tenant": "acme",
    "x-auth-permissions": "things.read,things.write",
    "x-forwarded-for": "127.0.0.1",
    "x-request-id": "decision-1",
    "x-other": "2",
    origin: "https://app.example",
    "sec-websocket-protocol": "chat",
  });
  for (const name of ["authorization", "cookie", "x-api-key", "x_auth_tenant", "sec-websocket-extensions"])
    t.notOk(name in request.headers, name);
});

t.test("messages pass both ways, text as text and bytes as bytes, and so do close codes", async (t) => {
  const upstream = await openEcho(t);
  const door = await openDoor(t, { origin: upstream.origin });
  const socket = dial(t, door.port, "/a");
  await once(socket, "open");
  const bytes = randomBytes(200_000);
  socket.send(bytes);
  const [data, isBinary] = (await once(socket, "message")) as [Buffer, boolean];
  t.ok(isBinary && data.equals(bytes));
  socket.send("é");
  const [text, textIsBinary] = (await once(socket, "message")) as [Buffer, boolean];
  t.equal(String(text), "é");
  t.notOk(textIsBinary);
  const over = door.nextOver();
  upstream.sockets[0]?.close(4321, "enough");
  t.strictSame(await closed(socket), { code: 4321, reason: "enough" });
  t.match((await over).outcome, { kind: "forwarded", status: 101 });
  t.equal(door.over.length, 1);
});

t.test("a client that leaves ends the upstream's side", async (t) => {
  const upstream = await openEcho(t);
  const door = await openDoor(t, { origin: upstream.origin });
  const socket = dial(t, door.port, "/a");
  await once(socket, "open");
  socket.send("hello");
  await once(socket, "message");
  const gone = once(upstream.sockets[0] as WebSocket, "close");
  socket.terminate();
  await gone;
  t.pass("closed");
});

t.test("W1: a refused upgrade opens no connection to the upstream", async (t) => {
  let connections = 0;
  const port = await listen(
    t,
    net.createServer(() => (connections += 1)),
  );
  const door = await openDoor(t, { origin: `http://127.0.0.1:${port}`, refuse: true });
  const socket = dial(t, door.port, "/a");
  const [, response] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  t.equal(response.statusCode, 401);
  t.equal(connections, 0);
});

const HANDSHAKE = {
  Host: "gw",
  Connection: "upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

const NO_HANDSHAKES: readonly [what: string, change: Readonly<Record<string, string>>, version?: string][] = [
  ["over HTTP/1.0", {}, "1.0"],
  ["of version 7", { "Sec-WebSocket-Version": "7" }],
  ["of version 8", { "Sec-WebSocket-Version": "8" }],
  ["of no version", { "Sec-WebSocket-Version": "" }],
  ["without a key", { "Sec-WebSocket-Key": "" }],
  ["with a short key", { "Sec-WebSocket-Key": "AAAA" }],
  ["with a subprotocol that is no token", { "Sec-WebSocket-Protocol": "a b" }],
  ["with an empty subprotocol", { "Sec-WebSocket-Protocol": "a,,b" }],
  ["with a subprotocol twice", { "Sec-WebSocket-Protocol": "a, b, a" }],
  ["with subprotocols that are a list of none", { "Sec-WebSocket-Protocol": "," }],
];

for (const [what, change, version = "1.1"] of NO_HANDSHAKES) {
  t.test(`W2: a handshake ${what} opens no connection to the upstream, and is over once`, async (t) => {
    const upstream = await openEcho(t);
    const door = await openDoor(t, { origin: upstream.origin });
    const over = door.nextOver();
    const fields = Object.entries({ ...HANDSHAKE, ...change }).map(([name, value]) => `${name}: ${value}\r\n`);
    const answer = await sendRaw(door.port, `GET /a HTTP/${version}\r\n${fields.join("")}\r\nGET /b HTTP/1.1\r\nHost: gw\r\n\r\n`);
    t.match(answer, /^HTTP\/1\.1 400 [^]*sec-websocket-version: 13\r\n[^]*\r\na WebSocket handshake /);
    t.equal(answer.split("HTTP/1.1 ").length - 1, 1);
    t.match((await over).outcome, { kind: "refused", code: "REQUEST_INVALID" });
    t.equal(door.over.length, 1);
    t.equal(upstream.requests.length, 0);
  });
}

t.test("a good handshake lists its subprotocols in one field or in several", async (t) => {
  const upstream = await openEcho(t);
  const door = await openDoor(t, { origin: upstream.origin });
  const socket = dial(t, door.port, "/a", {}, ["chat.v2", "chat"]);
  await once(socket, "open");
  t.equal(socket.protocol, "chat.v2");
});

t.test("W6: when the credential ends both sides are closed with 1008", async (t) => {
  let time = 0;
  const upstream = await openEcho(t);
  const door = await openDoor(t, { origin: upstream.origin, caller: { ...PERSON, expiresAt: 1000 }, now: () => time });
  const socket = dial(t, door.port, "/a");
  await once(socket, "open");
  socket.send("hello");
  await once(socket, "message");
  const ends = [closed(socket), closed(upstream.sockets[0] as WebSocket)];
  const over = door.nextOver();
  time = 1000;
  t.strictSame(await Promise.all(ends), [
    { code: 1008, reason: "the credential ended" },
    { code: 1008, reason: "the credential ended" },
  ]);
  t.match((await over).outcome, { cut: "the credential ended" });
});

t.test("W7: a message over the bound closes the connection with 1009", async (t) => {
  const upstream = await openEcho(t);
  const door = await openDoor(t, { origin: upstream.origin });
  const socket = dial(t, door.port, "/a");
  await once(socket, "open");
  socket.send(Buffer.alloc(1024 * 1024 + 1));
  t.equal((await closed(socket)).code, 1009);
});

t.test("an upstream that refuses or is gone closes the client's side with 1011", async (t) => {
  const refusing = http.createServer((_request, response) => response.writeHead(403).end());
  const port = await listen(
    t,
    refusing.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")),
  );
  const refused = await openDoor(t, { origin: `http://127.0.0.1:${port}` });
  const over = refused.nextOver();
  t.equal((await closed(dial(t, refused.port, "/a"))).code, 1011);
  t.match((await over).outcome, { kind: "forwarded", status: 101, cut: "upstream: answered the handshake with 403" });
  const gone = await openDoor(t, { origin: "http://127.0.0.1:1" });
  const later = gone.nextOver();
  t.equal((await closed(dial(t, gone.port, "/a"))).code, 1011);
  t.match((await later).outcome, { cut: "upstream: ECONNREFUSED" });
});

const NO_TLS = hasOpenssl() ? false : "the openssl command is missing: TLS to WebSocket upstreams was not tested";

t.test("F8: a WebSocket upstream's TLS is verified, unless the file says verify: off", { skip: NO_TLS }, async (t) => {
  const server = https.createServer(certificate(t, "ws", "IP:127.0.0.1"));
  const port = await listen(
    t,
    server.on("tlsClientError", () => {}),
  );
  const requests: IncomingMessage[] = [];
  new WebSocketServer({ server }).on("connection", (socket, request) => {
    requests.push(request);
    socket.send("welcome");
  });
  const origin = `https://127.0.0.1:${port}`;
  const strict = await openDoor(t, { origin });
  const over = strict.nextOver();
  t.equal((await closed(dial(t, strict.port, "/a"))).code, 1011);
  t.match((await over).outcome, { cut: "upstream: DEPTH_ZERO_SELF_SIGNED_CERT" });
  t.equal(requests.length, 0);
  const lax = await openDoor(t, { origin, upstream: { verifyTls: false } });
  t.equal(String((await once(dial(t, lax.port, "/a"), "message"))[0]), "welcome");
});

t.test("what the client sends before the upstream has accepted arrives", async (t) => {
  const server = http.createServer();
  const port = await listen(t, server);
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    setTimeout(
      () =>
        sockets.handleUpgrade(request, socket, head, (accepted) =>
          accepted.on("message", (data) => accepted.send(data, { binary: false })),
        ),
      50,
    );
  });
  const door = await openDoor(t, { origin: `http://127.0.0.1:${port}` });
  const socket = dial(t, door.port, "/a");
  await once(socket, "open");
  const messages: string[] = [];
  const all = new Promise<void>((resolve) => socket.on("message", (data: Buffer) => messages.push(data.toString()) === 20 && resolve()));
  for (let index = 0; index < 20; index++) socket.send(String(index));
  await all;
  t.strictSame(
    messages,
    Array.from({ length: 20 }, (_item, index) => String(index)),
  );
});

t.test("W7: a side that falls silent, to pings too, is given up", async (t) => {
  const upstream = await openEcho(t);
  const door = await openDoor(t, { origin: upstream.origin, route: { timeouts: { idleMs: 100 } } });
  const over = door.nextOver();
  const lively = dial(t, door.port, "/a");
  const silent = dial(t, door.port, "/a", { autoPong: false });
  await Promise.all([once(lively, "open"), once(silent, "open")]);
  t.equal((await closed(silent)).code, 1006);
  t.equal(lively.readyState, WebSocket.OPEN);
  t.match((await over).outcome, { cut: "one side fell silent" });
});

t.test("W2: an upstream that fails in TLS ends the client's connection, and its words stay here", async (t) => {
  const plain = net.createServer((socket) => socket.on("error", () => {}).end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const door = await openDoor(t, { origin: `https://127.0.0.1:${await listen(t, plain)}` });
  const over = door.nextOver();
  const { code, reason } = await closed(dial(t, door.port, "/a"));
  t.same([code, reason], [1011, ""]);
  t.match((await over).outcome, { cut: /^upstream: / });
});

t.test("W7: pings and pongs stay on their side, and a client is not read before its upstream is there", async (t) => {
  const sockets = new WebSocketServer({ noServer: true });
  const [signs, accepted] = [[] as string[], Promise.withResolvers<WebSocket>()];
  const server = http.createServer();
  const goOn = Promise.withResolvers<void>();
  server.on("upgrade", async (request, socket, head) => {
    await goOn.promise;
    sockets.handleUpgrade(request, socket, head, (side) => {
      for (const sign of ["ping", "pong"]) side.on(sign, () => signs.push(sign));
      side.on("message", (data, isBinary) => side.send(data, { binary: isBinary }));
      accepted.resolve(side);
    });
  });
  const door = await openDoor(t, { origin: `http://127.0.0.1:${await listen(t, server)}`, route: { timeouts: {} } });
  const socket = dial(t, door.port, "/a");
  await once(socket, "open");
  let pongs = 0;
  socket.on("pong", () => (pongs += 1));
  for (let count = 0; count < 500; count++) socket.pong("x");
  socket.ping("y");
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(pongs, 0, "nobody has read the ping yet");
  goOn.resolve();
  await accepted.promise;
  socket.send("hello");
  t.equal(String((await once(socket, "message"))[0]), "hello");
  t.same([signs, pongs], [[], 1], "the gateway answered it itself");
});

t.test("plain requests of every method that the parser knows reach the pipeline", async (t) => {
  const upstream = await openEcho(t);
  const door = await openDoor(t, { origin: upstream.origin });
  for (const method of http.METHODS.filter((name) => name !== "CONNECT")) {
    t.equal((await ask(door.port, "/any/where?x", { method })).status, 200, method);
  }
});
