/**
 * A thread that says when the next request is due. Timers of an event loop know whole milliseconds, in which a dozen requests
 * would be sent at once: what then was measured is how long a request waits for the others.
 */
import { parentPort, workerData } from "node:worker_threads";
import { randomOf } from "./random.ts";

export interface ClockOptions {
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
  /** One number, shared: how many requests were due up to now. */
  readonly due: Int32Array;
}

const { rate, seconds, seed, due } = workerData as ClockOptions;
const random = randomOf(seed);
const never = new Int32Array(new SharedArrayBuffer(4));
const startedAt = performance.now();

// The gaps between requests of many clients that know nothing of each other.
for (let at = 0; at < seconds * 1000; at += (-Math.log(1 - random()) * 1000) / rate) {
  const waitMs = startedAt + at - performance.now();
  if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs);
  Atomics.add(due, 0, 1);
  parentPort?.postMessage("due", []);
}
