/** Where the bytes of one socket are read into, and what may be kept of them. */
import { type Done, READ_BYTES, ReadBuffer } from "./read-buffers.ts";

/**
 * What all sockets read into: nobody keeps any of it beyond its own call. A body that is more than one reading of this size
 * is read into memory that is kept until it is written, so that it need not be copied.
 */
const SHARED = Buffer.allocUnsafeSlow(READ_BYTES);

export interface Reader {
  /** Bytes from `start` to `end`, which are there for this call alone, but for what `kept` gives. */
  received(bytes: Buffer, start: number, end: number): void;
  /** Whether the socket goes on reading. */
  readsOn(): boolean;
}

export class Reading {
  readonly #reader: Reader;
  /** The body is longer than what was read at once. */
  #long = false;
  /** What is read into next, where the body is long. */
  #next: ReadBuffer | undefined;
  /** Where the bytes stand that are being taken apart: undefined where nobody else reads into them. */
  #at: ReadBuffer | typeof SHARED | undefined;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** What a socket of `node:net` is to read into, and to call. */
  readonly onread = {
    buffer: (): Buffer => {
      this.#next = this.#long ? ReadBuffer.take() : undefined;
      return this.#next?.bytes ?? SHARED;
    },
    callback: (length: number, bytes: Uint8Array): boolean => {
      const kept = this.#next;
      const done = kept?.use();
      this.#at = kept ?? SHARED;
      this.#reader.received(bytes as Buffer, 0, length);
      done?.();
      return this.#reader.readsOn();
    },
  };

  /** For sockets that bring memory of their own. */
  own(bytes: Buffer): void {
    this.#at = undefined;
    this.#reader.received(bytes, 0, bytes.length);
  }

  /** So many bytes of a body were read at once. */
  ofBody(length: number): void {
    this.#long ||= length === READ_BYTES;
  }

  bodyEnds(): void {
    this.#long = false;
  }

  /** A part of what is being taken apart, to be kept until what `use` gives is called. */
  kept(part: Buffer): Buffer {
    return this.#at === SHARED ? Buffer.from(part) : part;
  }

  /** Undefined where nobody waits for the memory. */
  use(): Done | undefined {
    return this.#at instanceof ReadBuffer ? this.#at.use() : undefined;
  }
}
