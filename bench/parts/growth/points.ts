/** The same load at several values of one quantity. */
import { medianOf } from "../../report/figures.ts";
import type { GrowthPoint, GrowthTable, LaneRounds } from "../../report/results.ts";
import type { Stage } from "../../stage/stage.ts";
import type { Target } from "../../targets/target.ts";
import { runRounds, type Lane, type RoundsOptions } from "../rounds.ts";
import { withTargets } from "../targets.ts";

export interface Point extends Omit<Lane, "name" | "running"> {
  readonly at: number;
  readonly target: Target;
  /** Where megabytes count, and not requests. */
  readonly bytes?: number;
}

export interface GrowthOptions extends RoundsOptions {
  readonly stage: Stage;
}

/** Each point has a process of its own, all take turns. */
export function growthOf(of: string, points: readonly Point[], options: GrowthOptions): Promise<GrowthTable> {
  return withTargets(options.stage, async (open) => {
    const lanes: Lane[] = [];
    for (const point of points)
      lanes.push({ ...point, name: `${of} ${point.at}, ${point.target.name}`, running: await open(point.target) });
    const measured = await runRounds([lanes], options);
    return {
      of,
      inBytes: points.some(({ bytes }) => bytes !== undefined),
      points: points.flatMap((point, index) => measured.slice(index, index + 1).map((lane) => pointOf(point, lane))),
    };
  });
}

function pointOf({ at, target, bytes }: Point, { rounds, peakMb }: LaneRounds): GrowthPoint {
  const size = bytes === undefined ? 1 : bytes / 2 ** 20;
  return {
    at,
    target: shownName(target),
    unit: bytes === undefined ? "requests/s" : "MB/s",
    rates: rounds.map(({ perSecond }) => perSecond * size),
    p99: medianOf(rounds.map(({ p99 }) => p99)),
    leastLoadIdle: Math.min(...rounds.map(({ loadIdle }) => loadIdle)),
    peakMb,
  };
}

/** Processes of the gateway are named after their policy. */
export function shownName({ name }: Target): string {
  return name.startsWith("sallyport") ? "sallyport" : name.replaceAll("-", " ");
}
