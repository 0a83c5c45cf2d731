/** Memory that long bodies are read into: used again once what was read has been written. */

export const READ_BYTES = 64 * 1024;
/** Beyond it, memory that is free is given back. */
const MOST_FREE = 32;

const free: ReadBuffer[] = [];

export class ReadBuffer {
  readonly bytes = Buffer.allocUnsafeSlow(READ_BYTES);
  #users = 0;

  /** One that nobody uses. */
  static take(): ReadBuffer {
    return free.pop() ?? new ReadBuffer();
  }

  /** The bytes are in use until what this returns is called. */
  use(): Done {
    this.#users += 1;
    return this.#done;
  }

  /** Where writing failed, the system may still be reading them. */
  readonly #done: Done = (error) => {
    if (error) return;
    this.#users -= 1;
    if (this.#users === 0 && free.length < MOST_FREE) free.push(this);
  };
}

/** As a stream calls it back when it has written. */
export type Done = (error?: Error | null) => void;
