/** The walk: takes each request through the stages and sees to it that it is answered once and counted once. */
import type { ServerResponse } from "node:http";
import type { Denial, Match, PreflightAnswer, RequestFacts } from "../contract/decision.ts";
import type { Policy } from "../contract/policy.ts";
import { corsHeaders } from "../decision/cors.ts";
import { match } from "../decision/match.ts";
import { sendPreflight, sendRefusal, serviceOf } from "./answer.ts";
import type { DoorRequest } from "./door-request.ts";
import { arrive, clientOf, type Arrival } from "./edge/edge.ts";
import type { Pipelined } from "./edge/pipelined.ts";
import type { Check, Exchange, Verdict } from "./exchange.ts";
import type { Plan } from "./plan.ts";
import { breakOff, closeAfterAnswer, isClosing, readNoMore } from "./unread-body.ts";

/** One policy with all that was compiled from it. */
export interface InForce {
  readonly policy: Policy;
  readonly plan: Plan;
  /** What counts a request that has no route, and never will. */
  readonly strayChecks: readonly Check[];
  /** Stage 9. */
  readonly forward: (exchange: Exchange) => void;
}

export interface WalkParts {
  readonly decisionId: () => string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
  readonly began: (exchange: Exchange) => void;
  readonly ended: (exchange: Exchange) => void;
  readonly pipelined: Pick<Pipelined, "add">;
  /** A fault of our own, with its cause: for the log. */
  readonly failed: (exchange: Exchange, cause: unknown) => void;
}

export interface Arriving {
  readonly request: DoorRequest;
  readonly response: ServerResponse;
  /** The request target as sent. */
  readonly target: string;
  readonly upgrade: boolean;
  /** A WebSocket handshake that came while an answer was owed on its connection. */
  readonly early: boolean;
}

const NO_PATH = { segments: [], encodedSlash: false };
const NOT_READ: RequestFacts = { method: "", path: NO_PATH, query: "", host: "", address: "", websocket: false, header: () => [] };
const NOT_MATCHED: Match = { kind: "none", allow: [] };
const EARLY: Arrival = {
  kind: "refused",
  denial: { outcome: "deny", code: "REQUEST_INVALID", reason: "a WebSocket handshake behind a request that is not answered" },
};

export class Walk {
  readonly #parts: WalkParts;

  constructor(parts: WalkParts) {
    this.#parts = parts;
  }

  /** From the request's head to an answer, or on to the upstream; in a later turn, where it came behind many others. */
  take(arriving: Arriving, inForce: InForce): void {
    const { socket } = arriving.request;
    // The parser may have read on before the connection's last answer was settled (RFC 9112 section 9.6).
    if (isClosing(socket)) readNoMore(socket);
    else if (arriving.response.socket !== null) this.#take(arriving, inForce);
    else this.#parts.pipelined.add(socket, (crowded) => (crowded ? this.#turnAway(arriving, inForce) : this.#take(arriving, inForce)));
  }

