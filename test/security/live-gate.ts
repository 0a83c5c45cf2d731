/** A whole Sallyport in front of an upstream that keeps streams and WebSockets open, and counts them. */
import { createServer, request as ask, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { randomBytes } from "node:crypto";
import { connect, type Server as NetServer, type Socket } from "node:net";
import type { Test } from "tap";
import { WebSocket, WebSocketServer, type ClientOptions } from "ws";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import { openSqliteKeys, type SqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { listen } from "../forward/harness.ts";
import { startThings, thingsFiles, until, type Things, type ThingsShape } from "../journey/things.ts";

const TICK_MS = 50;

export interface LiveUpstream {
  readonly origin: string;
  readonly server: Server;
  /** Every request and handshake that reached it, in order. */
  readonly seen: IncomingMessage[];
  /** Streams and WebSockets that are open now. */
  readonly open: () => number;
  /** Codes with which WebSockets closed. */
  readonly closed: number[];
}

/** `/events` ticks for ever, `/silent` sends a head and nothing more, a WebSocket echoes, anything else is answered `ok`. */
export async function startLiveUpstream(t: Test): Promise<LiveUpstream> {
  const [seen, closed, open]: [IncomingMessage[], number[], Set<object>] = [[], [], new Set()];
  const server = createServer((request, response) => {
    seen.push(request);
    if (/\/(?:events|silent)$/.test(request.url ?? "")) stream(request, response, open);
    else request.resume().on("end", () => response.end("ok"));
  });
  new WebSocketServer({ server }).on("connection", (socket, request) => {
    seen.push(request);
    open.add(socket);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on("error", () => {});
    socket.on("close", (code) => {
      open.delete(socket);
      closed.push(code);
    });
  });
  const origin = `http://127.0.0.1:${await listen(t, server)}`;
  return { origin, server, seen, closed, open: () => open.size };
}

function stream({ url }: IncomingMessage, response: ServerResponse, open: Set<object>): void {
  open.add(response);
  response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 0\n\n");
  const ticks = url?.endsWith("/events") === true ? setInterval(() => response.write("data: tick\n\n"), TICK_MS) : undefined;
  response.once("close", () => {
    clearInterval(ticks);
    open.delete(response);
  });
}

export interface NewKey {
  readonly id: string;
  /** The field to send. */
  readonly headers: { readonly "x-api-key": string };
}

export interface LiveGate extends Things {
  readonly upstream: LiveUpstream;
  /** The store as commands write it. */
  readonly store: SqliteKeys;
  /** A key of an account of its own, which is made with it. */
  readonly newKey: (account: string) => NewKey;
  readonly socket: (path: string, options?: ClientOptions, protocols?: string[]) => WebSocket;
}

export interface LiveShape extends Omit<ThingsShape, "upstream"> {
  /** In place of the live one. */
  readonly upstream?: string;
  /** `listen.connections` of the gateway file. */
  readonly connections?: string;
  /** `upstream.connections` of the service. */
  readonly upstreamConnections?: number;
}

export async function startLiveGate(t: Test, shape: LiveShape): Promise<LiveGate> {
  const upstream = await startLiveUpstream(t);
  const whole = { upstream: upstream.origin, ...shape };
  const things = await startThings(t, whole, { files: filesOf(whole) });
  const store = openSqliteKeys(things.sallyport.keyStore, { side: "command", create: true });
  t.teardown(() => store.close());
  return {
    ...things,
    upstream,
    store,
    newKey: (account) => newKey(store, account),
    socket(path, options = {}, protocols = []) {
      const socket = new WebSocket(`ws://127.0.0.1:${things.port}${path}`, protocols, options).on("error", () => {});
      t.teardown(() => socket.terminate());
      return socket;
    },
  };
}

function filesOf(shape: LiveShape & { readonly upstream: string }): Record<string, string> {
  const { connections = "{}", upstreamConnections = 1_000 } = shape;
  const files = Object.entries(thingsFiles(shape)).map(([path, text]) => [
    path,
    text.replace(/^listen: \{/m, `$& connections: ${connections},`).replace(/^upstream: \{/m, `$& connections: ${upstreamConnections},`),
  ]);
  return Object.fromEntries(files) as Record<string, string>;
}

function newKey(store: SqliteKeys, account: string): NewKey {
  const { id, key } = makeApiKey("thk", randomBytes);
  store.createAccount({ service: "things", id: account, kind: "service", role: "owner", enabled: true });
  store.createKey({ service: "things", id, account, scopes: ["all"], digest: digestApiKey(key), createdAt: Date.now() });
  return { id, headers: { "x-api-key": key } };
}

export interface Stream {
  readonly status: number;
  readonly code: unknown;
  /** Resolves when it has ended, with how. */
  readonly ended: Promise<"whole" | "cut">;
  readonly leave: () => void;
}

/** Resolves when the first piece of the answer has come. */
export function openStream(port: number, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const sent = ask({ host: "127.0.0.1", port, path, headers, agent: false }).on("error", reject).end();
    sent.on("response", (response) => {
      const ended = new Promise<"whole" | "cut">((done) =>
        response.on("error", () => {}).once("close", () => done(response.complete ? "whole" : "cut")),
      );
      response.once("data", (data: Buffer) =>
        resolve({ status: response.statusCode ?? 0, code: codeIn(String(data)), ended, leave: () => sent.destroy() }),
      );
    });
  });
}

function codeIn(body: string): unknown {
  return body.startsWith("{") ? (JSON.parse(body) as Record<string, unknown>)["code"] : undefined;
}

/** What came of a handshake: 101, or the status of its refusal; 0 when the connection just closed. */
export function handshakeOf(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => {
    socket.once("open", () => resolve(101));
    socket.once("unexpected-response", (request, response) => {
      request.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.once("close", () => resolve(0));
  });
}

/** Code and reason with which a WebSocket closes. */
export function closeOf(socket: WebSocket): Promise<{ readonly code: number; readonly reason: string }> {
  return new Promise((resolve) => socket.once("close", (code, reason) => resolve({ code, reason: String(reason) })));
}

/** How many connections a server has open. */
export function connectionsOf(server: NetServer): Promise<number> {
  return new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
}

/** Resolves when the connection has closed, however; what comes is thrown away. */
export function goneOf(socket: Socket): Promise<void> {
  return new Promise((resolve) =>
    socket
      .on("error", () => {})
      .once("close", () => resolve())
      .resume(),
  );
}

/** A bare connection, closed when the test ends. */
export function dial(t: Test, port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true }).on("error", () => {});
  t.teardown(() => socket.destroy());
  return socket;
}

/** A metric without labels, as the admin door tells it now. */
export async function metric({ sallyport }: Things, name: string): Promise<number> {
  const text = await (await fetch(`${sallyport.adminUrl}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
}

/** Resolves when nothing is under way any more, on either side. */
export async function nothingLeft(gate: LiveGate): Promise<void> {
  await until(async () => (await metric(gate, "sallyport_requests_open")) === 0);
  await until(async () => (await metric(gate, "sallyport_connections_open")) === 0);
  await until(async () => gate.upstream.open() === 0 && (await connectionsOf(gate.upstream.server)) === 0);
}
