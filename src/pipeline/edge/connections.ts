/** The clients' connections: which request each carries, and how they end when the gateway stops. */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { Exchange } from "../exchange.ts";
import { closeAfterAnswer, isClosing } from "../unread-body.ts";
import { Pipelined } from "./pipelined.ts";

/** On the socket itself: a look-up by socket would cost every request, and keep what it finds alive for long. */
const LATEST = Symbol("latest exchange");
const LATEST_ID = Symbol("id of the latest exchange");

interface Followed extends Socket {
  /** Until it is over. What stays while a connection stands idle survives two minor collections, and then costs a major one. */
  [LATEST]?: Exchange | undefined;
  [LATEST_ID]?: string;
}

export class Connections {
  readonly pipelined = new Pipelined();
  readonly #open = new Set<Socket>();
  /** Connections that have not finished their TLS handshake, by their two ends. */
  readonly #handshaking = new Map<string, Socket>();
  /** Connections that end with the next answer. */
  readonly #renewed = new WeakSet<Socket>();
  readonly #allClosed = Promise.withResolvers<void>();
  #server: Server | undefined;
  #draining = false;

  /** From now on all connections of this server. */
  follow(server: Server): void {
    this.#server = server;
    server.on("connection", (socket) => this.#opened(socket));
    if (server instanceof TlsServer) this.#followHandshakes(server);
    // Node's own takes a connection for idle once its answer is written, although it may not be sent yet.
    server.closeIdleConnections = () => undefined;
  }

  /** False until its TLS handshake is finished, and once it is closed. */
  has(socket: Socket): boolean {
    return this.#open.has(socket);
  }

  began(exchange: Exchange): void {
    const { socket } = exchange.request;
    const ahead = this.latest(socket);
    (socket as Followed)[LATEST] = exchange;
    (socket as Followed)[LATEST_ID] = exchange.id;
    if (exchange.response.socket === null || (ahead !== undefined && !isSent(ahead))) this.pipelined.began(exchange);
    if (this.#draining || this.#renewed.has(socket)) this.#release(socket);
  }

  /** Lets go of it where its answer has been sent. */
  ended(exchange: Exchange): void {
    const { socket } = exchange.request;
    if (this.latest(socket) === exchange && isSent(exchange)) (socket as Followed)[LATEST] = undefined;
  }

  /** Whether an answer on this connection is still to be sent. */
  owes(socket: Socket): boolean {
    const latest = this.latest(socket);
    return isClosing(socket) || this.pipelined.isWaiting(socket) || (latest !== undefined && !isSent(latest));
  }

  /** The request that was taken up last on a connection; undefined where there was none. It may be over. */
  latest(socket: Socket): Exchange | undefined {
    return (socket as Followed)[LATEST];
  }

  /** Tells whether another request was taken up since. */
  latestId(socket: Socket): string | undefined {
    return (socket as Followed)[LATEST_ID];
  }

  /** Takes no new connections; closes each that there is when it owes nobody an answer. Resolves with the last one. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#server?.listening) this.#server.close();
    for (const socket of this.#open) this.#release(socket);
    this.#settle();
    return this.#allClosed.promise;
  }

  /** Closes each connection that there is now when it owes nobody an answer, so that its client begins another. A new one is left its first request. */
  renew(): void {
    for (const socket of this.#open) {
      this.#renewed.add(socket);
      if (this.latestId(socket) !== undefined) this.#release(socket);
    }
  }

  /** Ends all that is under way, WebSockets too. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Once the handshake is finished the connection is another socket, which carries the one below along. */
  #followHandshakes(server: TlsServer): void {
    server.on("connection", (socket: Socket) => {
      const ends = endsOf(socket);
      this.#handshaking.set(ends, socket);
      socket.once("close", () => this.#handshaking.get(ends) === socket && this.#handshaking.delete(ends));
    });
    server.on("secureConnection", (socket) => {
      const ends = endsOf(socket);
      const below = this.#handshaking.get(ends);
      this.#handshaking.delete(ends);
      if (below !== undefined) this.#open.delete(below);
      if (below !== undefined && this.#renewed.has(below)) this.#renewed.add(socket);
      this.#opened(socket);
    });
  }

  #opened(socket: Socket): void {
    this.#open.add(socket);
    socket.once("close", () => {
      this.#open.delete(socket);
      setImmediate(() => this.pipelined.abandon(socket));
      this.#settle();
    });
  }

  #settle(): void {
    if (this.#draining && this.#open.size === 0) this.#allClosed.resolve();
  }

  #release(socket: Socket): void {
    // The last of what waits for its turn is released as it begins.
    if (this.pipelined.isWaiting(socket)) return;
    const exchange = this.latest(socket);
    if (exchange === undefined || isSent(exchange)) {
      socket.destroy();
      return;
    }
    // A WebSocket's end is a matter between the two sides of it.
    if (exchange.upgrade) return;
    const { response } = exchange;
    if (!response.headersSent) closeAfterAnswer(exchange);
    response.once("close", () => this.latestId(socket) === exchange.id && socket.destroySoon());
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/** One that was broken off while it waited for its turn is still to end the connection. */
function isSent({ response, upgrade }: Exchange): boolean {
  return !upgrade && (response.writableFinished || (response.destroyed && response.socket !== null));
}
