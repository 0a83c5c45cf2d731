/**
 * Long work that is done in one go by a command, and in slices where requests must not wait for it:
 * a generator that pauses wherever it may be interrupted.
 */
import { setImmediate as turn } from "node:timers/promises";

export type Steps<Result> = Generator<undefined, Result, undefined>;

/** Keeps an event loop busy for no longer than a slow request would. */
const SLICE_MS = 5;

/** What the steps come to, without a pause. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** What the steps come to; between slices, all that waits in the event loop has its turn. */
export async function inSlices<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    const end = performance.now() + SLICE_MS;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (performance.now() < end);
    await turn();
  }
}
