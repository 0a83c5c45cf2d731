/** A gateway that allows everything: real sockets, hand-made exchanges, the forward stage behind them. */
import { randomBytes } from "node:crypto";
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import net, { type AddressInfo, type Server, type Socket } from "node:net";
import type { Test } from "tap";
import type { Caller } from "../../src/contract/caller.ts";
import type { Denial, RequestFacts } from "../../src/contract/decision.ts";
import { ERRORS } from "../../src/contract/errors.ts";
import { headerKey } from "../../src/contract/header-key.ts";
import type { Mount, Policy, Route, Service, Upstream } from "../../src/contract/policy.ts";
import { DoorRequest } from "../../src/pipeline/door-request.ts";
import type { Exchange } from "../../src/pipeline/exchange.ts";
import { LongLived } from "../../src/pipeline/forward/long-lived.ts";
import { atOnce } from "../../src/contract/steps.ts";
import { createForwarder, type Forwarder, type ForwarderDeps } from "../../src/pipeline/forward/forward.ts";
import { isClosing } from "../../src/pipeline/unread-body.ts";

export interface Shape {
  readonly origin: string;
  readonly upstream?: Partial<Upstream>;
  readonly service?: Partial<Service>;
  readonly route?: Partial<Route>;
  readonly caller?: Caller;
  readonly tenant?: string;
  /** Segments of the service's prefix. */
  readonly prefix?: string;
  readonly stripped?: readonly string[];
  readonly answerHeaders?: Readonly<Record<string, string>>;
  readonly now?: () => number;
}

export interface TestPolicy {
  readonly policy: Policy;
  readonly route: Route;
  readonly mount: Mount;
}

const NONE = { cidrs: [], has: () => false };

/** A policy of one service with one route. */
export function policyOf(shape: Shape): TestPolicy {
  const upstream: Upstream = {
    origin: shape.origin,
    basePath: "",
    verifyTls: true,
    maxConnections: 1_000,
    identity: { subject: "x-auth-subject", kind: "x-auth-kind", tenant: "x-auth-tenant", permissions: "x-auth-permissions" },
    forward: { credential: false, cookies: false },
    ...shape.upstream,
  };
  const routes: Route[] = [];
  const service: Service = {
    name: "things",
    prefixes: [shape.prefix ?? ""],
    stripPrefix: false,
    upstream,
    authenticators: [],
    roles: new Map(),
    maxOpenPerCaller: 1_000,
    errors: { format: "problem", overrides: new Map() },
    routes,
    addressLimits: [],
    ...shape.service,
  };
  const route: Route = {
    name: "ANY /{rest...}",
    service,
    method: "ANY",
    pattern: "/{rest...}",
    rule: "authenticated",
    access: { kind: "authenticated" },
    authenticators: [],
    tenant: "unchecked",
    addressLimits: [],
    callerLimits: [],
    failureLimits: [],
    body: { explicit: false },
    timeouts: {},
    encodedSlash: false,
    websocket: true,
    source: { file: "things.yaml", line: 1, column: 1 },
    ...shape.route,
  };
  routes.push(route);
  const prefix = shape.prefix ?? "";
  const mount: Mount = { service, prefix, prefixLength: prefix.split("/").length - 1, methods: new Map() };
  const policy: Policy = {
    revision: "000000000000",
    gateway: {
      listen: { host: "127.0.0.1", port: 0 },
      connections: { total: 1_000, perAddress: 1_000, headersMs: 10_000, idleMs: 10_000 },
      trustProxy: NONE,
      stores: {
        keys: { kind: "sqlite", path: ":memory:" },
        counters: { kind: "memory", perWorker: false },
        tokenCacheBytes: 64 * 1024 ** 2,
      },
      log: { level: "silent", decisions: "refusals" },
      graceMs: 1000,
    },
    services: [service],
    hosts: { exact: new Map(), suffix: new Map() },
    strippedHeaders: new Set((shape.stripped ?? []).map(headerKey)),
    addressLimits: [],
  };
  return { policy, route, mount };
}

export const PERSON: Caller = {
  subject: "alice",
  kind: "person",
  authenticator: "people",
  permissions: new Set(["things.write", "things.read"]),
  tenantPermissions: new Map(),
  tenants: ["acme"],
  crossTenant: false,
  hasRole: false,
};

/** What the edge, match and authorize stages would have made of a request. */
export function exchangeOf(request: DoorRequest, response: ServerResponse, shape: Shape, made: TestPolicy, target: string): Exchange {
  const { policy, route, mount } = made;
  const [path = "", query = ""] = splitOnce(target);
  const host = (request.headers.host ?? "").replace(/:\d+$/, "").toLowerCase();
  const facts: RequestFacts = {
    method: request.method ?? "",
    path: { segments: path.slice(1).split("/").map(decodeURIComponent), encodedSlash: /%2f/i.test(path) },
    query,
    host,
    address: request.socket.remoteAddress ?? "",
    websocket: request.headers.upgrade !== undefined,
    header: (name) => request.headersDistinct[name] ?? [],
  };
  return {
    id: "decision-1",
    request,
    response,
    policy,
    now: 0,
    startedAt: 0,
    provedAt: 0,
    facts,
    match: { kind: "route", mount, route, params: new Map(), preflight: false },
    corsHeaders: undefined,
    proof: undefined,
    caller: shape.caller,
    limit: undefined,
    allowance: {
      outcome: "allow",
      route,
      ...(shape.caller !== undefined && { caller: shape.caller }),
      ...(shape.tenant !== undefined && { tenant: shape.tenant }),
    },
    expectsContinue: request.headers.expect !== undefined,
    upgrade: request.headers.upgrade !== undefined,
    outcome: undefined,
    over: false,
  };
}

