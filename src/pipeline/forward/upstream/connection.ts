/** One connection to an upstream: one request at a time, and its answer taken apart as it comes. */
import type { Socket } from "node:net";
import { type AnswerHead, LONGEST_HEAD, mayBeginHead, readHead } from "./answer-head.ts";
import type { AnswerHandler, BodySource, UpstreamRequest } from "./asking.ts";
import { type ChunkProgress, ChunkReader } from "./chunks.ts";
import { atTurnsEnd, type Waiting } from "../../turn.ts";
import { Deadline } from "./deadline.ts";
import { type BodyWriter, bodyWriter } from "./body-writer.ts";
import { badAnswer, brokenConnection, timedOut, UpstreamFault } from "./fault.ts";
import { Reading } from "./reading.ts";
import { whenWritten } from "./spent.ts";

/** What is asked of whoever keeps the connections. */
export interface Keeper {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** The connection is free for another request. */
  free(connection: Connection): void;
  /** It is no more. */
  gone(connection: Connection): void;
}

const HEAD_END = "\r\n\r\n";
const MOST_INTERIM = 32;
const NO_TRAILERS: readonly string[] = [];

/** `queued`: its request goes out at the end of the turn. */
type Phase = "connecting" | "idle" | "queued" | "head" | "body" | "over";

