/** Targets for as long as they are needed. */
import { proveCorrect } from "../stage/ask.ts";
import type { Stage } from "../stage/stage.ts";
import type { Running, Target } from "../targets/target.ts";

/** Starts a target. Rejects unless it answers as the policy says. */
export type Open = (target: Target) => Promise<Running>;

/** Stops what was opened, however the work ends. */
export async function withTargets<Result>(stage: Stage, work: (open: Open) => Promise<Result>): Promise<Result> {
  const started: Running[] = [];
  try {
    return await work(async (target) => {
      const running = await target.start(stage);
      started.push(running);
      await proveCorrect(target, running, stage);
      return running;
    });
  } finally {
    for (const running of started) await running.stop();
  }
}
