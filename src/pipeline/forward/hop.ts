/** One request on its way to the upstream, and the answer on its way back. */
import type { Allowance, Denial } from "../../contract/decision.ts";
import type { ErrorCode } from "../../contract/errors.ts";
import { denialOfAllowed, type Framing } from "../../decision/body.ts";
import { askForBody } from "../continue.ts";
import type { Exchange, Refuse } from "../exchange.ts";
import { atTurnsEnd, type Waiting } from "../turn.ts";
import { breakOff, closeAfterAnswer, endsConnection, hasUnreadBody, isClosing } from "../unread-body.ts";
import { BodyFault, ClientBody } from "./client-body.ts";
import { type AnswerSide, ClientReading } from "./client-reading.ts";
import type { LongLived, LongLivedSide, Watched } from "./long-lived.ts";
import type { Plan } from "./plan.ts";
import { publicHost } from "./request-headers.ts";
import type { AnswerHead } from "./upstream/answer-head.ts";
import type { AnswerHandler, UpstreamRequest } from "./upstream/asking.ts";
import type { Connection } from "./upstream/connection.ts";
import { UpstreamFault } from "./upstream/fault.ts";
import type { Done } from "./upstream/read-buffers.ts";
import { mountOf } from "./upstream-path.ts";

export interface HopDeps {
  readonly refuse: Refuse;
  /** Headers that the gateway puts on every answer: names, in lower case, and values in turn. */
  readonly answerHeaders: (exchange: Exchange) => readonly string[];
  /** Called once when the exchange is over. */
  readonly done: (exchange: Exchange) => void;
  readonly longLived: LongLived;
}

/** Beyond it, copying costs more than a second piece. */
const LONGEST_IN_ONE_WRITE = 16 * 1024;

/** RFC 9110 section 9.2.1, less TRACE. */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

type Body = Exclude<Framing, { kind: "refused" }>;

export class Hop implements AnswerHandler, AnswerSide, LongLivedSide, Waiting {
  readonly #exchange: Exchange;
  readonly #allowance: Allowance;
  readonly #plan: Plan;
  readonly #body: Body;
  readonly #deps: HopDeps;
  #phase: "waiting" | "answering" | "over" = "waiting";
  #connection: Connection | undefined;
  #retried = false;
  #entered = false;
  #deadline: NodeJS.Timeout | undefined;
  #reading: ClientReading | undefined;
  /** Head of an answer of which nothing has gone out: what goes wrong until then can be told. */
  #head: AnswerHead | undefined;
  /** The beginning of the answer's body: it goes out with the head, and in one write where it is all of it. */
  #first: Buffer | undefined;
  #firstDone: Done | undefined;
  #begun = false;
  /** An answer's body that came at once, as Latin-1. */
  #whole = "";
  #watched: Watched | undefined;
  #left = false;

  constructor(exchange: Exchange, allowance: Allowance, plan: Plan, body: Body, deps: HopDeps) {
    this.#exchange = exchange;
    this.#allowance = allowance;
    this.#plan = plan;
    this.#body = body;
    this.#deps = deps;
  }

  start(): void {
    const { totalMs } = this.#plan.timeouts;
    this.#exchange.response.on("close", this.#closed);
    if (!this.#plan.lane.enter()) {
      this.#refuse("UPSTREAM_UNAVAILABLE", "upstream: as many connections as it may have are in use");
      return;
    }
    this.#entered = true;
    if (totalMs !== undefined) this.#deadline = setTimeout(() => this.#end("UPSTREAM_TIMEOUT", "the total time-out has passed"), totalMs);
    this.#watched = this.#deps.longLived.watch(this.#exchange, this);
    this.#send(false);
  }

  credentialEnded({ code, reason }: Denial): void {
    this.#end(code, reason);
  }

