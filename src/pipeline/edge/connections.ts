/** The clients' connections: which request each carries, and how they end when the gateway stops. */
import { Server } from "node:http";
import type { Socket } from "node:net";
import type { Exchange } from "../exchange.ts";

export class Connections {
  readonly #open = new Set<Socket>();
  readonly #latest = new WeakMap<Socket, Exchange>();
  readonly #allClosed = Promise.withResolvers<void>();
  #server: Server | undefined;
  #draining = false;

  /** From now on all connections of this server. */
  follow(server: Server): void {
    this.#server = server;
    server.on("connection", (socket) => this.#opened(socket));
    // Node's own takes a connection for idle once its answer is written, although it may not be sent yet.
    server.closeIdleConnections = () => undefined;
  }

  began(exchange: Exchange): void {
    const { socket } = exchange.request;
    this.#latest.set(socket, exchange);
    if (this.#draining) this.#release(socket);
  }

  /** The request that arrived last on a connection; it may be over. */
  latest(socket: Socket): Exchange | undefined {
    return this.#latest.get(socket);
  }

  /** Takes no new connections; closes each that there is when it owes nobody an answer. Resolves with the last one. */
  drain(): Promise<void> {
    this.#draining = true;
    // The prototype's: @fastify/http-proxy replaces `close` by one that goes on listening until the last WebSocket has closed.
    if (this.#server?.listening) Server.prototype.close.call(this.#server);
    for (const socket of this.#open) this.#release(socket);
    this.#settle();
    return this.#allClosed.promise;
  }

  /** Ends all that is under way, WebSockets too. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #opened(socket: Socket): void {
    this.#open.add(socket);
    socket.once("close", () => {
      this.#open.delete(socket);
      this.#settle();
    });
  }

  #settle(): void {
    if (this.#draining && this.#open.size === 0) this.#allClosed.resolve();
  }

  #release(socket: Socket): void {
    const exchange = this.#latest.get(socket);
    if (exchange === undefined || isSent(exchange)) {
      socket.destroy();
      return;
    }
    // A WebSocket's end is a matter between the two sides of it.
    if (exchange.upgrade) return;
    const { response } = exchange;
    if (!response.headersSent) response.shouldKeepAlive = false;
    response.once("close", () => this.latest(socket) === exchange && socket.destroySoon());
  }
}

function isSent({ response, upgrade }: Exchange): boolean {
  return !upgrade && (response.writableFinished || response.destroyed);
}
