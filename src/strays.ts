/**
 * What never becomes a request of its own: what the HTTP parser gave up on, heads that did not come in time, CONNECT.
 * It is counted, logged and answered as requests are, on the bare socket.
 */
import type { Socket } from "node:net";
import type { Denial } from "./contract/decision.ts";
import type { Policy } from "./contract/policy.ts";
import type { CounterStore, LimitVerdict } from "./contract/stores.ts";
import type { DecisionLog } from "./observability/decisions.ts";
import type { Metrics } from "./observability/metrics.ts";
import { refusalText } from "./pipeline/answer.ts";
import { plainAddress } from "./pipeline/edge/address.ts";
import type { Connections } from "./pipeline/edge/connections.ts";
import { FewAtATime } from "./pipeline/edge/few-at-a-time.ts";
import { answerOnSocket, codeOfParserError } from "./pipeline/edge/unparsed.ts";
import type { Refuse } from "./pipeline/exchange.ts";
import { countAddress, limitReason } from "./pipeline/limit.ts";

export interface StrayParts {
  readonly connections: Connections;
  /** For what is wrong within a request that is under way. */
  readonly refuse: Refuse;
  /** The one in force. */
  readonly policy: () => Policy;
  readonly counters: CounterStore;
  readonly metrics: Metrics;
  readonly decisions: DecisionLog;
  readonly decisionId: () => string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
}

type ParserError = Error & { readonly code?: string };
type Refusal = Pick<Denial, "code" | "reason">;

export class Strays {
  readonly #parts: StrayParts;
  /** It says so again for all that follows. */
  readonly #unreadable = new WeakSet<Socket>();
  /** Time-outs are found all in one look at the connections, however many have come to their end. */
  readonly #late = new FewAtATime();

  constructor(parts: StrayParts) {
    this.#parts = parts;
  }

  /** The parser gave up on a connection. */
  unparsed(error: ParserError, socket: Socket): void {
    const { connections } = this.#parts;
    if (!connections.has(socket) || error.code === "ECONNRESET" || error.code?.startsWith("ERR_SSL_") || !socket.writable) {
      socket.destroy();
      return;
    }
    const { pipelined } = connections;
    pipelined.inOrder(socket, () => {
      if (error.code !== "ERR_HTTP_REQUEST_TIMEOUT") {
        this.#refuseUnparsed(error, socket);
        return;
      }
      const latest = connections.latestId(socket);
      // What came in time after all is taken up first.
      this.#late.add(() => pipelined.inOrder(socket, () => connections.latestId(socket) === latest && this.#timedOut(error, socket)));
    });
  }

  /** No table names CONNECT; Node has let go of the connection, so that nobody else listens to its errors. */
  tunnel(socket: Socket): void {
    socket.on("error", () => socket.destroy());
    // What is said now would be read as the answer to the request ahead.
    if (this.#parts.connections.owes(socket)) socket.destroy();
    else this.#refuseOnSocket(socket, { code: "ROUTE_NOT_FOUND", reason: "CONNECT" });
  }

  /** Whoever said nothing at all has asked for no answer. */
  #timedOut(error: ParserError, socket: Socket): void {
    if (socket.destroyed) return;
    if (socket.bytesRead > 0) {
      this.#refuseUnparsed(error, socket);
      return;
    }
    socket.destroy();
    this.#parts.metrics.connectionRefused("silent");
  }

  /** A parser error in a request's body is that request's; else those before it are answered first, and then there is only the socket. */
  #refuseUnparsed(error: ParserError, socket: Socket): void {
    if (this.#unreadable.has(socket)) return;
    this.#unreadable.add(socket);
    const exchange = this.#parts.connections.latest(socket);
    const refusal: Refusal = { code: codeOfParserError(error.code), reason: `the HTTP parser refused it: ${error.code ?? "unknown"}` };
    if (exchange === undefined || exchange.response.closed) this.#refuseOnSocket(socket, refusal);
    else if (exchange.request.complete || exchange.over || exchange.response.writableEnded) {
      exchange.response.once("close", () => socket.writable && this.#refuseOnSocket(socket, refusal));
    } else {
      exchange.response.once("finish", () => socket.destroySoon());
      this.#parts.refuse(exchange, { outcome: "deny", ...refusal });
    }
  }

  /** Counted in the limits by address, as whatever matches no service is. */
  #refuseOnSocket(socket: Socket, refusal: Refusal): void {
    const { policy, counters, monotonicNow } = this.#parts;
    const { addressLimits, gateway } = policy();
    const address = plainAddress(socket.remoteAddress ?? "") ?? "";
    // Of a trusted peer nobody knows for whom it speaks.
    const verdict = gateway.trustProxy.has(address) ? undefined : countAddress(addressLimits, counters, address, monotonicNow());
    const answer = (late?: LimitVerdict): void => this.#answer(socket, address, refusal, late);
    if (verdict instanceof Promise) void verdict.then(answer, () => answer());
    else answer(verdict);
  }

  #answer(socket: Socket, address: string, refusal: Refusal, verdict: LimitVerdict | undefined): void {
    const limit = verdict?.allowed === false ? verdict.tightest : undefined;
    const { code, reason }: Refusal = limit ? { code: "RATE_LIMITED", reason: `${limitReason(limit)}; ${refusal.reason}` } : refusal;
    const { decisionId, metrics, decisions, now } = this.#parts;
    const decision = decisionId();
    const text = refusalText(code, decision, undefined);
    answerOnSocket(socket, { ...text, decisionId: decision, ...(limit && { retryAfterMs: limit.retryAfterMs }) });
    metrics.countUnparsed(code);
    decisions.writeRecord({
      at: new Date(now()).toISOString(),
      decision,
      outcome: "deny",
      code,
      reason,
      status: text.status,
      method: "",
      ...(address !== "" && { address }),
      latencyMs: 0,
      policy: "",
    });
  }
}