  #send(fresh: boolean): void {
    this.#connection = this.#plan.lane.send(this.#request(), this, fresh);
  }

  #request(): UpstreamRequest {
    const { headersMs, idleMs } = this.#plan.timeouts;
    const { method } = this.#exchange.facts;
    const head = this.#plan.requestHead(this.#exchange, this.#allowance, this.#body);
    const chunked = this.#body.kind === "body" && this.#body.lengthBytes === undefined;
    return { head, isHead: method === "HEAD", body: this.#openBody(), chunked, headersMs, idleMs };
  }

  #openBody(): ClientBody | Buffer | undefined {
    if (this.#body.kind === "none") return undefined;
    const { request, payload } = this.#exchange;
    if (payload?.held !== undefined) return payload.held;
    const { maxBytes } = this.#plan.route.body;
    return new ClientBody(request, { maxBytes, idleMs: this.#plan.timeouts.idleMs, sha256: payload?.sha256 });
  }

  /* ── what comes from the upstream ───────────────────────────────────── */

  sent(): void {
    if (this.#isOver()) return;
    if (this.#body.kind === "body" && this.#exchange.payload?.held === undefined) askForBody(this.#exchange);
  }

  whole(head: AnswerHead, body: string): void {
    if (!this.#takeHead(head)) return;
    this.#phase = "over";
    this.#whole = body;
    // Where nothing more is read, what comes in this turn could otherwise find the answer unsent.
    if (isClosing(this.#exchange.request.socket)) this.turnEnds();
    else atTurnsEnd(this);
  }

  turnEnds(): void {
    if (this.#left) return;
    // As one string, which Node puts behind the head: one write to the system in place of two pieces.
    this.#exchange.response.end(this.#whole, "latin1");
    this.#awaitReading();
  }

  head(head: AnswerHead): void {
    if (this.#isOver()) return;
    this.#phase = "answering";
    this.#head = head;
    // A stream's head goes out before its first event; a body that came with the head goes out with it.
    queueMicrotask(() => this.#phase === "answering" && this.#begin());
  }

  /** False where it cannot be sent. */
  #headIsOut(): boolean {
    const head = this.#head;
    if (head === undefined) return true;
    if (!this.#takeHead(head)) return false;
    this.#head = undefined;
    return true;
  }

  /** False where there is nobody to give it to, or it cannot be given. */
  #takeHead(head: AnswerHead): boolean {
    if (this.#isOver()) return false;
    this.#phase = "answering";
    try {
      this.#writeHead(head);
      return true;
    } catch {
      this.#phase = "waiting";
      this.#head = undefined;
      this.#end("UPSTREAM_UNREACHABLE", "upstream: a head that cannot be passed on");
      return false;
    }
  }

  #writeHead({ status, reason, headers, connection, framing }: AnswerHead): void {
    const { request, response } = this.#exchange;
    const head = this.#plan.responseHeaders.head(headers, {
      own: this.#deps.answerHeaders(this.#exchange),
      mount: mountOf(this.#exchange),
      publicHost: () => publicHost(this.#exchange),
      connection,
      status,
      takesTrailers: request.httpVersionMinor === 1 && mayHaveBody(this.#exchange.facts.method, status),
    });
    if (endsConnection(this.#exchange, framing.kind === "length")) closeAfterAnswer(this.#exchange);
    response.writeHead(status, reason, head);
    this.#exchange.outcome = { kind: "forwarded", status };
  }

  data(bytes: Buffer, done: Done | undefined): void {
    if (this.#phase !== "answering") return;
    if (this.#begun || this.#first !== undefined || bytes.length > LONGEST_IN_ONE_WRITE) {
      this.#write(bytes, done);
      return;
    }
    this.#first = bytes;
    this.#firstDone = done;
  }

  #begin(): void {
    if (this.#begun || !this.#headIsOut()) return;
    this.#begun = true;
    if (this.#first === undefined) this.#exchange.response.flushHeaders();
    else if (!this.#exchange.response.write(this.#first, this.#firstDone)) this.#clientReading().isBehind();
  }

  #write(bytes: Buffer, done: Done | undefined): void {
    if (this.#first !== undefined) this.#begin();
    if (this.#phase !== "answering" || !this.#headIsOut()) return;
    this.#begun = true;
    if (!this.#exchange.response.write(bytes, done)) this.#clientReading().isBehind();
  }

  /* ── a client that reads slowly: most read at once, and need nobody to look after it ── */

  #clientReading(): ClientReading {
    this.#reading ??= new ClientReading(this.#exchange.response, this.#plan.timeouts.idleMs, this);
    return this.#reading;
  }

  hold(): void {
    this.#connection?.pause();
  }

  goOn(): void {
    if (this.#phase === "answering") this.#connection?.resume();
  }

  notRead(): void {
    this.#cut("the client did not read in time");
  }

  end(trailers: readonly string[]): void {
    if (this.#phase !== "answering" || !this.#headIsOut()) return;
    const { response } = this.#exchange;
    try {
      if (trailers.length > 0) response.addTrailers(this.#plan.responseHeaders.trailers(trailers));
    } catch {
      this.#cut("upstream: trailers that cannot be passed on");
      return;
    }
    this.#phase = "over";
    if (this.#begun || this.#first === undefined) response.end();
    else this.#endWithFirst(this.#first);
    this.#awaitReading();
  }

  #endWithFirst(first: Buffer): void {
    this.#exchange.response.end(first.toString("latin1"), "latin1");
    this.#firstDone?.();
  }

  #awaitReading(): void {
    const { response } = this.#exchange;
    if (!response.writableFinished && response.writableLength > 0) this.#clientReading().ends();
  }

  fault(fault: Error): void {
    if (this.#isOver()) return;
    if (this.#phase === "waiting" && this.#mayRetry(fault)) {
      this.#retried = true;
      this.#send(true);
      return;
    }
    if (fault instanceof BodyFault || fault instanceof UpstreamFault) this.#end(fault.code, fault.message);
    else this.#end("UPSTREAM_UNREACHABLE", `upstream: ${fault.name}`);
  }

  /** Also when someone else has answered meanwhile: the door, say, a body that broke HTTP's syntax. */
  #isOver(): boolean {
    const nothingSent = this.#phase === "waiting" || this.#head !== undefined;
    if (nothingSent && this.#exchange.response.headersSent) this.#stop();
    return this.#phase === "over";
  }

  /** Once, and only what no upstream can have acted upon: a safe request that no live connection carried. */
  #mayRetry(fault: Error): boolean {
    if (this.#retried || this.#body.kind !== "none" || !SAFE_METHODS.has(this.#exchange.facts.method)) return false;
    return fault instanceof UpstreamFault && fault.unheard;
  }

  /** Refuses while nothing has been sent; afterwards there is no honest way but to break off. */
  #end(code: ErrorCode, reason: string): void {
    if (this.#phase === "answering" && this.#head === undefined) this.#cut(reason);
    else if (!this.#isOver()) this.#refuse(code, reason);
  }

  #refuse(code: ErrorCode, reason: string): void {
    this.#stop();
    if (hasUnreadBody(this.#exchange)) closeAfterAnswer(this.#exchange);
    this.#deps.refuse(this.#exchange, denialOfAllowed(this.#allowance, { code, reason }));
  }

  /** A truncated answer must never look whole; without chunks or length only a reset tells (HTTP/1.0). */
  #cut(reason: string): void {
    this.#noteCut(reason);
    this.#stop();
    const { request } = this.#exchange;
    if (request.httpVersionMinor === 0) request.socket.resetAndDestroy();
    breakOff(this.#exchange);
  }

  #noteCut(cut: string): void {
    const { outcome } = this.#exchange;
    if (outcome === undefined) this.#exchange.outcome = { kind: "forwarded", status: 0, cut };
    else if (outcome.kind === "forwarded" && outcome.cut === undefined) this.#exchange.outcome = { ...outcome, cut };
  }

  /** Nothing more is taken from either side. */
  #stop(): void {
    this.#phase = "over";
    this.#connection?.abort(this);
  }

  readonly #closed = (): void => {
    if (this.#left) return;
    this.#left = true;
    if (!this.#exchange.response.writableFinished) this.#noteCut("the client left");
    if (this.#phase !== "over") this.#stop();
    clearTimeout(this.#deadline);
    this.#reading?.over();
    if (this.#watched !== undefined) this.#deps.longLived.letGo(this.#watched);
    if (this.#entered) this.#plan.lane.leave();
    this.#deps.done(this.#exchange);
  };
}

function mayHaveBody(method: string, status: number): boolean {
  return method !== "HEAD" && status !== 204 && status !== 304;
}
