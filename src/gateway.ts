/**
 * The running gateway: one Fastify instance with one wildcard route, and the policy in force behind it.
 * A new policy takes the place of the old one whole; requests under way finish on the one that they began with.
 */
import { METHODS, type IncomingMessage, type RequestListener } from "node:http";
import type { Socket } from "node:net";
import { fastify, type FastifyInstance } from "fastify";
import type { Denial } from "./contract/decision.ts";
import type { Policy } from "./contract/policy.ts";
import type { CounterStore, KeyReader } from "./contract/stores.ts";
import { createDoorServer, onFailedHandshake, useCertificate, type DoorSecurity, type FailedHandshake } from "./front-door.ts";
import type { DecisionLog } from "./observability/decisions.ts";
import type { Log } from "./observability/log.ts";
import type { Metrics } from "./observability/metrics.ts";
import { answerHeaders, refusalText } from "./pipeline/answer.ts";
import type { Issuers } from "./pipeline/authenticate/jwks.ts";
import { createProver, issuersOf } from "./pipeline/authenticate/prove.ts";
import { Admission } from "./pipeline/edge/admission.ts";
import { Connections } from "./pipeline/edge/connections.ts";
import { answerOnSocket, codeOfParserError } from "./pipeline/edge/unparsed.ts";
import type { Exchange } from "./pipeline/exchange.ts";
import { createForwarder, type Forwarder } from "./pipeline/forward/forward.ts";
import { LongLived } from "./pipeline/forward/long-lived.ts";
import { registerWebSockets } from "./pipeline/forward/websocket.ts";
import { OpenExchanges } from "./pipeline/open-exchanges.ts";
import { compilePlan } from "./pipeline/plan.ts";
import { Walk, type InForce } from "./pipeline/walk.ts";
import type { DoorCertificate } from "./policy/certificate-files.ts";

export interface GatewayParts {
  readonly policy: Policy;
  /** Where the policy's door is one of TLS. */
  readonly certificate?: DoorCertificate;
  readonly keys: KeyReader;
  readonly counters: CounterStore;
  readonly issuers: Issuers;
  readonly log: Log;
  readonly decisions: DecisionLog;
  readonly metrics: Metrics;
  readonly decisionId: () => string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
  readonly randomBytes: (count: number) => Buffer;
}

export interface Gateway {
  /** Starts to listen where the policy says; resolves with the port in use. */
  listen(): Promise<number>;
  policy(): Policy;
  /** Puts another policy in force for all requests that begin from now on. */
  swap(policy: Policy): void;
  /** Handshakes that begin from now on are given this one. `newAuthorities`: connections are closed as they fall idle, so that clients prove themselves anew. */
  useCertificate(certificate: DoorCertificate, newAuthorities: boolean): void;
  /** Takes no more requests; resolves when those under way are over. */
  close(): Promise<void>;
  /** Ends everything that is still under way. */
  cut(): void;
}

