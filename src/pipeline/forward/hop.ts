/** One request on its way to the upstream, and the answer on its way back. */
import type { Dispatcher } from "undici";
import type { Allowance } from "../../contract/decision.ts";
import type { ErrorCode } from "../../contract/errors.ts";
import type { Exchange, Refuse } from "../exchange.ts";
import { ClientBody, type Framing } from "./client-body.ts";
import type { LongLived } from "./long-lived.ts";
import type { Plan } from "./plan.ts";
import { publicHost } from "./request-headers.ts";
import { closeAfterAnswer, hasUnreadBody } from "../unread-body.ts";
import { failureOf, isConnectTimeout } from "./upstream-errors.ts";
import { mountOf, upstreamTarget } from "./upstream-path.ts";
import { failedAfterUse } from "./upstream-lanes.ts";

export interface HopDeps {
  readonly refuse: Refuse;
  /** Headers, lower case, that the gateway puts on every answer. */
  readonly answerHeaders: (exchange: Exchange) => Readonly<Record<string, string>>;
  /** Called once when the exchange is over. */
  readonly done: (exchange: Exchange) => void;
  readonly longLived: LongLived;
}

/** Beyond the time-out for connecting, which is the connection's own. */
const BOARDING_MS = 1_000;

/** RFC 9110 section 9.2.1, less TRACE. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

type Body = Exclude<Framing, { kind: "refused" }>;

export class Hop implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #allowance: Allowance;
  readonly #plan: Plan;
  readonly #body: Body;
  readonly #deps: HopDeps;
  #phase: "waiting" | "answering" | "over" = "waiting";
  #controller: Dispatcher.DispatchController | undefined;
  #stream: ClientBody | undefined;
  /** The request was written to a connection. */
  #carried = false;
  /** The first byte of an answer has come. */
  #answered = false;
  #retried = false;
  #entered = false;
  #stalled = false;
  #deadline: NodeJS.Timeout | undefined;
  #stall: NodeJS.Timeout | undefined;
  #boarding: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;

  constructor(exchange: Exchange, allowance: Allowance, plan: Plan, body: Body, deps: HopDeps) {
    this.#exchange = exchange;
    this.#allowance = allowance;
    this.#plan = plan;
    this.#body = body;
    this.#deps = deps;
  }

  start(): void {
    const { totalMs } = this.#plan.timeouts;
    this.#exchange.response.once("close", this.#closed);
    if (!this.#plan.lane.enter()) {
      this.#refuse("UPSTREAM_UNAVAILABLE", "upstream: as many connections as it may have are in use");
      return;
    }
    this.#entered = true;
    if (totalMs !== undefined) this.#deadline = setTimeout(() => this.#end("UPSTREAM_TIMEOUT", "the total time-out has passed"), totalMs);
    this.#unwatch = this.#deps.longLived.watch(this.#exchange, ({ code, reason }) => this.#end(code, reason));
    this.#send();
  }

  #send(): void {
    const { connectMs, headersMs, idleMs } = this.#plan.timeouts;
    if (connectMs !== undefined) this.#boarding = setTimeout(this.#leftStanding, connectMs + BOARDING_MS);
    const headers = this.#plan.requestHeaders(this.#exchange, this.#allowance);
    this.#plan.lane.pool.dispatch(
      {
        path: upstreamTarget(this.#exchange),
        method: this.#exchange.facts.method,
        headers,
        body: this.#openBody(headers),
        headersTimeout: headersMs ?? 0,
        bodyTimeout: idleMs ?? 0,
      },
      this,
    );
  }

  /** Without a length the body is sent chunked. */
  #openBody(headers: string[]): ClientBody | Buffer | null {
    if (this.#body.kind === "none") return null;
    const { lengthBytes } = this.#body;
    if (lengthBytes !== undefined) headers.push("content-length", String(lengthBytes));
    const { request, payload } = this.#exchange;
    if (payload?.held !== undefined) return payload.held;
    const { maxBytes } = this.#plan.route.body;
    this.#stream = new ClientBody(request, { maxBytes, idleMs: this.#plan.timeouts.idleMs, sha256: payload?.sha256 });
    return this.#stream;
  }

  /** Whatever keeps a request from a connection, its client is told, and nothing is kept for it. */
  readonly #leftStanding = (): void => this.#end("UPSTREAM_TIMEOUT", "upstream: no connection in time");

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    clearTimeout(this.#boarding);
    if (this.#phase === "over") {
      controller.abort(new Error("the exchange is over"));
      return;
    }
    this.#carried = true;
    if (this.#exchange.expectsContinue && this.#stream !== undefined) this.#exchange.response.writeContinue();
  }

  onResponseStarted(): void {
    this.#answered = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders, statusText?: string): void {
    // Interim answers end here: the only one that a client waits for, 100, is the gateway's own.
    if (status < 200 || this.#isOver()) return;
    this.#phase = "answering";
    try {
      this.#writeHead(controller, status, headers, statusText ?? "");
    } catch {
      this.#phase = "waiting";
      this.#end("UPSTREAM_UNREACHABLE", "upstream: a head that cannot be passed on");
    }
  }

  #writeHead(controller: Dispatcher.DispatchController, status: number, headers: AnswerHeaders, statusText: string): void {
    const { request, response } = this.#exchange;
    const head = this.#plan.responseHeaders.head(controller.rawHeaders as Buffer[], {
      own: this.#deps.answerHeaders(this.#exchange),
      mount: mountOf(this.#exchange),
      publicHost: publicHost(this.#exchange),
      connection: headers.connection?.toString(),
      status,
      takesTrailers: request.httpVersionMinor === 1 && mayHaveBody(this.#exchange.facts.method, status),
    });
    if (hasUnreadBody(this.#exchange)) closeAfterAnswer(this.#exchange);
    response.writeHead(status, statusText, head);
    this.#exchange.outcome = { kind: "forwarded", status };
    // A stream's head goes out before its first event; a body that came with the head goes out with it.
    queueMicrotask(() => this.#phase === "answering" && response.flushHeaders());
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase !== "answering") return;
    if (!this.#exchange.response.write(chunk)) this.#waitForClient(controller);
  }

  #waitForClient(controller: Dispatcher.DispatchController): void {
    if (this.#stalled) return;
    this.#stalled = true;
    controller.pause();
    this.#stall = this.#awaitReading();
    this.#exchange.response.once("drain", () => {
      this.#stalled = false;
      clearTimeout(this.#stall);
      controller.resume();
    });
  }

  /** An answer that waits behind another one of its connection is not the client's to read yet. */
  #awaitReading(): NodeJS.Timeout | undefined {
    const { idleMs } = this.#plan.timeouts;
    if (idleMs === undefined) return undefined;
    const { response } = this.#exchange;
    const timer = setTimeout(() => (response.socket === null ? timer.refresh() : this.#cut("the client did not read in time")), idleMs);
    return timer;
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#phase !== "answering") return;
    const { response } = this.#exchange;
    const trailers = controller.rawTrailers as Buffer[] | null;
    try {
      if (trailers !== null && trailers.length > 0) response.addTrailers(this.#plan.responseHeaders.trailers(trailers));
    } catch {
      this.#cut("upstream: trailers that cannot be passed on");
      return;
    }
    this.#phase = "over";
    this.#stream?.destroy();
    response.end();
    if (!response.writableFinished && response.writableLength > 0) this.#stall = this.#awaitReading();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.#boarding);
    if (this.#isOver()) return;
    if (this.#phase === "waiting" && this.#mayRetry(error)) {
      this.#retried = true;
      this.#carried = false;
      this.#send();
      return;
    }
    const { code, reason } = failureOf(error);
    this.#end(code, reason);
  }

  /** Also when someone else has answered meanwhile: the door, say, a body that broke HTTP's syntax. */
  #isOver(): boolean {
    if (this.#phase === "waiting" && this.#exchange.response.headersSent) this.#stop();
    return this.#phase === "over";
  }

  /** Once, and only what no upstream can have acted upon: a safe request that no live connection carried. */
  #mayRetry(error: Error): boolean {
    if (this.#retried || this.#answered || this.#body.kind !== "none") return false;
    if (!SAFE_METHODS.has(this.#exchange.facts.method)) return false;
    return this.#carried ? failedAfterUse(error) : !isConnectTimeout(error);
  }

  /** Refuses while nothing has been sent; afterwards there is no honest way but to break off. */
  #end(code: ErrorCode, reason: string): void {
    if (this.#phase === "answering") this.#cut(reason);
    else if (!this.#isOver()) this.#refuse(code, reason);
  }

  #refuse(code: ErrorCode, reason: string): void {
    this.#stop();
    if (hasUnreadBody(this.#exchange)) closeAfterAnswer(this.#exchange);
    const { route, caller } = this.#allowance;
    const denial = { outcome: "deny", code, reason, service: route.service, route } as const;
    this.#deps.refuse(this.#exchange, caller === undefined ? denial : { ...denial, caller });
  }

  /** A truncated answer must never look whole; without chunks or length only a reset tells (HTTP/1.0). */
  #cut(reason: string): void {
    this.#noteCut(reason);
    this.#stop();
    const { request, response } = this.#exchange;
    if (request.httpVersionMinor === 0) request.socket.resetAndDestroy();
    response.destroy();
  }

  #noteCut(cut: string): void {
    const { outcome } = this.#exchange;
    if (outcome === undefined) this.#exchange.outcome = { kind: "forwarded", status: 0, cut };
    else if (outcome.kind === "forwarded" && outcome.cut === undefined) this.#exchange.outcome = { ...outcome, cut };
  }

  /** Nothing more is taken from either side. */
  #stop(): void {
    this.#phase = "over";
    this.#stream?.destroy();
    this.#controller?.abort(new Error("the exchange is over"));
  }

  readonly #closed = (): void => {
    if (!this.#exchange.response.writableFinished) this.#noteCut("the client left");
    if (this.#phase !== "over") this.#stop();
    clearTimeout(this.#deadline);
    clearTimeout(this.#stall);
    clearTimeout(this.#boarding);
    this.#unwatch?.();
    if (this.#entered) this.#plan.lane.leave();
    this.#deps.done(this.#exchange);
  };
}

type AnswerHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2];

function mayHaveBody(method: string, status: number): boolean {
  return method !== "HEAD" && status !== 204 && status !== 304;
}
