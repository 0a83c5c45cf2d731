/** One WebSocket through the gateway: the client's connection, the upstream's, and what ends both. */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import type { Denial } from "../../contract/decision.ts";
import type { Exchange } from "../exchange.ts";
import type { LongLivedSide } from "./long-lived.ts";
import { SIGN_OF_LIFE } from "./websocket-side.ts";

/** What may wait for a side that reads slowly, before the other side is not read either; the proxy itself knows no back-pressure. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** How often a side that is not read is looked after: `ws` does not tell when what waited has gone. */
const HELD_MS = 20;
/** How long a side has to answer that the connection is being closed. */
const CLOSING_MS = 1_000;

/** RFC 6455 section 7.4.1. */
const POLICY_VIOLATION = 1008;

export class WebSocketLink implements LongLivedSide {
  readonly #exchange: Exchange;
  readonly #target: WebSocket;
  readonly #idleMs: number | undefined;
  #source: WebSocket | undefined;
  #pulse: NodeJS.Timeout | undefined;
  #closing: NodeJS.Timeout | undefined;
  readonly #held = new Set<NodeJS.Timeout>();

  /** `idleMs` is how long either side may stay silent, to pings too. */
  constructor(exchange: Exchange, target: WebSocket, idleMs: number | undefined) {
    this.#exchange = exchange;
    this.#target = target;
    this.#idleMs = idleMs;
    exchange.outcome = { kind: "forwarded", status: 101 };
    target.on("unexpected-response", (request, response) => this.#upstreamRefused(request, response));
    target.on("error", (error) => this.#note(`upstream: ${codeOf(error)}`));
    target.on("close", () => this.#source?.resume());
  }

  /** Both sides are open. */
  opened(source: WebSocket): void {
    this.#source = source;
    source.resume();
    if (this.#idleMs !== undefined) this.#watchPulse(source, this.#idleMs);
  }

  /** A message came from one side, and goes to the other. */
  relayed(source: WebSocket, from: WebSocket, to: WebSocket): void {
    this.#source = source;
    if (to.bufferedAmount > MAX_WAITING_BYTES) this.#hold(from, to);
  }

  /** `reason` is for the log. */
  credentialEnded({ reason }: Denial): void {
    this.#note(reason);
    this.#close(POLICY_VIOLATION, "the credential ended");
  }

  /** Whatever is left ends with the client's connection. */
  ended(): void {
    clearInterval(this.#pulse);
    clearTimeout(this.#closing);
    for (const held of this.#held) clearInterval(held);
    this.#target.terminate();
  }

  /** A side that stays unread for the idle time-out shows no sign of life, and the connection is given up. */
  #hold(from: WebSocket, to: WebSocket): void {
    if (from.isPaused) return;
    from.pause();
    const held = setInterval(() => {
      if (to.bufferedAmount > MAX_WAITING_BYTES / 2) return;
      clearInterval(held);
      this.#held.delete(held);
      from.resume();
    }, HELD_MS).unref();
    this.#held.add(held);
  }

  #close(code: number, reason: string): void {
    this.#closing ??= setTimeout(() => this.#giveUp(), CLOSING_MS).unref();
    this.#source?.close(code, reason);
    if (this.#target.readyState === this.#target.OPEN) this.#target.close(code, reason);
    else this.#target.terminate();
  }

  #upstreamRefused(request: ClientRequest, response: IncomingMessage): void {
    this.#note(`upstream: answered the handshake with ${response.statusCode ?? 0}`);
    request.destroy();
  }

  /** Any message or pong since the last ping is a sign of life. */
  #watchPulse(source: WebSocket, idleMs: number): void {
    const alive = new Set<WebSocket>();
    const sides = [source, this.#target];
    for (const side of sides) {
      for (const sign of ["message", SIGN_OF_LIFE]) side.on(sign, () => alive.add(side));
      side.ping();
    }
    this.#pulse = setInterval(() => {
      if (alive.size < sides.length) this.#lost();
      alive.clear();
      for (const side of sides) if (side.readyState === side.OPEN) side.ping();
    }, idleMs).unref();
  }

  #lost(): void {
    this.#note("one side fell silent");
    this.#giveUp();
  }

  #giveUp(): void {
    this.#source?.terminate();
    this.#target.terminate();
  }

  #note(cut: string): void {
    const { outcome } = this.#exchange;
    if (outcome?.kind === "forwarded" && outcome.cut === undefined) this.#exchange.outcome = { ...outcome, cut };
  }
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
