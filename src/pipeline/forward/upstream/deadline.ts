/** A time limit that is set anew all the time: one timer that looks when it fires, in place of one for each setting. */
export class Deadline {
  readonly #now: () => number;
  readonly #passed: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  #firesAt = 0;
  #at = Infinity;

  /** `now` is any clock in milliseconds that only goes forward. */
  constructor(now: () => number, passed: () => void) {
    this.#now = now;
    this.#passed = passed;
  }

  /** So many milliseconds from now; undefined: no limit. What was set before no longer holds. */
  set(ms: number | undefined): void {
    if (ms === undefined) {
      this.#at = Infinity;
      return;
    }
    const now = this.#now();
    this.#at = now + ms;
    if (this.#timer !== undefined && this.#firesAt <= this.#at) return;
    clearTimeout(this.#timer);
    this.#start(ms, now);
  }

  clear(): void {
    this.#at = Infinity;
  }

  /** Nothing of it is left. */
  close(): void {
    this.#at = Infinity;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #start(ms: number, now: number): void {
    this.#firesAt = now + ms;
    this.#timer = setTimeout(this.#look, ms).unref();
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    if (this.#at === Infinity) return;
    const now = this.#now();
    if (now < this.#at) this.#start(Math.ceil(this.#at - now), now);
    // After a stall timers come before sockets: what has arrived meanwhile is read first.
    else setImmediate(this.#judge);
  };

  readonly #judge = (): void => {
    if (this.#at === Infinity || this.#timer !== undefined) return;
    this.#at = Infinity;
    this.#passed();
  };
}
