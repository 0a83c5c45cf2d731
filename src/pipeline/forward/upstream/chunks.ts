/** A chunked body (RFC 9112 section 7.1), taken apart strictly. */
import { LONGEST_HEAD, readTrailers } from "./answer-head.ts";

/** Chunk size and extensions; the extensions are dropped. */
const SIZE_LINE = /^([0-9A-Fa-f]{1,12})(?:;[!#$%&'*+.^_`|~\w-]+(?:=(?:[!#$%&'*+.^_`|~\w-]+|"[^"\\\x00-\x1f\x7f-\xff]*"))?)*$/;
const LONGEST_SIZE_LINE = 1024;
const CR = 0x0d;
const LF = 0x0a;

export interface ChunkSink {
  /** Some bytes of the body, from the buffer that was fed. */
  chunk(bytes: Buffer): void;
}

/** `read` bytes were taken of what was fed. */
export type ChunkProgress =
  | { readonly kind: "more" }
  | { readonly kind: "end"; readonly read: number; readonly trailers: readonly string[] }
  | { readonly kind: "bad"; readonly what: string };

const MORE: ChunkProgress = { kind: "more" };

export class ChunkReader {
  readonly #sink: ChunkSink;
  /** Of the chunk that is being read. */
  #left = 0;
  /** The data of a chunk is through, and its CRLF is not. */
  #atEnd = false;
  #last = false;
  /** A line that has not come whole. */
  #line = "";
  #trailers = "";

  constructor(sink: ChunkSink) {
    this.#sink = sink;
  }

  /** Reads on, up to the end of what was fed or of the body. */
  feed(bytes: Buffer, start: number, end: number): ChunkProgress {
    let at = start;
    while (at < end) {
      if (this.#left > 0) {
        at = this.#data(bytes, at, end);
        continue;
      }
      const lineEnd = bytes.indexOf(LF, at);
      const taken = lineEnd === -1 || lineEnd >= end ? end : lineEnd + 1;
      this.#line += bytes.toString("latin1", at, taken);
      at = taken;
      if (!this.#line.endsWith("\n")) return this.#line.length > LONGEST_HEAD ? bad("a line without end") : MORE;
      const progress = this.#takeLine(at);
      if (progress !== undefined) return progress;
    }
    return MORE;
  }

  #data(bytes: Buffer, at: number, end: number): number {
    const taken = Math.min(end, at + this.#left);
    this.#sink.chunk(bytes.subarray(at, taken));
    this.#left -= taken - at;
    if (this.#left === 0) this.#atEnd = true;
    return taken;
  }

  /** Undefined where the body goes on. */
  #takeLine(read: number): ChunkProgress | undefined {
    const line = this.#line;
    this.#line = "";
    if (line.length < 2 || line.charCodeAt(line.length - 2) !== CR) return bad("a bare LF");
    if (this.#last) return this.#trailer(line, read);
    if (!this.#atEnd) return this.#size(line.slice(0, -2));
    this.#atEnd = false;
    return line.length === 2 ? undefined : bad("bytes behind a chunk");
  }

  #size(line: string): ChunkProgress | undefined {
    const digits = line.length > LONGEST_SIZE_LINE ? undefined : SIZE_LINE.exec(line)?.[1];
    if (digits === undefined) return bad("a chunk without size");
    this.#left = Number.parseInt(digits, 16);
    if (this.#left === 0) this.#last = true;
    return undefined;
  }

  #trailer(line: string, read: number): ChunkProgress | undefined {
    if (line.length > 2) {
      this.#trailers += line;
      return this.#trailers.length > LONGEST_HEAD ? bad("too many trailers") : undefined;
    }
    const trailers = readTrailers(this.#trailers);
    return trailers === undefined ? bad("malformed trailers") : { kind: "end", read, trailers };
  }
}

function bad(what: string): ChunkProgress {
  return { kind: "bad", what };
}
