/**
 * WebSocket routes, carried by @fastify/http-proxy. The pipeline has decided before its handler runs:
 * plain HTTP is hijacked and never comes here, and an upgrade comes here only when it is allowed.
 */
import { METHODS, type ClientRequest, type IncomingMessage } from "node:http";
import net from "node:net";
import tls from "node:tls";
import httpProxy from "@fastify/http-proxy";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ClientOptions, ServerOptions, WebSocket } from "ws";
import type { Allowance } from "../../contract/decision.ts";
import type { Route } from "../../contract/policy.ts";
import { denialOfAllowed } from "../../decision/body.ts";
import type { Exchange, Refuse } from "../exchange.ts";
import { handshakeFault, WEBSOCKET_VERSION } from "./handshake-fault.ts";
import type { LongLived } from "./long-lived.ts";
import { compileRequestHeaders, type RequestHeaders } from "./request-headers.ts";
import { traceparentSource, type RandomBytes } from "./trace.ts";
import { upstreamTarget } from "./upstream-path.ts";
import { WebSocketLink } from "./websocket-link.ts";
import { ClientSide, guardSide } from "./websocket-side.ts";

export interface WebSocketDeps {
  readonly exchangeOf: (request: IncomingMessage) => Exchange | undefined;
  /** Answers an upgrade that is no handshake in the end. */
  readonly refuse: Refuse;
  /** Called once for each upgrade that was let through, when its connection has closed. */
  readonly done: (exchange: Exchange) => void;
  /** Ends what outlives its credential. */
  readonly longLived: LongLived;
  readonly randomBytes: RandomBytes;
}

/** Largest message that either side may send, where the route does not say. */
const MAX_MESSAGE_BYTES = 1024 * 1024;
/** How long the upstream has to accept. */
const HANDSHAKE_MS = 10_000;

/** Registers the one route of the instance, for every path and method that the router knows, and its upgrades. */
export function registerWebSockets(fastify: FastifyInstance, deps: WebSocketDeps): void {
  const dialer = new Dialer(deps);
  for (const method of METHODS) {
    if (!fastify.supportedMethods.includes(method)) fastify.addHttpMethod(method, { hasBody: true });
  }
  void fastify.register(httpProxy, {
    upstream: "",
    websocket: true,
    httpMethods: fastify.supportedMethods,
    disableCache: true,
    retryMethods: [],
    preHandler: (request, _reply, goOn) => {
      if (dialer.prepare(request)) goOn();
    },
    replyOptions: { getUpstream: (request) => dialer.allowanceOf(request.raw as IncomingMessage).route.service.upstream.origin },
    wsServerOptions: serverOptions(dialer),
    wsClientOptions: clientOptions(dialer),
    wsHooks: {
      onConnect: (_context, source, target) => dialer.linkOf(target)?.opened(source),
      onIncomingMessage: (_context, source, target) => dialer.linkOf(target)?.relayed(source, source, target),
      onOutgoingMessage: (_context, source, target) => dialer.linkOf(target)?.relayed(source, target, source),
    },
  });
}

/** `ws` calls this as a method of its options, right before it reads the bound from them. */
function serverOptions(dialer: Dialer) {
  return {
    // Its type would have the servers hang on the class too.
    WebSocket: ClientSide as never,
    verifyClient(this: Pick<ServerOptions, "maxPayload">, { req }: { req: IncomingMessage }) {
      this.maxPayload = maxMessageBytes(dialer.allowanceOf(req));
      return true;
    },
  };
}

/** `rewriteRequestHeaders` is the proxy's own; the rest goes to the `ws` client as it stands. */
function clientOptions(dialer: Dialer) {
  return {
    handshakeTimeout: HANDSHAKE_MS,
    followRedirects: false,
    perMessageDeflate: false,
    rewriteRequestHeaders: (_headers: unknown, request: FastifyRequest) => dialer.dial(request),
    createConnection: ((options: DialOptions) => dialer.connect(options)) as typeof net.createConnection,
    // As above: `this` is the options of this one connection.
    finishRequest(this: Pick<ClientOptions, "maxPayload">, request: ClientRequest, target: WebSocket) {
      this.maxPayload = maxMessageBytes(dialer.dialled(target));
      request.end();
    },
  };
}

type DialOptions = tls.ConnectionOptions & net.TcpNetConnectOpts & { readonly defaultPort?: number };

/**
 * Opens the upstream's side of each WebSocket. The proxy asks for headers, connection and request one after the other
 * in one go, with nothing in between; so `#dialling` tells which exchange the last two are for.
 */
