/** What the gateway adds to the time of a request at half of the load that it can bear. */
import type { PacedLane, PacedRound } from "../report/results.ts";
import { fire, type Shot } from "../stage/load.ts";
import { pace, type PacerOptions } from "../stage/paced.ts";
import { randomOf, shuffled } from "../stage/random.ts";
import { goodShot, TENANT, type Stage } from "../stage/stage.ts";
import { haproxy } from "../targets/haproxy.ts";
import { rawHop } from "../targets/node-peers.ts";
import { sallyport } from "../targets/sallyport.ts";
import type { Running } from "../targets/target.ts";
import { PACED } from "./lane-names.ts";
import { CONNECTIONS, type RoundsOptions } from "./rounds.ts";
import { withTargets, type Open } from "./targets.ts";

/** How long the full load runs of which half is taken, anew for each round: the machine may be slower by then. */
const FULL_LOAD_SECONDS = 2;
const PACED_WARM_UP_SECONDS = 1;

interface PacedTarget {
  readonly name: string;
  readonly port: number;
  readonly rounds: PacedRound[];
}

export interface LatencyOptions extends RoundsOptions {
  /** Without those that no line names. */
  readonly quick: boolean;
}

/** The gateway logs every decision here. */
export function measureLatency(stage: Stage, options: LatencyOptions): Promise<readonly PacedLane[]> {
  const shot = goodShot(stage.issuer.token(TENANT));
  return withTargets(stage, async (open) => {
    const gateway = await open(sallyport({ name: "sallyport-logging", logs: "all" }));
    const targets = await pacedTargets(stage, gateway, open, options);
    for (const { port } of targets) await fullLoad(shot, port, { ...options, seconds: options.warmUpSeconds });
    const random = randomOf(options.seed);
    for (let round = 0; round < options.rounds; round++) {
      const rate = (await fullLoad(shot, gateway.port, { ...options, seconds: FULL_LOAD_SECONDS })) / 2;
      await takeRound(targets, shot, { rate: Math.round(rate), seconds: options.seconds, seed: Math.floor(random() * 2 ** 32) }, random);
    }
    return targets.map(({ name, rounds }) => ({ name, rounds }));
  });
}

async function pacedTargets(stage: Stage, gateway: Running, open: Open, { quick }: LatencyOptions): Promise<readonly PacedTarget[]> {
  const judged = [
    { name: PACED.sallyport, port: gateway.port, rounds: [] },
    { name: PACED.direct, port: stage.upstream.port, rounds: [] },
  ];
  if (quick) return judged;
  return [
    ...judged,
    { name: PACED.rawHop, port: (await open(rawHop)).port, rounds: [] },
    { name: PACED.haproxy, port: (await open(haproxy)).port, rounds: [] },
  ];
}

/** All at the same rate. */
async function takeRound(
  targets: readonly PacedTarget[],
  shot: Shot,
  { rate, seconds, seed }: Pick<PacerOptions, "rate" | "seconds" | "seed">,
  random: () => number,
): Promise<void> {
  const setting = { rate, connections: CONNECTIONS, seconds, warmUpSeconds: PACED_WARM_UP_SECONDS, seed };
  for (const { port, rounds } of shuffled(targets, random)) rounds.push(await pace(shot, { ...setting, port }));
}

async function fullLoad(shot: Shot, port: number, { seconds, folder }: RoundsOptions): Promise<number> {
  return (await fire(shot, { port, connections: CONNECTIONS, seconds, folder })).perSecond;
}
