/** Lines of a stream, handed on whole: what several processes write at the same time does not mix. */
const NEWLINE = 0x0a;

export class WholeLines {
  readonly #write: (lines: string) => void;
  #begun: readonly Buffer[] = [];

  /** `write` is given one line or several, each with its end. */
  constructor(write: (lines: string) => void) {
    this.#write = write;
  }

  take(chunk: Buffer): void {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      this.#begun = [...this.#begun, chunk];
      return;
    }
    this.#write(Buffer.concat([...this.#begun, chunk.subarray(0, end)]).toString());
    this.#begun = end === chunk.length ? [] : [chunk.subarray(end)];
  }

  /** Nothing more comes: a line that was begun ends here. */
  end(): void {
    const begun = Buffer.concat(this.#begun);
    this.#begun = [];
    if (begun.length > 0) this.#write(`${begun.toString()}\n`);
  }
}
