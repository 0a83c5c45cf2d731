/** Work that is due all at once, done a little in each turn of the event loop, so that nothing else waits for all of it. */

const AT_A_TIME = 10;

export class FewAtATime {
  #waiting: (() => void)[] = [];
  #done = 0;

  /** In the order in which it was given. `work` must not throw. */
  add(work: () => void): void {
    if (this.#waiting.push(work) === 1) setImmediate(this.#go);
  }

  readonly #go = (): void => {
    const until = Math.min(this.#waiting.length, this.#done + AT_A_TIME);
    for (; this.#done < until; this.#done++) this.#waiting[this.#done]!();
    if (this.#done < this.#waiting.length) {
      setImmediate(this.#go);
      return;
    }
    this.#waiting = [];
    this.#done = 0;
  };
}
