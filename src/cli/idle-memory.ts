/** Memory that was needed to start or to load a policy, and is not needed to stand still. */
import module from "node:module";
import { setImmediate as turn } from "node:timers/promises";
import v8 from "node:v8";
import vm from "node:vm";

type Collect = (options: { readonly type: "major"; readonly flavor: "last-resort" }) => void;

const LOOK_MS = 1_000;
/** The share of a second that the event loop has to do where nobody asks anything. */
const IDLE = 0.01;
/** More is not looked through in a moment: a request that came just then would wait for it. */
const MOST_HEAP_BYTES = 32 * 1024 ** 2;

let timer: NodeJS.Timeout | undefined;

/**
 * Gives memory back once nothing was asked for a second: V8 keeps the room that it made for all that came into being at once, a
 * tenth of the process, and without requests nothing makes it look again. With requests it does so by itself.
 */
export function releaseWhenIdle(): void {
  clearInterval(timer);
  let before = performance.eventLoopUtilization();
  timer = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization > IDLE) return;
    clearInterval(timer);
    void release();
  }, LOOK_MS).unref();
}

async function release(): Promise<void> {
  // For the next start: V8 forgets what it compiled when it looks for memory.
  module.flushCompileCache();
  await turn();
  if (process.memoryUsage().heapUsed > MOST_HEAP_BYTES) return;
  // V8 has no other name for this than the one that it keeps for tests.
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as Collect;
  v8.setFlagsFromString("--no-expose-gc");
  collect({ type: "major", flavor: "last-resort" });
}