class Dialer {
  readonly #deps: WebSocketDeps;
  readonly #newTraceparent: () => string;
  readonly #headersOf = new WeakMap<Route, RequestHeaders>();
  readonly #links = new WeakMap<WebSocket, WebSocketLink>();
  #dialling: Exchange | undefined;

  constructor(deps: WebSocketDeps) {
    this.#deps = deps;
    this.#newTraceparent = traceparentSource(deps.randomBytes);
  }

  /** Before the handler: the address that the proxy reads becomes the upstream's. False when the upgrade was refused. */
  prepare(request: FastifyRequest): boolean {
    const exchange = this.#exchangeOf(request.raw);
    const fault = handshakeFault(request.raw);
    if (fault !== undefined) {
      this.#refuse(exchange, fault);
      return false;
    }
    request.raw.url = upstreamTarget(exchange);
    request.raw.socket.once("close", () => {
      exchange.outcome ??= { kind: "refused", code: "REQUEST_INVALID", reason: "no valid WebSocket handshake", status: 400 };
      this.#deps.done(exchange);
    });
    return true;
  }

  /** Whoever speaks another version is told ours (RFC 6455 section 4.4). */
  #refuse(exchange: Exchange, reason: string): void {
    exchange.response.setHeader("sec-websocket-version", WEBSOCKET_VERSION);
    this.#deps.refuse(exchange, denialOfAllowed(allowanceOf(exchange), { code: "REQUEST_INVALID", reason }));
  }

  allowanceOf(request: IncomingMessage): Allowance {
    return allowanceOf(this.#exchangeOf(request));
  }

  dial(request: FastifyRequest): Record<string, string | string[]> {
    const exchange = this.#exchangeOf(request.raw);
    const allowance = allowanceOf(exchange);
    this.#dialling = exchange;
    return asRecord(this.#requestHeaders(exchange, allowance.route)(exchange, allowance));
  }

  connect(options: DialOptions): net.Socket {
    const { verifyTls, origin } = allowanceOf(this.#current()).route.service.upstream;
    const address = { ...options, path: undefined };
    if (!origin.startsWith("https:")) return net.connect(address);
    const { host = "" } = options;
    return tls.connect({ ...address, servername: net.isIP(host) === 0 ? host : "", rejectUnauthorized: verifyTls });
  }

  dialled(target: WebSocket): Allowance {
    const exchange = this.#current();
    this.#dialling = undefined;
    guardSide(target);
    const allowance = allowanceOf(exchange);
    const { timeouts, webSocketBounds } = allowance.route;
    const link = new WebSocketLink(exchange, target, webSocketBounds ? webSocketBounds.idleMs : timeouts.idleMs);
    this.#links.set(target, link);
    const watched = this.#deps.longLived.watch(exchange, link);
    exchange.request.socket.once("close", () => {
      if (watched) this.#deps.longLived.letGo(watched);
      link.ended();
    });
    return allowance;
  }

  linkOf(target: WebSocket): WebSocketLink | undefined {
    return this.#links.get(target);
  }

  #requestHeaders(exchange: Exchange, route: Route): RequestHeaders {
    const known = this.#headersOf.get(route);
    if (known !== undefined) return known;
    const compiled = compileRequestHeaders(exchange.policy, route.service, route.access.kind === "public", this.#newTraceparent);
    this.#headersOf.set(route, compiled);
    return compiled;
  }

  #exchangeOf(request: IncomingMessage): Exchange {
    const exchange = this.#deps.exchangeOf(request);
    if (exchange === undefined) throw new Error("an upgrade that did not come through the pipeline");
    return exchange;
  }

  #current(): Exchange {
    if (this.#dialling === undefined) throw new Error("no upgrade is being dialled");
    return this.#dialling;
  }
}

function allowanceOf(exchange: Exchange): Allowance {
  if (exchange.allowance === undefined || !exchange.upgrade) throw new Error("an upgrade that was not allowed");
  return exchange.allowance;
}

function maxMessageBytes({ route }: Allowance): number {
  return route.webSocketBounds?.maxMessageBytes ?? MAX_MESSAGE_BYTES;
}

/** Field lines to record; repeats become lists. */
function asRecord(lines: string): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = Object.create(null);
  for (const line of lines.slice(2).split("\r\n")) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 2);
    const before = record[name];
    if (before === undefined) record[name] = value;
    else record[name] = typeof before === "string" ? [before, value] : [...before, value];
  }
  return record;
}
