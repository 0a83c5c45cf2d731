/** Several loads in turn, for several rounds, so that a noisy minute of the machine falls on all of them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { LaneRounds, Round } from "../report/results.ts";
import { fire, type Shot } from "../stage/load.ts";
import { randomOf, shuffled } from "../stage/random.ts";
import type { Running } from "../targets/target.ts";
import { oneAtATime } from "./targets.ts";

export interface Lane {
  /** Lanes of one name are one load on several processes, whose figures are their mean: no two processes are alike. */
  readonly name: string;
  readonly running: Running;
  readonly shot: Shot;
  readonly connections?: number;
  /** Other than usual: thousands of connections take seconds to open. */
  readonly seconds?: number;
  readonly primed?: Priming;
}

/** So many requests must be answered first, one after the other without a break. */
export interface Priming {
  readonly requests: number;
  /**
   * Milliseconds after which what they left behind is forgotten: then they come again before each round, and not before all of
   * it is, or some would be forgotten while the round lasts.
   */
  readonly forgottenAfterMs?: number;
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly settleSeconds: number;
  readonly seed: number;
  /** For what the load is told. */
  readonly folder: string;
}

export const CONNECTIONS = 64;
/** Of the header fields, while a process warms up. */
export const WARM_UP_ORDERS = 8;
const LONGEST_PRIMING_SECONDS = 180;
/** More than it should take, so that a slower moment does not make it fail. */
const PRIMING_MARGIN = 1.2;

/** Lanes that are held against one another, and so have their turns close together: no moment of the machine lasts. */
export type Heat = readonly Lane[];

/**
 * Warms each lane up, then takes them in turn, heat by heat, each round in another order: whoever comes after a heavy one does not
 * always do so.
 */
export async function runRounds(heats: readonly Heat[], options: RoundsOptions): Promise<readonly LaneRounds[]> {
  const lanes = heats.flat();
  const rounds = new Map<Lane, Round[]>(lanes.map((lane) => [lane, []]));
  const primedAt = new Map<Lane, number>();
  const random = randomOf(options.seed);
  const turn = await oneAtATime(new Set(lanes.map(({ running }) => running)));
  for (const lane of lanes) {
    await turn(lane.running, () => warmUp(lane, options));
    primedAt.set(lane, performance.now());
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const lane of shuffled(heats, random).flatMap((heat) => shuffled(heat, random))) {
      await forgotten(lane, primedAt);
      await turn(lane.running, async () => {
        await settle(lane, options, primedAt);
        rounds.get(lane)?.push((await shoot(lane, lane.seconds ?? options.seconds, options)).round);
      });
    }
  }
  return [...Map.groupBy(lanes, ({ name }) => name)].map(([name, same]) => ({
    name,
    rounds: Array.from({ length: options.rounds }, (_, round) => meanOf(same.flatMap((lane) => rounds.get(lane)?.[round] ?? []))),
    peakMb: Math.max(...same.map(({ running }) => running.peakMb())),
  }));
}

/** Of whatever makes a round invalid it is the least. */
function meanOf(rounds: readonly Round[]): Round {
  const mean = (pick: (round: Round) => number): number => rounds.reduce((sum, round) => sum + pick(round), 0) / rounds.length;
  return {
    perSecond: mean(({ perSecond }) => perSecond),
    p50: mean(({ p50 }) => p50),
    p99: mean(({ p99 }) => p99),
    cpuMicroseconds: mean(({ cpuMicroseconds }) => cpuMicroseconds),
    busy: Math.min(...rounds.map(({ busy }) => busy)),
    loadIdle: Math.min(...rounds.map(({ loadIdle }) => loadIdle)),
  };
}

interface Shooting {
  readonly requests: number;
  readonly round: Round;
}

async function shoot(
  { running, shot, connections = CONNECTIONS }: Lane,
  seconds: number,
  { folder }: RoundsOptions,
  orders = 1,
): Promise<Shooting> {
  const cpuBefore = running.cpuMs();
  const { requests, ...figures } = await fire(shot, { port: running.port, connections, seconds, folder, orders });
  const cpuMicroseconds = ((running.cpuMs() - cpuBefore) * 1000) / requests;
  return { requests, round: { ...figures, cpuMicroseconds, busy: (cpuMicroseconds * figures.perSecond) / 1e6 } };
}

/** Resolves when nothing is left of what the lane is primed with. */
async function forgotten(lane: Lane, primedAt: ReadonlyMap<Lane, number>): Promise<void> {
  const { forgottenAfterMs } = lane.primed ?? {};
  if (forgottenAfterMs !== undefined) await sleep(Math.max(0, (primedAt.get(lane) ?? 0) + forgottenAfterMs - performance.now()));
}

async function settle(lane: Lane, options: RoundsOptions, primedAt: Map<Lane, number>): Promise<void> {
  if (lane.primed?.forgottenAfterMs !== undefined) {
    await warmUp(lane, options);
    primedAt.set(lane, performance.now());
    // Of a longer round the beginning weighs less, and a second is not enough to open its connections.
  } else if (options.settleSeconds > 0 && lane.seconds === undefined) await shoot(lane, options.settleSeconds, options);
}

async function warmUp(lane: Lane, options: RoundsOptions): Promise<void> {
  const least = lane.primed?.requests ?? 0;
  let seconds = Math.max(options.warmUpSeconds, lane.seconds ?? 0);
  for (let spent = 0; spent < LONGEST_PRIMING_SECONDS; spent += seconds) {
    const { requests, round } = await shoot(lane, seconds, options, WARM_UP_ORDERS);
    if (requests >= least) return;
    seconds = Math.ceil((least / round.perSecond) * PRIMING_MARGIN);
  }
  throw new Error(`${lane.name}: ${LONGEST_PRIMING_SECONDS} s are too short for ${least} requests on this machine`);
}