  #turnAway(arriving: Arriving, { policy }: InForce): void {
    const exchange = this.#begin(arriving, policy);
    exchange.facts = unreadFacts(arriving.request, clientOf(arriving.request, policy.gateway.trustProxy));
    closeAfterAnswer(exchange);
    this.refuse(exchange, { outcome: "deny", code: "RATE_LIMITED", reason: "too many requests wait on the connection" });
  }

  #take(arriving: Arriving, inForce: InForce): void {
    const exchange = this.#begin(arriving, inForce.policy);
    if (asksForOtherProtocol(arriving)) closeAfterAnswer(exchange);
    try {
      this.#enter(exchange, arriving, inForce);
    } catch (cause) {
      this.#fail(exchange, cause);
    }
  }

  /** Stages 1 and 2. */
  #enter(exchange: Exchange, arriving: Arriving, inForce: InForce): void {
    const { trustProxy } = inForce.policy.gateway;
    const arrival = arriving.early ? EARLY : arrive(arriving.request, arriving.target, arriving.upgrade, trustProxy);
    if (arrival.kind === "refused") {
      // Whoever sends this may see requests in other places than we do: nothing behind it is taken for one.
      closeAfterAnswer(exchange);
      exchange.facts = unreadFacts(arriving.request, clientOf(arriving.request, trustProxy));
      this.#check(exchange, inForce, [...inForce.strayChecks, () => arrival.denial], 0);
      return;
    }
    exchange.facts = arrival.facts;
    exchange.match = match(inForce.policy, arrival.facts);
    exchange.corsHeaders = corsHeaders(serviceOf(exchange), arrival.facts.origin);
    this.#check(exchange, inForce, inForce.plan(exchange.match), 0);
  }

  /** Answers a refusal; once an answer has begun, all that is left is to end the connection. */
  refuse(exchange: Exchange, denial: Denial): void {
    if (exchange.response.headersSent || exchange.response.destroyed) breakOff(exchange);
    else sendRefusal(exchange, denial);
    this.end(exchange);
  }

  /** Counts and logs the exchange, the first time that it is said to be over. */
  end(exchange: Exchange): void {
    if (exchange.over) return;
    exchange.over = true;
    this.#parts.ended(exchange);
  }

  #begin({ request, response, upgrade }: Arriving, policy: Policy): Exchange {
    const startedAt = this.#parts.monotonicNow();
    const exchange: Exchange = {
      id: this.#parts.decisionId(),
      request,
      response,
      policy,
      now: this.#parts.now(),
      startedAt,
      provedAt: startedAt,
      facts: NOT_READ,
      match: NOT_MATCHED,
      corsHeaders: undefined,
      proof: undefined,
      caller: undefined,
      limit: undefined,
      allowance: undefined,
      // RFC 9110 section 10.1.1: an older client knows of no such answer.
      expectsContinue: request.headers.expect !== undefined && request.httpVersionMinor > 0,
      upgrade,
      outcome: undefined,
      over: false,
    };
    this.#parts.began(exchange);
    return exchange;
  }

  /** One check after the other; where one must wait, the rest waits with it. */
  #check(exchange: Exchange, inForce: InForce, checks: readonly Check[], first: number): void {
    try {
      for (let index = first; index < checks.length; index++) {
        const verdict = checks[index]!(exchange);
        if (verdict instanceof Promise) {
          void this.#checkLate(exchange, inForce, checks, index, verdict);
          return;
        }
        if (this.#answered(exchange, verdict)) return;
      }
      inForce.forward(exchange);
    } catch (cause) {
      this.#fail(exchange, cause);
    }
  }

  async #checkLate(
    exchange: Exchange,
    inForce: InForce,
    checks: readonly Check[],
    index: number,
    pending: Promise<Verdict>,
  ): Promise<void> {
    try {
      if (this.#answered(exchange, await pending)) return;
    } catch (cause) {
      this.#fail(exchange, cause);
      return;
    }
    this.#check(exchange, inForce, checks, index + 1);
  }

  /** True when a stage had something to say, or nobody is left to hear it: a body that broke off meanwhile was answered as that. */
  #answered(exchange: Exchange, verdict: Verdict): boolean {
    if (exchange.over) return true;
    if (exchange.response.destroyed || exchange.request.socket.destroyed) this.end(exchange);
    else if (verdict?.outcome === "deny") this.refuse(exchange, verdict);
    else if (verdict?.outcome === "preflight") this.#preflight(exchange, verdict);
    else return false;
    return true;
  }

  #preflight(exchange: Exchange, answer: PreflightAnswer): void {
    sendPreflight(exchange, answer);
    this.end(exchange);
  }

  #fail(exchange: Exchange, cause: unknown): void {
    if (exchange.facts === NOT_READ) exchange.facts = unreadFacts(exchange.request, exchange.request.socket.remoteAddress ?? "");
    this.#parts.failed(exchange, cause);
    const service = serviceOf(exchange);
    this.refuse(exchange, { outcome: "deny", code: "INTERNAL_ERROR", reason: "a fault of the gateway's own", ...(service && { service }) });
  }
}

/** An upgrade that is not taken up (h2c): the parser reads nothing behind such a request. */
function asksForOtherProtocol({ request, upgrade }: Arriving): boolean {
  return !upgrade && request.headers.upgrade !== undefined;
}

/** Facts of a request that is refused before it has any: what the log can say of it. */
function unreadFacts(request: DoorRequest, address: string): RequestFacts {
  return { ...NOT_READ, method: request.method ?? "", address };
}
