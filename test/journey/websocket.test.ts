/** WebSocket routes through the whole gateway: the same decision as for any request, then both ways until the credential ends. */
import { createServer, type IncomingMessage } from "node:http";
import t, { type Test } from "tap";
import { WebSocket, WebSocketServer, type ClientOptions } from "ws";
import { ask, listen, readAnswer, sendRaw, valuesOf } from "../forward/harness.ts";
import { startThings, until, type Things } from "./things.ts";

const ORIGIN = "https://app.example";
const ROUTES = `
tenant: { path: tenant }
cors: { origins: ["${ORIGIN}"] }
routes:
  GET /of/{tenant}/live: { access: authenticated, websocket: true }
  GET /of/{tenant}/plain: authenticated
  GET /open: { access: public, websocket: true }
`;

interface Sockets extends Things {
  /** Handshakes that reached the upstream. */
  readonly seen: IncomingMessage[];
  /** Close codes that the upstream's side has seen. */
  readonly closed: number[];
  readonly open: (path: string, options?: ClientOptions, protocols?: string[]) => WebSocket;
}

/** The upstream echoes, and says `bye` before it closes when it is told to. */
async function start(t: Test, rest = ROUTES): Promise<Sockets> {
  const [seen, closed]: [IncomingMessage[], number[]] = [[], []];
  const server = createServer((_request, response) => response.end("plain"));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, request) => {
    seen.push(request);
    socket.on("message", (data, isBinary) =>
      (data as Buffer).toString() === "close" ? socket.close(4001, "as told") : socket.send(data, { binary: isBinary }),
    );
    socket.on("close", (code) => closed.push(code));
  });
  const things = await startThings(t, { upstream: `http://127.0.0.1:${await listen(t, server)}`, rest });
  const clients: WebSocket[] = [];
  t.teardown(() => clients.forEach((client) => client.terminate()));
  const open = (path: string, options: ClientOptions = {}, protocols: string[] = []): WebSocket => {
    const client = new WebSocket(`ws://127.0.0.1:${things.port}${path}`, protocols, options);
    clients.push(client);
    return client;
  };
  return { ...things, seen, closed, open };
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
}

function message(socket: WebSocket): Promise<Buffer> {
  return new Promise((resolve) => socket.once("message", (data) => resolve(data as Buffer)));
}

function closing(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => socket.once("close", (code, reason) => resolve({ code, reason: String(reason) })));
}

interface Refused {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function refused(socket: WebSocket): Promise<Refused> {
  socket.on("error", () => {});
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    socket.once("open", () => reject(new Error("it was let in")));
    socket.once("unexpected-response", (_request, answer) => resolve(answer));
  });
  const { body } = await readAnswer(response);
  return { status: response.statusCode ?? 0, body: JSON.parse(body.toString()) as Record<string, unknown> };
}

t.test("an allowed socket carries text and binary both ways, a subprotocol and the upstream's close", async (t) => {
  const { open, bearer } = await start(t);
  const socket = open("/of/acme/live", { headers: bearer }, ["chat"]);
  await opened(socket);
  t.equal(socket.protocol, "chat");
  for (const data of ["hello", "é€😀", "x".repeat(200_000)]) {
    socket.send(data);
    t.equal(String(await message(socket)), data);
  }
  socket.send(Buffer.from([0, 1, 255]));
  t.same([...(await message(socket))], [0, 1, 255]);
  const closed = closing(socket);
  socket.send("close");
  t.same(await closed, { code: 4001, reason: "as told" });
});

t.test("the upstream is told who is calling, and sees neither credential nor forgery", async (t) => {
  const { open, bearer, seen } = await start(t);
  const forged = { "x-auth-subject": "root", "X-Auth_Tenant": "other", "x-forwarded-for": "9.9.9.9", cookie: "a=1", "x-plain": "kept" };
  await opened(open("/of/acme/live?topic=a%20b", { headers: { ...bearer, ...forged } }));
  await until(() => seen.length > 0);
  const [request] = seen;
  t.equal(request?.url, "/of/acme/live?topic=a%20b");
  t.match(request?.headers, {
    "x-auth-subject": "acme",
    "x-auth-kind": "machine",
    "x-auth-tenant": "acme",
    "x-forwarded-for": "127.0.0.1",
    "x-plain": "kept",
    authorization: undefined,
    cookie: undefined,
  });
  t.same(valuesOf(request?.rawHeaders ?? [], "x-auth_tenant"), []);
});

