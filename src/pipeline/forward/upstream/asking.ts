/** What is asked of an upstream, and who hears the answer. */
import type { AnswerHead } from "./answer-head.ts";
import type { Done } from "./read-buffers.ts";

/** Whoever asked. Nothing is called behind `whole`, `end` or `fault`. */
export interface AnswerHandler {
  /** The request is on its way. */
  sent(): void;
  /** Head and body came at once; the body's bytes as Latin-1. */
  whole(head: AnswerHead, body: string): void;
  head(head: AnswerHead): void;
  /** Bytes of the body: the handler's to keep, or, where there is a `done`, until it calls that. */
  data(bytes: Buffer, done: Done | undefined): void;
  /** Names and values of the trailers in turn. */
  end(trailers: readonly string[]): void;
  fault(fault: Error): void;
}

/** The request's body as it comes from its client. */
export interface BodySource {
  /** Begins to give; `data` returns false when it is to wait for `resume`. */
  start(sink: BodySink): void;
  resume(): void;
  /** Gives no more. */
  stop(): void;
}

export interface BodySink {
  /** Bytes that nobody else has. */
  data(bytes: Buffer): boolean;
  end(): void;
  fault(fault: Error): void;
}

export interface UpstreamRequest {
  /** Request line and fields, with the empty line. */
  readonly head: string;
  readonly isHead: boolean;
  readonly body: BodySource | Buffer | undefined;
  /** `body` is sent in chunks. */
  readonly chunked: boolean;
  readonly headersMs: number | undefined;
  readonly idleMs: number | undefined;
}
