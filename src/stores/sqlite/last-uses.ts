/** Collects when keys were used, so that a busy key is not a write for each request. */

export interface LastUse {
  readonly service: string;
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Writes a batch; false when it should be tried again later. Never throws. */
export type WriteLastUses = (uses: readonly LastUse[]) => boolean;

/** So many at a time keep the event loop free; the rest goes with the next batch. */
const BATCH = 500;

export class LastUses {
  readonly #write: WriteLastUses;
  readonly #intervalMs: number;
  readonly #services = new Map<string, Map<string, LastUse>>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(write: WriteLastUses, intervalMs: number) {
    this.#write = write;
    this.#intervalMs = intervalMs;
  }

  note(use: LastUse): void {
    if (this.#closed) return;
    let ofService = this.#services.get(use.service);
    if (!ofService) this.#services.set(use.service, (ofService = new Map()));
    ofService.set(use.id, use);
    this.#schedule();
  }

  /** Writes what is left. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    while (this.#writeBatch()) continue;
    this.#services.clear();
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#writeBatch();
      if (this.#pending().length > 0) this.#schedule();
    }, this.#intervalMs).unref();
  }

  /** False when nothing was there to write, or it could not be written. */
  #writeBatch(): boolean {
    const uses = this.#pending();
    if (uses.length === 0 || !this.#write(uses)) return false;
    for (const { service, id } of uses) this.#services.get(service)?.delete(id);
    return true;
  }

  #pending(): LastUse[] {
    return this.#services
      .values()
      .flatMap((ofService) => ofService.values())
      .take(BATCH)
      .toArray();
  }
}