/** Builds the gateway with its first policy in force; it does not listen yet. */
export async function createGateway(parts: GatewayParts): Promise<Gateway> {
  const connections = new Connections();
  const admission = createAdmission(parts);
  const shared: Shared = { open: new OpenExchanges(), longLived: createLongLived(parts, () => current.policy) };
  const ofRequest = new WeakMap<IncomingMessage, Exchange>();
  const walk = new Walk({
    ...parts,
    began: (exchange) => {
      connections.began(exchange);
      ofRequest.set(exchange.request, exchange);
      parts.metrics.began();
    },
    ended: (exchange) => {
      const endedAt = parts.monotonicNow();
      shared.open.ended(exchange);
      parts.metrics.count(exchange, endedAt);
      parts.decisions.write(exchange, endedAt);
    },
    isCrowded: (exchange) => connections.isCrowded(exchange),
    failed: (exchange, cause) => parts.log.error({ decision: exchange.id, cause: String(cause), stack: stackOf(cause) }, "internal error"),
  });

  let current = putInForce(parts, parts.policy, walk, shared);
  const targets = new WeakMap<object, string>();
  const security = securityOf(parts);
  const app = createApp(targets, security, {
    // Node hands over the socket at once, although an answer ahead of the handshake may still be owed on it.
    mayUpgrade: (request) => isWebSocketHandshake(request) && !connections.owes(request.socket),
    unrouted: (request, response) => walk.take({ request, response, target: request.url ?? "", upgrade: false, early: false }, current),
    unparsed: (error, socket) => {
      if (connections.has(socket)) refuseUnparsed(parts, walk, connections.latest(socket), error, socket);
      else socket.destroy();
    },
  });
  app.addHook("onRequest", (request, reply, goOn) => {
    const upgrade = (request.raw as IncomingMessage & { readonly upgrade?: boolean }).upgrade === true;
    const early = !upgrade && isWebSocketHandshake(request.raw);
    if (!upgrade) reply.hijack();
    const arriving = { request: request.raw, response: reply.raw, target: targets.get(request.raw) ?? "", upgrade, early };
    walk.take(arriving, upgrade ? { ...current, forward: () => goOn() } : current);
  });
  registerWebSockets(app, {
    ...parts,
    ...shared,
    exchangeOf: (request) => ofRequest.get(request),
    done: (exchange) => walk.end(exchange),
  });
  await app.ready();
  admission.follow(app.server);
  connections.follow(app.server);
  onFailedHandshake(app.server, (failed) => noteHandshake(parts, failed));
  // Without this Node would end the connection without a word.
  app.server.on("connect", (_request, socket) => refuseTunnel(parts, connections, socket as Socket));
  app.server.on("checkContinue", (request, response) => app.routing(request, response));
  app.server.on("checkExpectation", (request, response) => app.routing(request, response));

  const swap = (policy: Policy): void => {
    const old = current;
    current = putInForce(parts, policy, walk, shared);
    admission.use(policy.gateway);
    void old.forwarder.close();
  };
  return {
    listen: () => listen(app, current.policy),
    policy: () => current.policy,
    swap,
    useCertificate: (certificate, newAuthorities) => {
      if (security) useCertificate(app.server, { ...security, certificate });
      if (newAuthorities) connections.renew();
    },
    close: async () => {
      await Promise.all([connections.drain(), app.close()]);
      await current.forwarder.close();
    },
    cut: () => connections.cut(),
  };
}

/** What is one for all policies. */
interface Shared {
  readonly open: OpenExchanges;
  readonly longLived: LongLived;
}

function createAdmission({ policy, metrics }: GatewayParts): Admission {
  return new Admission({
    gateway: policy.gateway,
    opened: metrics.connectionOpened,
    closed: metrics.connectionClosed,
    refused: metrics.connectionRefused,
  });
}

function createLongLived({ now, keys, log }: GatewayParts, policy: () => Policy): LongLived {
  const failed = (cause: unknown): void =>
    log.error({ cause: String(cause), stack: stackOf(cause) }, "open exchanges could not be held against the key store");
  return new LongLived({ now, policy, keys, failed });
}

function putInForce(
  parts: GatewayParts,
  policy: Policy,
  walk: Walk,
  { open, longLived }: Shared,
): InForce & { readonly forwarder: Forwarder } {
  parts.issuers.use(issuersOf(policy));
  const { issuers, keys, monotonicNow, randomBytes } = parts;
  const prover = createProver({ policy, issuers, keys, monotonicNow, randomBytes });
  const forwarder = createForwarder({
    policy,
    answerHeaders,
    refuse: (exchange, denial) => walk.refuse(exchange, denial),
    done: (exchange) => walk.end(exchange),
    longLived,
    randomBytes,
  });
  return {
    policy,
    plan: compilePlan(policy, {
      counters: parts.counters,
      open,
      prove: (service, exchange) => prover.prove(service, exchange, exchange.now),
    }),
    forward: (exchange) => forwarder.forward(exchange),
    forwarder,
  };
}

/** Never a plain door where the policy asks for TLS. */
function securityOf({ policy, certificate }: GatewayParts): DoorSecurity | undefined {
  const { tls } = policy.gateway.listen;
  if (tls === undefined) return undefined;
  if (certificate === undefined) throw new Error("a TLS door needs its certificate");
  return { tls, certificate };
}

/** Strangers cause these as they please: counted, and logged for those who look for them. */
function noteHandshake({ metrics, log }: GatewayParts, { reason, detail, address }: FailedHandshake): void {
  metrics.countFailedHandshake(reason);
  log.debug({ reason, detail, address }, "TLS handshake failed");
}

/** What never comes to a route of the instance: methods that its router does not know, and what the parser refused. */
interface Strays {
  readonly unrouted: RequestListener;
  readonly mayUpgrade: (request: IncomingMessage) => boolean;
  readonly unparsed: (error: Error, socket: Socket) => void;
}

