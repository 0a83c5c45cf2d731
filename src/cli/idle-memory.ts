/** Memory that was needed to start or to load a policy, and is not needed to stand still. */
import module from "node:module";
import v8 from "node:v8";
import vm from "node:vm";

type Collect = (options: { readonly type: "major"; readonly flavor: "last-resort" }) => void;

const LOOK_MS = 1_000;
/** The share of a second that the event loop may have had to do. */
const IDLE = 0.05;

let timer: NodeJS.Timeout | undefined;

/**
 * Gives memory back once there is a second without much to do: V8 keeps the room that it made for all that came into being at
 * once, a tenth of the process, and without requests nothing makes it look again. With requests it does so by itself.
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
    release();
  }, LOOK_MS).unref();
}

/** What was compiled is kept for the next start before V8 forgets it. */
function release(): void {
  module.flushCompileCache();
  // V8 has no other name for this than the one that it keeps for tests.
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc") as Collect;
  v8.setFlagsFromString("--no-expose-gc");
  collect({ type: "major", flavor: "last-resort" });
}
