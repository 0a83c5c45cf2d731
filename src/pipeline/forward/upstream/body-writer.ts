/** Writes a request that has a body: its head, and the body as it comes. */
import type { Socket } from "node:net";
import type { Done } from "./read-buffers.ts";

export interface BodyWriter {
  /** False: the next piece should wait for the socket's `drain`. `done` hears when the system has the piece. */
  write(piece: Buffer, done?: Done): boolean;
  end(): void;
}

/** Of a piece that goes out within the head's own string: Node writes strings of up to 16 KB without memory of their own. */
const SMALL_BYTES = 8 * 1024;
const LAST_CHUNK = "0\r\n\r\n";

export function bodyWriter(socket: Socket, head: string, chunked: boolean): BodyWriter {
  return chunked ? new ChunkedBody(socket, head) : new SizedBody(socket, head);
}

/** The head waits for the first piece, which for a small body comes in the same turn: both are one write to the system. */
class SizedBody implements BodyWriter {
  readonly #socket: Socket;
  #head: string | undefined;

  constructor(socket: Socket, head: string) {
    this.#socket = socket;
    this.#head = head;
    queueMicrotask(() => this.#writeHead());
  }

  write(piece: Buffer, done?: Done): boolean {
    if (this.#head === undefined) return this.#socket.write(piece, done);
    if (piece.length <= SMALL_BYTES) return this.#writeHead(piece.toString("latin1"), done);
    this.#socket.cork();
    this.#writeHead();
    const takesMore = this.#socket.write(piece, done);
    this.#socket.uncork();
    return takesMore;
  }

  end(): void {}

  #writeHead(piece = "", done?: Done): boolean {
    const head = this.#head;
    this.#head = undefined;
    return head === undefined || this.#socket.destroyed || this.#socket.write(head + piece, "latin1", done);
  }
}

/** RFC 9112 section 7.1. */
class ChunkedBody implements BodyWriter {
  readonly #socket: Socket;

  constructor(socket: Socket, head: string) {
    this.#socket = socket;
    this.#corkForThisTurn();
    socket.write(head, "latin1");
  }

  write(piece: Buffer, done?: Done): boolean {
    this.#corkForThisTurn();
    this.#socket.write(`${piece.length.toString(16)}\r\n`, "latin1");
    this.#socket.write(piece, done);
    return this.#socket.write("\r\n", "latin1");
  }

  end(): void {
    this.#socket.write(LAST_CHUNK, "latin1");
  }

  /** What is written in this turn goes out as one. */
  #corkForThisTurn(): void {
    this.#socket.cork();
    queueMicrotask(() => this.#socket.uncork());
  }
}
