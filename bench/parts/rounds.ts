/** Several loads in turn, for several rounds, so that a noisy minute of the machine falls on all of them. */
import type { LaneRounds, Round } from "../report/results.ts";
import { fire, type Shot } from "../stage/load.ts";
import { randomOf, shuffled } from "../stage/random.ts";
import type { Running } from "../targets/target.ts";

export interface Lane {
  readonly name: string;
  readonly running: Running;
  readonly shot: Shot;
  readonly connections?: number;
  /** Other than usual: thousands of connections take seconds to open. */
  readonly seconds?: number;
  /** So many requests must be answered first, one after the other without a break; before each round where it is soon forgotten. */
  readonly primed?: { readonly requests: number; readonly eachRound: boolean };
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
const LONGEST_PRIMING_SECONDS = 180;
/** More than it should take, so that a slower moment does not make it fail. */
const PRIMING_MARGIN = 1.2;

/** Warms each lane up, then takes them in turn, each round in another order: whoever comes after a heavy one does not always do so. */
export async function runRounds(lanes: readonly Lane[], options: RoundsOptions): Promise<readonly LaneRounds[]> {
  const rounds = new Map<Lane, Round[]>(lanes.map((lane) => [lane, []]));
  const random = randomOf(options.seed);
  for (const lane of lanes) await warmUp(lane, options);
  for (let round = 0; round < options.rounds; round++) {
    for (const lane of shuffled(lanes, random)) {
      await settle(lane, options);
      rounds.get(lane)?.push((await shoot(lane, lane.seconds ?? options.seconds, options)).round);
    }
  }
  return lanes.map((lane) => ({ name: lane.name, rounds: rounds.get(lane) ?? [], peakMb: lane.running.peakMb() }));
}

interface Shooting {
  readonly requests: number;
  readonly round: Round;
}

async function shoot({ running, shot, connections = CONNECTIONS }: Lane, seconds: number, { folder }: RoundsOptions): Promise<Shooting> {
  const cpuBefore = running.cpuMs();
  const { requests, ...figures } = await fire(shot, { port: running.port, connections, seconds, folder });
  const cpuMicroseconds = ((running.cpuMs() - cpuBefore) * 1000) / requests;
  return { requests, round: { ...figures, cpuMicroseconds, busy: (cpuMicroseconds * figures.perSecond) / 1e6 } };
}

async function settle(lane: Lane, options: RoundsOptions): Promise<void> {
  if (lane.primed?.eachRound) await warmUp(lane, options);
  else if (options.settleSeconds > 0) await shoot(lane, options.settleSeconds, options);
}

async function warmUp(lane: Lane, options: RoundsOptions): Promise<void> {
  const least = lane.primed?.requests ?? 0;
  let seconds = Math.max(options.warmUpSeconds, lane.seconds ?? 0);
  for (let spent = 0; spent < LONGEST_PRIMING_SECONDS; spent += seconds) {
    const { requests, round } = await shoot(lane, seconds, options);
    if (requests >= least) return;
    seconds = Math.ceil((least / round.perSecond) * PRIMING_MARGIN);
  }
  throw new Error(`${lane.name}: ${LONGEST_PRIMING_SECONDS} s are too short for ${least} requests on this machine`);
}
