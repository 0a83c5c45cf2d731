/** The memory that signed bodies are held in, before anybody is proved: bound for all together, and for each address. */

/** Of all services and policies together. */
const MOST_BYTES = 64 * 1024 ** 2;
/** So that no address takes it all. */
const MOST_OF_ADDRESS_BYTES = MOST_BYTES / 4;
const FIRST_BYTES = 4096;

export class HeldBodies {
  readonly #perAddress = new Map<string, number>();
  #bytes = 0;

  /** A place for one body of at most so many bytes; `subject` is the address as limits count it. */
  open(subject: string, maxBytes: number): HeldBody {
    return new HeldBody((change) => this.#change(subject, change), maxBytes);
  }

  /** False, and nothing is changed, where there is no more room. */
  #change(subject: string, change: number): boolean {
    const ofAddress = (this.#perAddress.get(subject) ?? 0) + change;
    if (change > 0 && (this.#bytes + change > MOST_BYTES || ofAddress > MOST_OF_ADDRESS_BYTES)) return false;
    this.#bytes += change;
    if (ofAddress === 0) this.#perAddress.delete(subject);
    else this.#perAddress.set(subject, ofAddress);
    return true;
  }
}

/** One body, copied together as it comes: many small pieces, kept as they are, would cost a hundred times their bytes. */
export class HeldBody {
  readonly #change: (bytes: number) => boolean;
  readonly #maxBytes: number;
  #memory = Buffer.alloc(0);
  #length = 0;

  constructor(change: (bytes: number) => boolean, maxBytes: number) {
    this.#change = change;
    this.#maxBytes = maxBytes;
  }

  /** What became of it: one that does not fit is not taken, nor any part of it. */
  add(chunk: Buffer): "taken" | "tooLarge" | "noRoom" {
    const length = this.#length + chunk.length;
    if (length > this.#maxBytes) return "tooLarge";
    if (length > this.#memory.length && !this.#grow(length)) return "noRoom";
    chunk.copy(this.#memory, this.#length);
    this.#length = length;
    return "taken";
  }

  #grow(needed: number): boolean {
    const bytes = Math.min(this.#maxBytes, Math.max(needed, 2 * this.#memory.length, FIRST_BYTES));
    if (!this.#change(bytes - this.#memory.length)) return false;
    const memory = Buffer.allocUnsafeSlow(bytes);
    this.#memory.copy(memory, 0, 0, this.#length);
    this.#memory = memory;
    return true;
  }

  whole(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  /** Gives the memory back; nothing may be added any more. */
  release(): void {
    this.#change(-this.#memory.length);
    this.#memory = Buffer.alloc(0);
    this.#length = 0;
  }
}
