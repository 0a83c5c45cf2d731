/** Whether the client reads its answer: the upstream waits for it, and not for ever. */
import type { ServerResponse } from "node:http";

export interface AnswerSide {
  /** No more of the answer, until `goOn`. */
  hold(): void;
  goOn(): void;
  /** What waits for the client has been waiting for as long as it may. */
  notRead(): void;
}

export class ClientReading {
  readonly #response: ServerResponse;
  readonly #idleMs: number | undefined;
  readonly #side: AnswerSide;
  #isFull = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, idleMs: number | undefined, side: AnswerSide) {
    this.#response = response;
    this.#idleMs = idleMs;
    this.#side = side;
  }

  /** More was written than the client has read. */
  isBehind(): void {
    if (this.#isFull) return;
    this.#isFull = true;
    this.#side.hold();
    this.#timer = this.#wait();
    this.#response.once("drain", () => {
      this.#isFull = false;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#side.goOn();
    });
  }

  /** All has been written; it may not all have been read. */
  ends(): void {
    this.#timer ??= this.#wait();
  }

  /** The client has it, or is gone. */
  over(): void {
    clearTimeout(this.#timer);
  }

  /** An answer that waits behind another one of its connection is not the client's to read yet. */
  #wait(): NodeJS.Timeout | undefined {
    if (this.#idleMs === undefined) return undefined;
    const timer = setTimeout(() => (this.#response.socket === null ? timer.refresh() : this.#side.notRead()), this.#idleMs);
    return timer;
  }
}
