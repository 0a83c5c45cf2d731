/**
 * Many may join at the same time. A change comes when all who were joining are there, so that it reaches them too; who comes
 * meanwhile waits for it, and one change waits for the other.
 */
export class Turns {
  readonly #joining = new Set<Promise<unknown>>();
  #change: Promise<unknown> | undefined;

  async join<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#change) await this.#change;
    const joining = work();
    this.#joining.add(joining);
    try {
      return await joining;
    } finally {
      this.#joining.delete(joining);
    }
  }

  async change<Result>(work: () => Promise<Result>): Promise<Result> {
    const changing = Promise.allSettled([this.#change, ...this.#joining]).then(work);
    const over = changing.then(ignored, ignored);
    this.#change = over;
    try {
      return await changing;
    } finally {
      if (this.#change === over) this.#change = undefined;
    }
  }
}

function ignored(): void {}
