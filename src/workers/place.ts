/** One of the places that the primary keeps filled: the worker in it, and how far that has come. */
import type { WorkerState } from "../admin/sources.ts";
import type { WorkerProcess } from "./child.ts";
import { Restarts } from "./restarts.ts";

export type HowEnded = "died" | "failed" | "stuck" | "stopped";

export class Place {
  readonly number: number;
  readonly #restarts = new Restarts();
  #worker: WorkerProcess | undefined;
  #state: WorkerState["state"] = "waiting";
  #revision: string | undefined;
  #servingSince: number | undefined;
  #workers = 0;

  constructor(number: number) {
    this.number = number;
  }

  get worker(): WorkerProcess | undefined {
    return this.#worker;
  }

  /** A worker that is built: whatever changes for all of them changes for it too. */
  get member(): WorkerProcess | undefined {
    return this.#revision === undefined ? undefined : this.#worker;
  }

  get isServing(): boolean {
    return this.#state === "serving";
  }

  starts(worker: WorkerProcess): void {
    this.#worker = worker;
    this.#state = "starting";
    this.#workers += 1;
  }

  decidesBy(revision: string): void {
    this.#revision = revision;
  }

  /** `now`: monotonic milliseconds. */
  serves(now: number): void {
    this.#state = "serving";
    this.#servingSince = now;
  }

  stops(): void {
    if (this.#worker) this.#state = "stopping";
  }

  /** Milliseconds until the next worker may start. */
  empties(now: number): number {
    const servedMs = this.#servingSince === undefined ? 0 : now - this.#servingSince;
    this.#worker = this.#revision = this.#servingSince = undefined;
    this.#state = "waiting";
    return this.#restarts.delayAfter(servedMs);
  }

  state(): WorkerState {
    return {
      worker: this.number,
      state: this.#state,
      ...(this.#worker?.pid !== undefined && { pid: this.#worker.pid }),
      ...(this.#revision !== undefined && { revision: this.#revision }),
      replaced: Math.max(0, this.#workers - 1),
    };
  }
}

/** By its exit code, and whether it was ended for not answering. */
export function howEnded(code: number | null, stuck: boolean): HowEnded {
  if (stuck) return "stuck";
  return code === 0 ? "stopped" : "died";
}