export class Connection implements Waiting {
  readonly #keeper: Keeper;
  readonly #deadline: Deadline;
  #socket: Socket | undefined;
  #phase: Phase = "connecting";
  #request: UpstreamRequest | undefined;
  #handler: AnswerHandler | undefined;
  /** Answers that it has carried. */
  #carried = 0;
  /** The first byte of the answer has come. */
  #heard = false;
  #interim = 0;
  /** A head that has not come whole. */
  #partial = "";
  #head: AnswerHead | undefined;
  #bodyLeft = 0;
  #chunks: ChunkReader | undefined;
  #bodySent = true;
  #paused = false;
  readonly #reading = new Reading({
    received: (bytes, start, end) => this.#received(bytes, start, end),
    readsOn: () => !this.#paused,
  });
  /** Set while it is free: how long it may stay so, and since which look at the free ones. */
  keepAliveMs: number | undefined;
  freeSince = 0;
  /** Where it stands among the free ones; -1: it is not one. */
  place = -1;

  constructor(keeper: Keeper) {
    this.#keeper = keeper;
    this.#deadline = new Deadline(keeper.now, () => this.#tooLate());
  }

  /** What a socket of `node:net` is to read into, and to call. */
  readonly onread = this.#reading.onread;

  /** The socket connects; `ready` must be called when it has. */
  attach(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", (error) => this.#broken(error));
    socket.on("end", () => this.#ended());
    socket.on("close", () => this.#broken(undefined));
    // Sockets with `onread` never emit it.
    socket.on("data", (bytes: Buffer) => this.#reading.own(bytes));
    socket.on("drain", () => this.#bodySource()?.resume());
  }

  ready(): void {
    if (this.#phase !== "connecting") return;
    if (this.#request === undefined) this.#phase = "idle";
    else this.#begin(this.#request);
  }

  /** It could not be made. */
  failed(fault: UpstreamFault): void {
    this.#fail(fault);
  }

  /** Only on a connection that is free, or is being made. */
  send(request: UpstreamRequest, handler: AnswerHandler): void {
    this.#request = request;
    this.#handler = handler;
    if (this.#phase !== "idle") return;
    this.#phase = "queued";
    atTurnsEnd(this);
  }

  turnEnds(): void {
    if (this.#phase === "queued") this.#begin(this.#request!);
  }

  /** Ends what this handler asked for, which hears no more of it; nothing where that is over. */
  abort(handler: AnswerHandler): void {
    if (this.#handler !== handler) return;
    this.#handler = undefined;
    this.close();
  }

  close(): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.#deadline.close();
    this.#bodySource()?.stop();
    this.#socket?.destroy();
    this.#keeper.gone(this);
  }

  /** Reads no more of the answer until `resume`; what was read already is still given. */
  pause(): void {
    this.#paused = true;
    this.#deadline.clear();
    this.#socket?.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#phase !== "body") return;
    this.#deadline.set(this.#request?.idleMs);
    this.#socket?.resume();
  }

  /* ── the request ────────────────────────────────────────────────────── */

  #begin(request: UpstreamRequest): void {
    const socket = this.#socket!;
    this.#phase = "head";
    this.#heard = false;
    this.#interim = 0;
    if (request.body === undefined) {
      this.#deadline.set(request.headersMs);
      socket.write(request.head, "latin1");
      this.#handler?.sent();
      return;
    }
    // While the body is under way its own idle time-out counts, where there is one.
    this.#deadline.set(request.idleMs === undefined ? request.headersMs : undefined);
    this.#bodySent = false;
    const writer = bodyWriter(socket, request.head, request.chunked);
    this.#handler?.sent();
    // Nobody waits for it any more.
    if (this.#handler === undefined) return;
    this.#sendBody(request.body, writer);
  }

  #sendBody(body: BodySource | Buffer, writer: BodyWriter): void {
    if (Buffer.isBuffer(body)) {
      // Its memory is counted, and given back, by whoever held it.
      writer.write(body);
      this.#bodyWritten();
      return;
    }
    body.start({
      data: (bytes) => writer.write(bytes, whenWritten(bytes)),
      end: () => {
        writer.end();
        this.#bodyWritten();
      },
      fault: (fault) => this.#fail(fault),
    });
  }

  #bodyWritten(): void {
    this.#bodySent = true;
    if (this.#phase === "head") this.#deadline.set(this.#request?.headersMs);
  }

  #bodySource(): BodySource | undefined {
    const body = this.#request?.body;
    return body === undefined || Buffer.isBuffer(body) ? undefined : body;
  }

  /* ── the answer ─────────────────────────────────────────────────────── */

  #received(bytes: Buffer, start: number, end: number): void {
    switch (this.#phase) {
      case "head":
        this.#heard = true;
        this.#receivedHead(bytes, start, end);
        return;
      case "body":
        this.#receivedBody(bytes, start, end);
        return;
      default:
        // Nobody asked for these.
        this.#broken(undefined);
    }
  }

  #receivedHead(bytes: Buffer, start: number, end: number): void {
    const seen = this.#partial.length;
    const text = this.#partial + bytes.toString("latin1", start, Math.min(end, start + LONGEST_HEAD));
    const headEnd = text.indexOf(HEAD_END, Math.max(0, seen - HEAD_END.length));
    if (headEnd === -1) {
      if (!mayBeginHead(text, seen)) this.#fail(badAnswer("malformed head"));
      else if (text.length >= LONGEST_HEAD) this.#fail(badAnswer("a head without end"));
      else this.#partial = text;
      return;
    }
    this.#partial = "";
    const reading = readHead(text.slice(0, headEnd + 2), this.#request!.isHead);
    if (reading.kind === "bad") {
      this.#fail(badAnswer(reading.what));
      return;
    }
    const bodyStart = start + headEnd + HEAD_END.length - seen;
    if (reading.head.status < 200) this.#skipInterim(bytes, bodyStart, end);
    else if (seen === 0 && end - start <= LONGEST_HEAD)
      this.#answer(reading.head, bytes, bodyStart, end, text.slice(headEnd + HEAD_END.length));
    else this.#answer(reading.head, bytes, bodyStart, end, undefined);
  }

  /** RFC 9110 section 15.2: a client must be able to do without them. */
  #skipInterim(bytes: Buffer, start: number, end: number): void {
    this.#interim += 1;
    if (this.#interim > MOST_INTERIM) this.#fail(badAnswer("interim answers without end"));
    else if (start < end) this.#received(bytes, start, end);
  }

  /** `rest` is what came behind the head, where it is at hand as text. */
  #answer(head: AnswerHead, bytes: Buffer, start: number, end: number, rest: string | undefined): void {
    const { framing } = head;
    const came = end - start;
    this.#head = head;
    if (rest !== undefined && (framing.kind === "none" || (framing.kind === "length" && framing.bytes <= came))) {
      this.#whole(head, rest, framing.kind === "none" ? 0 : framing.bytes);
      return;
    }
    this.#phase = "body";
    this.#bodyLeft = framing.kind === "length" ? framing.bytes : 0;
    this.#chunks = framing.kind === "chunked" ? new ChunkReader({ chunk: (part) => this.#give(part) }) : undefined;
    this.#deadline.set(this.#request?.idleMs);
    this.#handler?.head(head);
    if (this.#phase !== "body") return;
    if (framing.kind === "none" || (framing.kind === "length" && framing.bytes === 0)) this.#complete(NO_TRAILERS, came > 0);
    else if (came > 0) this.#receivedBody(bytes, start, end);
  }

  #whole(head: AnswerHead, rest: string, length: number): void {
    const handler = this.#handler;
    this.#release(rest.length > length);
    handler?.whole(head, rest.length > length ? rest.slice(0, length) : rest);
  }

  #receivedBody(bytes: Buffer, start: number, end: number): void {
    if (!this.#paused) this.#deadline.set(this.#request?.idleMs);
    this.#reading.ofBody(end - start);
    switch (this.#head!.framing.kind) {
      case "length": {
        const taken = Math.min(this.#bodyLeft, end - start);
        this.#bodyLeft -= taken;
        this.#give(bytes.subarray(start, start + taken));
        if (this.#bodyLeft === 0 && this.#phase === "body") this.#complete(NO_TRAILERS, start + taken < end);
        return;
      }
      case "chunked":
        this.#took(this.#chunks!.feed(bytes, start, end), end);
        return;
      default:
        this.#give(bytes.subarray(start, end));
    }
  }

  #took(progress: ChunkProgress, end: number): void {
    if (this.#phase !== "body") return;
    if (progress.kind === "bad") this.#fail(badAnswer(progress.what));
    else if (progress.kind === "end") this.#complete(progress.trailers, progress.read < end);
  }

  #give(bytes: Buffer): void {
    if (this.#phase !== "body") return;
    this.#handler?.data(this.#reading.kept(bytes), this.#reading.use());
  }

  #complete(trailers: readonly string[], more: boolean): void {
    const handler = this.#handler;
    this.#release(more);
    handler?.end(trailers);
  }

  /**
   * `more`: something stands behind the answer, and nobody asked for it. What of a body still waits to be written, since the
   * upstream answered early and does not read it, would keep the next request from it, and memory that nobody counts any more.
   */
  #release(more: boolean): void {
    const head = this.#head!;
    this.#handler = undefined;
    this.#head = undefined;
    this.#chunks = undefined;
    this.#reading.bodyEnds();
    this.#deadline.clear();
    if (more || !head.reusable || !this.#bodySent || this.#socket!.writableLength > 0) {
      this.close();
      return;
    }
    this.#request = undefined;
    this.#phase = "idle";
    this.#carried += 1;
    this.keepAliveMs = head.keepAliveMs;
    if (this.#paused) this.#socket?.resume();
    this.#paused = false;
    this.#keeper.free(this);
  }

  /* ── its end ────────────────────────────────────────────────────────── */

  #ended(): void {
    if (this.#phase === "body" && this.#head?.framing.kind === "close") this.#complete(NO_TRAILERS, false);
    else this.#broken(undefined);
  }

  #broken(error: Error | undefined): void {
    if (this.#phase === "over") return;
    const unsent = this.#phase === "connecting" || this.#phase === "queued";
    this.#fail(brokenConnection(error, unsent || (this.#phase === "head" && this.#carried > 0 && !this.#heard)));
  }

  #tooLate(): void {
    this.#fail(timedOut(this.#phase === "head" ? "no answer in time" : "the answer stopped arriving"));
  }

  #fail(fault: Error): void {
    const handler = this.#handler;
    this.#handler = undefined;
    this.close();
    handler?.fault(fault);
  }
}
