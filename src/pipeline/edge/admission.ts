/** Who may connect at all, and how long a connection may stand still. */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Gateway } from "../../contract/policy.ts";
import { addressSubject } from "../subject.ts";
import { plainAddress } from "./address.ts";

const SWEEP_MS = 1_000;

/** Which bound a connection was closed for. */
export type ConnectionBound = "total" | "address" | "unread";

export interface AdmissionParts {
  readonly gateway: Gateway;
  readonly opened: () => void;
  readonly closed: () => void;
  readonly refused: (bound: ConnectionBound) => void;
}

/** An answer on its way out, as it stood at the last look. */
interface Unread {
  readonly sentBytes: number;
  readonly sweeps: number;
}

export class Admission {
  readonly #parts: AdmissionParts;
  readonly #open = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();
  readonly #unread = new Map<Socket, Unread>();
  /** Connections; of one with TLS, `#open` holds two sockets. */
  #total = 0;
  #gateway: Gateway;
  #server: Server | undefined;
  #sweep: NodeJS.Timeout | undefined;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    this.#gateway = parts.gateway;
  }

  /** From now on all connections of this server. */
  follow(server: Server): void {
    this.#server = server;
    this.use(this.#gateway);
    server.on("connection", (socket) => this.#connected(socket));
    // Over TLS it is this socket that answers are written to.
    server.on("secureConnection", (socket: Socket) => this.#watch(socket));
  }

  /** Other bounds, for what connects from now on, and for what stands still. */
  use(gateway: Gateway): void {
    this.#gateway = gateway;
    if (this.#server === undefined) return;
    this.#server.headersTimeout = gateway.connections.headersMs;
    this.#server.keepAliveTimeout = gateway.connections.idleMs;
  }

  #connected(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? "") ?? "";
    const subject = this.#gateway.trustProxy.has(address) ? undefined : addressSubject(address);
    const bound = this.#exceeded(subject);
    if (bound !== undefined) {
      socket.destroy();
      this.#parts.refused(bound);
      return;
    }
    if (subject !== undefined) this.#count(subject, 1);
    this.#total += 1;
    this.#parts.opened();
    this.#watch(socket);
    socket.once("close", () => {
      if (subject !== undefined) this.#count(subject, -1);
      this.#total -= 1;
      this.#parts.closed();
    });
  }

  #exceeded(subject: string | undefined): ConnectionBound | undefined {
    const { total, perAddress } = this.#gateway.connections;
    if (this.#total >= total) return "total";
    return subject !== undefined && (this.#perAddress.get(subject) ?? 0) >= perAddress ? "address" : undefined;
  }

  #count(subject: string, change: number): void {
    const count = (this.#perAddress.get(subject) ?? 0) + change;
    if (count === 0) this.#perAddress.delete(subject);
    else this.#perAddress.set(subject, count);
  }

  #watch(socket: Socket): void {
    this.#open.add(socket);
    this.#sweep ??= setInterval(() => this.#lookForUnread(), SWEEP_MS).unref();
    socket.once("close", () => {
      this.#open.delete(socket);
      this.#unread.delete(socket);
      if (this.#open.size > 0) return;
      clearInterval(this.#sweep);
      this.#sweep = undefined;
    });
  }

  /** Whoever takes nothing of what waits for it holds memory, and Node itself would wait for ever. */
  #lookForUnread(): void {
    const mostSweeps = this.#gateway.connections.idleMs / SWEEP_MS;
    for (const socket of this.#open) {
      const waiting = socket.writableLength;
      if (waiting === 0) this.#unread.delete(socket);
      else if (this.#sweepsWithout(socket, socket.bytesWritten - waiting) >= mostSweeps) {
        socket.destroy();
        this.#parts.refused("unread");
      }
    }
  }

  /** For how many looks nothing of it has gone out. */
  #sweepsWithout(socket: Socket, sentBytes: number): number {
    const before = this.#unread.get(socket);
    const sweeps = before?.sentBytes === sentBytes ? before.sweeps + 1 : 0;
    this.#unread.set(socket, { sentBytes, sweeps });
    return sweeps;
  }
}
