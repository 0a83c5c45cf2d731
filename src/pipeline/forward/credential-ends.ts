/** Ends what outlives the credential that it was allowed for. */

/** How late an end may come. One look at all open answers a second costs less than a timer for each short request. */
const SWEEP_MS = 1_000;

interface Watched {
  readonly expiresAt: number;
  readonly end: () => void;
  seen: boolean;
}

export class CredentialEnds {
  readonly #now: () => number;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  /** `now` gives epoch milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * Calls `end` once `expiresAt` (epoch milliseconds) is past, within about a second; never on what has been
   * under way for less than that. The function returned calls it off.
   */
  watch(expiresAt: number, end: () => void): () => void {
    const entry: Watched = { expiresAt, end, seen: false };
    this.#watched.add(entry);
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    return () => this.#watched.delete(entry);
  }

  #sweep(): void {
    const now = this.#now();
    for (const entry of this.#watched) {
      if (!entry.seen) {
        entry.seen = true;
      } else if (now >= entry.expiresAt) {
        this.#watched.delete(entry);
        entry.end();
      }
    }
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
