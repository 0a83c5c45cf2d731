/** One WebSocket through the gateway: the client's connection, the upstream's, and what ends both. */
import type { ClientRequest, IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import type { Exchange } from "../exchange.ts";

/** What may wait for a side that reads too slowly; the proxy itself knows no back-pressure. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** RFC 6455 section 7.4.1, and 1013 of its registry: try again later. */
const POLICY_VIOLATION = 1008;
const TRY_AGAIN_LATER = 1013;

export class WebSocketLink {
  readonly #exchange: Exchange;
  readonly #target: WebSocket;
  readonly #idleMs: number | undefined;
  #source: WebSocket | undefined;
  #pulse: NodeJS.Timeout | undefined;

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
    if (to.readyState === to.CONNECTING) from.pause();
    else if (to.bufferedAmount > MAX_WAITING_BYTES) this.#close(TRY_AGAIN_LATER, "one side reads too slowly");
  }

  credentialEnded(): void {
    this.#close(POLICY_VIOLATION, "the credential ended");
  }

  /** Whatever is left ends with the client's connection. */
  ended(): void {
    clearInterval(this.#pulse);
    this.#target.terminate();
  }

  #close(code: number, reason: string): void {
    this.#note(reason);
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
      for (const sign of ["message", "ping", "pong"]) side.on(sign, () => alive.add(side));
      side.ping();
    }
    this.#pulse = setInterval(() => {
      if (alive.size < sides.length) this.#lost(sides);
      alive.clear();
      for (const side of sides) if (side.readyState === side.OPEN) side.ping();
    }, idleMs).unref();
  }

  #lost(sides: readonly WebSocket[]): void {
    this.#note("one side fell silent");
    for (const side of sides) side.terminate();
  }

  #note(cut: string): void {
    const { outcome } = this.#exchange;
    if (outcome?.kind === "forwarded" && outcome.cut === undefined) this.#exchange.outcome = { ...outcome, cut };
  }
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
