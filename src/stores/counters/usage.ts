/**
 * What one subject has used of one limit: an exact sliding window.
 *
 * A request at `t` counts while `now - t < window`; it is computed in just this way everywhere, because a clock has
 * fractions of a millisecond, and `t + window - now` may round to a little more than the window. Requests closer together than the resolution share a run,
 * which counts until its last one ends: rounding can only refuse a little longer, never allow more.
 */

/** The shape of a limit's window, computed once for each limit. */
export interface Window {
  readonly count: number;
  readonly lengthMs: number;
  readonly resolutionMs: number;
}

/** The instant of a single request, or a log. Most subjects of a flood only ever need the number. */
export type Usage = number | RunLog;

interface RunLog {
  /** Last instant and number of requests of each run, oldest first; runs before `head` have ended. */
  readonly runs: number[];
  head: number;
  /** Requests in the runs from `head` on. */
  total: number;
  /** First instant of the newest run. */
  newestStart: number;
}

/** A window has at most this many runs: what bounds a busy bucket's memory. */
const RUNS_PER_WINDOW = 4096;
const COMPACT_FROM = 64;

export function windowOf(count: number, lengthMs: number): Window {
  return { count, lengthMs, resolutionMs: Math.max(1, lengthMs / RUNS_PER_WINDOW) };
}

/** Requests that count at `now`. Lets go of those that no longer do. */
export function usedAt(usage: Usage | undefined, window: Window, now: number): number {
  if (usage === undefined) return 0;
  if (typeof usage === "number") return leftMs(usage, window, now) > 0 ? 1 : 0;
  dropEnded(usage, window, now);
  return usage.total;
}

/** The usage with one more request; `usedAt` has been asked for the same instant. */
export function withRequest(usage: Usage | undefined, window: Window, now: number): Usage {
  if (usage === undefined || usedAt(usage, window, now) === 0) return now;
  // a clock that went back must not make the new request end before older ones
  const instant = Math.max(now, newestOf(usage));
  if (typeof usage === "number") return secondRequest(usage, window, instant);
  if (instant - usage.newestStart < window.resolutionMs) joinNewestRun(usage, instant);
  else startRun(usage, instant);
  usage.total++;
  return usage;
}

/** Until one more request fits, 0 when one fits now. `usedAt` has been asked for the same instant. */
export function waitMs(usage: Usage | undefined, window: Window, now: number): number {
  if (usage === undefined) return 0;
  if (typeof usage === "number") return window.count > 1 ? 0 : Math.max(0, leftMs(usage, window, now));
  let left = usage.total;
  let run = usage.head;
  let wait = 0;
  for (; left >= window.count; run += 2) {
    left -= usage.runs[run + 1]!;
    wait = leftMs(usage.runs[run]!, window, now);
  }
  return wait;
}

/** Until nothing counts any more. */
export function clearMs(usage: Usage | undefined, window: Window, now: number): number {
  return usage === undefined ? 0 : Math.max(0, leftMs(newestOf(usage), window, now));
}

/** How long a request at this instant goes on counting; 0 or less when it no longer does. */
function leftMs(instant: number, window: Window, now: number): number {
  return window.lengthMs - (now - instant);
}

function newestOf(usage: Usage): number {
  return typeof usage === "number" ? usage : usage.runs[usage.runs.length - 2]!;
}

function dropEnded(log: RunLog, window: Window, now: number): void {
  const { runs } = log;
  while (log.head < runs.length && leftMs(runs[log.head]!, window, now) <= 0) {
    log.total -= runs[log.head + 1]!;
    log.head += 2;
  }
  const worthwhile = log.head >= COMPACT_FROM && log.head * 2 >= runs.length;
  if (worthwhile && log.head < runs.length) {
    runs.splice(0, log.head);
    log.head = 0;
  }
}

function secondRequest(first: number, window: Window, instant: number): RunLog {
  const together = instant - first < window.resolutionMs;
  return together
    ? { runs: [instant, 2], head: 0, total: 2, newestStart: first }
    : { runs: [first, 1, instant, 1], head: 0, total: 2, newestStart: instant };
}

function joinNewestRun(log: RunLog, instant: number): void {
  const { runs } = log;
  runs[runs.length - 2] = instant;
  runs[runs.length - 1]!++;
}

function startRun(log: RunLog, instant: number): void {
  log.runs.push(instant, 1);
  log.newestStart = instant;
}
