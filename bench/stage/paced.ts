/** Load at a given rate on the load's core, in which requests come as those of many clients that know nothing of each other. */
import { fileURLToPath } from "node:url";
import { runPinned } from "./helper.ts";
import type { Shot } from "./load.ts";
import { LOAD_CORE, watchIdle } from "./machine.ts";
import { headOf } from "./request.ts";

export interface PacerOptions {
  readonly port: number;
  /** Head of the request, as it is written. */
  readonly request: string;
  readonly status: number;
  readonly connections: number;
  /** Requests a second. */
  readonly rate: number;
  /** Before anything counts. */
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly seed: number;
}

/** Milliseconds; answers a second, of those that were asked for in the time that counts. */
export interface PacerAnswer {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  /** Answers of another status. */
  readonly wrong: number;
}

export interface PacedFigures extends Omit<PacerAnswer, "wrong"> {
  /** What was asked for. */
  readonly rate: number;
  readonly loadIdle: number;
}

const PACER = fileURLToPath(new URL("./pacer.ts", import.meta.url));

/** Rejects when an answer has another status, or a connection breaks. */
export async function pace(shot: Shot, options: Omit<PacerOptions, "request" | "status">): Promise<PacedFigures> {
  const idle = watchIdle(LOAD_CORE);
  const setting: PacerOptions = { ...options, request: headOf(shot, options.port), status: shot.status };
  const { wrong, ...figures } = (await runPinned(PACER, setting)) as PacerAnswer;
  if (wrong > 0) throw new Error(`${shot.path} on port ${options.port}: ${wrong} answers, paced, are not ${shot.status}`);
  return { ...figures, rate: options.rate, loadIdle: idle() };
}
