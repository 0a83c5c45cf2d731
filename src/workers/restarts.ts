/** How long a place stays empty when its process has ended: not at all at first, and longer each time that the next one ends soon too. */
const STEADY_MS = 10_000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 30_000;

export class Restarts {
  #inARow = 0;

  /** `servedMs`: how long the one that ended was serving; 0 where it never came to that. */
  delayAfter(servedMs: number): number {
    if (servedMs >= STEADY_MS) this.#inARow = 0;
    const delay = this.#inARow === 0 ? 0 : FIRST_DELAY_MS * 2 ** (this.#inARow - 1);
    this.#inARow += 1;
    return Math.min(delay, LONGEST_DELAY_MS);
  }
}
