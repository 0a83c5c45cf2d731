/** Work that is due all at once, done a little in each turn of the event loop, so that nothing else waits for all of it. */

const AT_A_TIME = 10;

type Work = () => void;

export class FewAtATime {
  /** What is being done, from `#at` on. */
  #now: (Work | undefined)[] = [];
  #at = 0;
  /** What came since that was begun: it may never come to an end, and what is done must not be kept until then. */
  #next: Work[] = [];
  #going = false;

  /** In the order in which it was given. `work` must not throw. */
  add(work: Work): void {
    this.#next.push(work);
    if (this.#going) return;
    this.#going = true;
    setImmediate(this.#go);
  }

  readonly #go = (): void => {
    for (let done = 0; done < AT_A_TIME; done++) {
      const work = this.#take();
      if (work === undefined) {
        this.#going = false;
        return;
      }
      work();
    }
    setImmediate(this.#go);
  };

  #take(): Work | undefined {
    if (this.#at === this.#now.length) {
      this.#now = this.#next;
      this.#next = [];
      this.#at = 0;
    }
    const work = this.#now[this.#at];
    if (work !== undefined) this.#now[this.#at++] = undefined;
    return work;
  }
}