function splitOnce(target: string): string[] {
  const at = target.indexOf("?");
  return at < 0 ? [target] : [target.slice(0, at), target.slice(at + 1)];
}

export interface TestGateway {
  readonly port: number;
  readonly origin: string;
  readonly forwarder: Forwarder;
  /** All exchanges, in order. */
  readonly exchanges: Exchange[];
  /** Exchanges that are over, in order. */
  readonly over: Exchange[];
  readonly denials: Denial[];
  /** Resolves with the next exchange that ends. */
  nextOver(): Promise<Exchange>;
}

/** Looks at the shape's clock; nothing else ends. */
export function longLivedOf(shape: Shape, { policy }: TestPolicy): LongLived {
  const { now = () => 0 } = shape;
  const nothing = () => undefined;
  return new LongLived({ now, policy: () => policy, keys: { find: nothing, findAccessKey: nothing, account: nothing }, failed: nothing });
}

/** Opens a gateway in front of `shape.origin`; it is closed when the test ends. */
export async function openGateway(t: Test, shape: Shape): Promise<TestGateway> {
  const made = policyOf(shape);
  const over: Exchange[] = [];
  const denials: Denial[] = [];
  const waiting: ((exchange: Exchange) => void)[] = [];
  const deps: ForwarderDeps = {
    policy: made.policy,
    answerHeaders: () => Object.entries({ "x-decision-id": "decision-1", ...shape.answerHeaders }).flat(),
    longLived: longLivedOf(shape, made),
    randomBytes: (size) => randomBytes(size),
    monotonicNow: () => performance.now(),
    done: (exchange) => {
      over.push(exchange);
      waiting.shift()?.(exchange);
    },
    refuse: (exchange, denial) => {
      denials.push(denial);
      const { status } = ERRORS[denial.code];
      exchange.outcome = { kind: "refused", code: denial.code, reason: denial.reason, status };
      const body = JSON.stringify({ code: denial.code });
      exchange.response.writeHead(status, { "content-type": "application/json", "content-length": body.length });
      exchange.response.end(body);
    },
  };
  const forwarder = atOnce(createForwarder(deps));
  const exchanges: Exchange[] = [];
  const handle: RequestListener<typeof DoorRequest> = (request, response) => {
    // As the walk does, before there is an exchange.
    if (isClosing(request.socket)) return;
    const exchange = exchangeOf(request, response, shape, made, request.url ?? "/");
    exchanges.push(exchange);
    forwarder.forward(exchange);
  };
  const server = http.createServer({ IncomingMessage: DoorRequest }, handle).on("checkContinue", handle);
  const port = await listen(t, server);
  t.teardown(() => forwarder.close());
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    forwarder,
    exchanges,
    over,
    denials,
    nextOver: () => new Promise((resolve) => waiting.push(resolve)),
  };
}

/** Listens on a free port of loopback until the test ends. */
export async function listen(t: Test, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on(server instanceof http.Server || !("requestTimeout" in server) ? "connection" : "secureConnection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: NodeJS.Dict<string>;
}

export interface Recorder {
  readonly origin: string;
  readonly port: number;
  readonly seen: Seen[];
  /** Forgets the last request that arrived, and gives it back. */
  take(): Seen;
}

/** An upstream that reads each request whole, remembers it, and then answers as told. */
export async function openRecorder(t: Test, answer: RequestListener = (_request, response) => response.end("ok")): Promise<Recorder> {
  const seen: Seen[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      seen.push({
        method: request.method ?? "",
        url: request.url ?? "",
        rawHeaders: request.rawHeaders,
        headers: request.headers,
        body: Buffer.concat(chunks),
        trailers: request.trailers,
      });
      answer(request, response);
    });
  });
  const port = await listen(t, server);
  const take = () => {
    const last = seen.pop();
    if (last === undefined) throw new Error("nothing reached the upstream");
    return last;
  };
  return { port, origin: `http://127.0.0.1:${port}`, seen, take };
}

/** An upstream of raw bytes. */
export async function openRaw(
  t: Test,
  serve: (socket: Socket, count: number) => void,
): Promise<{ origin: string; connections: () => number }> {
  let count = 0;
  const port = await listen(
    t,
    net.createServer((socket) => serve(socket, ++count)),
  );
  return { origin: `http://127.0.0.1:${port}`, connections: () => count };
}

/** Sends bytes as they are and resolves with all that comes back until the connection ends. */
export function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = net.connect(port, "127.0.0.1", () => socket.write(text, "latin1"));
    socket.setEncoding("latin1");
    socket.on("data", (chunk) => (answer += String(chunk)));
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly trailers: NodeJS.Dict<string>;
}

export interface Asked extends http.RequestOptions {
  readonly body?: string | Buffer;
}

/** One request over a connection of its own, read to its end; rejects when the answer is cut. */
export function ask(port: number, path: string, { body, ...options }: Asked = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port, path, agent: false, ...options });
    request.on("error", reject);
    request.on("response", (response) => readAnswer(response).then(resolve, reject));
    request.end(body);
  });
}

export function readAnswer(response: IncomingMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () =>
      resolve({
        status: response.statusCode ?? 0,
        statusText: response.statusMessage ?? "",
        headers: response.headers,
        rawHeaders: response.rawHeaders,
        body: Buffer.concat(chunks),
        trailers: response.trailers,
      }),
    );
  });
}

/** Values of all fields of one name, in order. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_value, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name);
}
