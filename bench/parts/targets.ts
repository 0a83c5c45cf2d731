/** Targets for as long as they are needed. */
import { setTimeout as pause } from "node:timers/promises";
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

/** Within which a process that nobody asks anything gives back what its start took. */
export const SETTLING_MS = 3_000;
/** For what a target has to do when it wakes and before it sleeps: connections that were closed meanwhile, files that it looks at. */
const MOMENT_MS = 100;

/** Lets a target go on for as long as the work takes, if it does not anyway. */
export type TakeTurn = <Result>(running: Running, work: () => Promise<Result>) => Promise<Result>;

/**
 * All of them stand still (SIGSTOP) but for the one whose turn it is. A target that nobody asks anything still looks at clocks and
 * files, and all share one core: a dozen of them would take up to an eighth of it from the one that is measured.
 */
export async function oneAtATime(all: ReadonlySet<Running>): Promise<TakeTurn> {
  await pause(SETTLING_MS);
  for (const running of all) running.standStill();
  return async (running, work) => {
    if (!all.has(running)) return work();
    running.goOn();
    await pause(MOMENT_MS);
    try {
      return await work();
    } finally {
      await pause(MOMENT_MS);
      running.standStill();
    }
  };
}
