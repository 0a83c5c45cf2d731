/** Figures of a drill: how they are measured, held against their bounds, and written. */
import type { RequestListener } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { KEY_SET_AGES, type KeySetAges } from "../../src/pipeline/authenticate/key-set.ts";
import { type Answer, openStage, type Stage } from "./jwks-stage.ts";

/** One line of the report. `holds` is undefined where a figure is for information only. */
export interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly bound?: string;
  readonly holds?: boolean;
}

export type Drill = () => Promise<readonly Figure[]>;

/** For what a busy machine adds to a time that timers keep. */
export const SLACK_MS = 500;

/** As it is printed. */
export function line({ what, measured, bound = "", holds }: Figure): string {
  const verdict = holds === undefined ? "" : holds ? "ok" : "BROKEN";
  return `  ${verdict.padEnd(7)}${what.padEnd(58)}${measured.padEnd(36)}${bound}`.trimEnd();
}

/** Opens a stage for one drill and closes it, whatever happens. */
export async function on<Result>(
  answer: RequestListener,
  ages: Partial<KeySetAges>,
  play: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  const stage = await openStage(answer, { ...KEY_SET_AGES, ...ages });
  try {
    return await play(stage);
  } finally {
    await stage.close();
  }
}

/** The first answer of this status; rejects when there is none within the time. */
export async function firstWith(stage: Stage, token: string, status: number, withinMs: number): Promise<Answer> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await stage.ask(token);
    if (answer.status === status) return answer;
    if (answer.at > deadline) throw new Error(`no ${status} within ${withinMs} ms`);
    await pause(10);
  }
}

export function within(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

export function share(answers: readonly Answer[], part: number): number {
  const sorted = answers.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

export function quantiles(answers: readonly Answer[]): string {
  return `p50 ${milliseconds(share(answers, 0.5))}, p99 ${milliseconds(share(answers, 0.99))}`;
}

export function milliseconds(value: number): string {
  return `${value.toFixed(1)} ms`;
}

export function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(2))} s`;
}