t.test("a socket that is not allowed is refused as any request, in the service's format, and the upstream sees nothing", async (t) => {
  const { open, bearer, issuer, seen } = await start(t);
  const old = issuer.pool.machineToken({ clientId: "acme", scopes: ["things/all"], issuedAt: Date.now() - 7_200_000 });
  const expired = { authorization: `Bearer ${old}` };
  const cases: [path: string, headers: Record<string, string>, status: number, code: string][] = [
    ["/of/acme/live", {}, 401, "TOKEN_MISSING"],
    ["/of/acme/live", { authorization: "Bearer nonsense" }, 401, "TOKEN_INVALID"],
    ["/of/acme/live", expired, 401, "TOKEN_EXPIRED"],
    ["/of/other/live", bearer, 403, "TENANT_MISMATCH"],
    ["/of/acme/plain", bearer, 404, "ROUTE_NOT_FOUND"],
    ["/nothing", bearer, 404, "ROUTE_NOT_FOUND"],
  ];
  for (const [path, headers, status, code] of cases)
    t.match(await refused(open(path, { headers })), { status, body: { code } }, `${path} ${code}`);
  t.same(seen, []);
});

t.test("a page of a foreign origin is refused, one of a listed origin let in, and no origin is no page", async (t) => {
  const { open, bearer, seen } = await start(t);
  for (const origin of ["https://evil.example", "null", "https://app.example.evil.example", "http://app.example"]) {
    t.match(
      await refused(open("/of/acme/live", { headers: bearer, origin })),
      { status: 403, body: { code: "ORIGIN_NOT_ALLOWED" } },
      origin,
    );
    t.match(await refused(open("/open", { origin })), { status: 403 }, `public, ${origin}`);
  }
  t.same(seen, []);
  await opened(open("/of/acme/live", { headers: bearer, origin: ORIGIN }));
  await opened(open("/of/acme/live", { headers: bearer }));
  await until(() => seen.length > 1);
});

t.test("in a service without cors a socket with an origin is refused", async (t) => {
  const { open } = await start(t, "routes: { GET /open: { access: public, websocket: true } }");
  t.match(await refused(open("/open", { origin: ORIGIN })), { status: 403, body: { code: "ORIGIN_NOT_ALLOWED" } });
  await opened(open("/open"));
});

t.test("both sides are closed when the credential ends", async (t) => {
  const { open, issuer, closed, sallyport } = await start(t);
  const socket = open("/of/acme/live", { headers: { authorization: `Bearer ${issuer.token("acme", 2)}` } });
  await opened(socket);
  t.same(await closing(socket), { code: 1008, reason: "the credential ended" });
  await until(() => closed.length > 0);
  t.same(closed, [1008]);
  await until(() => sallyport.log().some(({ cut }) => cut === "the credential ended"));
});

t.test("a client that leaves ends the upstream's socket", async (t) => {
  const { open, bearer, closed } = await start(t);
  const socket = open("/of/acme/live", { headers: bearer });
  await opened(socket);
  socket.terminate();
  await until(() => closed.length > 0);
  t.equal(closed.length, 1);
});

t.test("a route for sockets answers a plain request too, and other upgrades are plain requests", async (t) => {
  const { port, bearer, seen } = await start(t);
  t.equal(String((await ask(port, "/of/acme/live", { headers: bearer })).body), "plain");
  const raw = await sendRaw(
    port,
    `GET /of/acme/live HTTP/1.1\r\nHost: gw\r\nAuthorization: ${bearer.authorization}\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n`,
  );
  t.match(raw, /^HTTP\/1\.1 200 [^]*plain/);
  t.same(seen, []);
});

t.test("an upgrade that is no valid handshake opens nothing, and what follows it is not read as a request", async (t) => {
  const { port, bearer, seen } = await start(t);
  const head = `GET /of/acme/live HTTP/1.1\r\nHost: gw\r\nAuthorization: ${bearer.authorization}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  const key = `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n`;
  const cases = { "no version": key, "an old version": `${key}Sec-WebSocket-Version: 7\r\n`, "no key": "Sec-WebSocket-Version: 13\r\n" };
  for (const [name, fields] of Object.entries(cases)) {
    const raw = await sendRaw(port, `${head}${fields}\r\nGET /of/acme/plain HTTP/1.1\r\nHost: gw\r\n\r\n`);
    t.match(raw, /^HTTP\/1\.1 4\d\d /, name);
    t.equal(raw.split("HTTP/1.1 ").length - 1, 1, name);
  }
  t.same(seen, []);
});

t.test("an upstream that does not take the socket closes it, and the gateway goes on", async (t) => {
  const upstream = createServer((_request, response) => response.writeHead(403).end());
  const rest = "routes: { GET /open: { access: public, websocket: true } }";
  const { port } = await startThings(t, { upstream: `http://127.0.0.1:${await listen(t, upstream)}`, rest });
  const socket = new WebSocket(`ws://127.0.0.1:${port}/open`).on("error", () => {});
  const { code } = await closing(socket);
  t.ok(code === 1011 || code === 1006, `code ${code}`);
  t.equal((await ask(port, "/open")).status, 403);
});