/** Those of RTSP, which the parser knows too, are none. */
const ROUTED_METHODS: ReadonlySet<string> = new Set(METHODS);

/** How long heads and idle connections may take is the policy's to say. */
const HTTP = {
  requestTimeout: 0,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  insecureHTTPParser: false,
  // The edge stage refuses a request without Host itself, so that it is answered, logged and counted as any other.
  requireHostHeader: false,
};

/** The router sees one path only: what a client sent as target is read by the edge stage and nowhere else. */
function createApp(
  targets: WeakMap<object, string>,
  security: DoorSecurity | undefined,
  { unrouted, unparsed, mayUpgrade }: Strays,
): FastifyInstance {
  return fastify({
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    bodyLimit: Number.MAX_SAFE_INTEGER,
    rewriteUrl: (request) => {
      targets.set(request, request.url ?? "");
      return "/";
    },
    serverFactory: (route) =>
      createDoorServer({ ...HTTP, shouldUpgradeCallback: mayUpgrade }, security, (request, response) => {
        if (ROUTED_METHODS.has(request.method ?? "")) route(request, response);
        else unrouted(request, response);
      }),
    clientErrorHandler: unparsed,
  });
}

/** Anything else that asks for an upgrade (h2c) is an ordinary request, and its Upgrade field goes no further. */
function isWebSocketHandshake(request: IncomingMessage): boolean {
  const upgrade = request.headers.upgrade;
  return (
    request.method === "GET" && upgrade !== undefined && upgrade.toLowerCase() === "websocket" && asksForUpgrade(request.headers.connection)
  );
}

function asksForUpgrade(connection: string | undefined): boolean {
  return (
    connection !== undefined &&
    connection
      .toLowerCase()
      .split(",")
      .some((option) => option.trim() === "upgrade")
  );
}

/** Sockets on which the parser gave up: it says so again for all that follows. */
const unreadable = new WeakSet<Socket>();

/** A parser error in a request's body is that request's; else those before it are answered first, and then there is only the socket. */
function refuseUnparsed(parts: GatewayParts, walk: Walk, exchange: Exchange | undefined, error: ParserError, socket: Socket): void {
  if (error.code === "ECONNRESET" || error.code?.startsWith("ERR_SSL_") || !socket.writable) {
    socket.destroy();
    return;
  }
  if (unreadable.has(socket)) return;
  unreadable.add(socket);
  const refusal = { code: codeOfParserError(error.code), reason: `the HTTP parser refused it: ${error.code ?? "unknown"}` };
  if (exchange === undefined || exchange.response.closed) refuseOnSocket(parts, socket, refusal);
  else if (exchange.request.complete || exchange.response.writableEnded) {
    exchange.response.once("close", () => socket.writable && refuseOnSocket(parts, socket, refusal));
  } else {
    exchange.response.once("finish", () => socket.destroySoon());
    walk.refuse(exchange, { outcome: "deny", ...refusal });
  }
}

/** No table names CONNECT; Node has let go of the connection, so that nobody else listens to its errors. */
function refuseTunnel(parts: GatewayParts, connections: Connections, socket: Socket): void {
  socket.on("error", () => socket.destroy());
  // What is said now would be read as the answer to the request ahead.
  if (connections.owes(socket)) socket.destroy();
  else refuseOnSocket(parts, socket, { code: "ROUTE_NOT_FOUND", reason: "CONNECT" });
}

type ParserError = Error & { readonly code?: string };

function refuseOnSocket(parts: GatewayParts, socket: Socket, { code, reason }: Pick<Denial, "code" | "reason">): void {
  const decision = parts.decisionId();
  const text = refusalText(code, decision, undefined);
  answerOnSocket(socket, { ...text, decisionId: decision });
  parts.metrics.countUnparsed(code);
  parts.decisions.writeRecord({
    at: new Date(parts.now()).toISOString(),
    decision,
    outcome: "deny",
    code,
    reason,
    status: text.status,
    method: "",
    ...(socket.remoteAddress !== undefined && { address: socket.remoteAddress }),
    latencyMs: 0,
    policy: "",
  });
}

async function listen(app: FastifyInstance, policy: Policy): Promise<number> {
  const { host, port } = policy.gateway.listen;
  await app.listen({ host, port });
  const address = app.server.address();
  return typeof address === "object" && address ? address.port : port;
}

function stackOf(cause: unknown): string | undefined {
  return cause instanceof Error ? cause.stack : undefined;
}
