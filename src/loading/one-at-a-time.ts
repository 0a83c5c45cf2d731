/** Something that runs alone, however often it is asked for. */

export class OneAtATime<Result> {
  readonly #run: () => Promise<Result>;
  #last: Promise<unknown> = Promise.resolve();
  #waiting: Promise<Result> | undefined;
  #running = false;

  constructor(run: () => Promise<Result>) {
    this.#run = run;
  }

  /**
   * The outcome of a run that begins now or, where one is under way, after it: so that it sees what has changed since that one
   * began. All who wait for it get the same one.
   */
  ask(): Promise<Result> {
    return (this.#waiting ??= this.#last.then(() => this.#begin()));
  }

  /** False where a run is under way, or waits. Whoever calls this does not hear of the outcome. */
  askUnlessUnderWay(): boolean {
    if (this.#running || this.#waiting) return false;
    void this.ask();
    return true;
  }

  #begin(): Promise<Result> {
    this.#waiting = undefined;
    this.#running = true;
    const running = this.#run().finally(() => {
      this.#running = false;
    });
    this.#last = running.catch(() => undefined);
    return running;
  }
}

/** For those who only ask. */
export function oneAtATime<Result>(run: () => Promise<Result>): () => Promise<Result> {
  const one = new OneAtATime(run);
  return () => one.ask();
}
