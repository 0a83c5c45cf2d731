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
import { CONNECTIONS, type RoundsOptions, WARM_UP_ORDERS } from "./rounds.ts";
import { oneAtATime, withTargets, type Open } from "./targets.ts";

/** How long the full load runs of which half is taken, anew for each round: the machine may be slower by then. */
const FULL_LOAD_SECONDS = 2;
const PACED_WARM_UP_SECONDS = 1;
/** For each round of the run: no figure is as much at the mercy of the machine's moments as the slowest requests in a hundred. */
const ROUNDS_PER_ROUND = 2;

interface PacedTarget {
  readonly name: string;
  readonly running: Running;
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
    const turn = await oneAtATime(new Set(targets.map(({ running }) => running).filter((running) => running !== stage.upstream)));
    for (const { running } of targets) {
      await turn(running, () => fullLoad(shot, running.port, { ...options, seconds: options.warmUpSeconds }, WARM_UP_ORDERS));
    }
    const random = randomOf(options.seed);
    for (let round = 0; round < options.rounds * ROUNDS_PER_ROUND; round++) {
      const rate = (await turn(gateway, () => fullLoad(shot, gateway.port, { ...options, seconds: FULL_LOAD_SECONDS }))) / 2;
      const setting = { rate: Math.round(rate), seconds: options.seconds, seed: Math.floor(random() * 2 ** 32) };
      for (const target of shuffled(targets, random)) await turn(target.running, () => takeRound(target, shot, setting));
    }
    return targets.map(({ name, rounds }) => ({ name, rounds }));
  });
}

async function pacedTargets(stage: Stage, gateway: Running, open: Open, { quick }: LatencyOptions): Promise<readonly PacedTarget[]> {
  const judged = [
    { name: PACED.sallyport, running: gateway, rounds: [] },
    { name: PACED.direct, running: stage.upstream, rounds: [] },
  ];
  if (quick) return judged;
  return [
    ...judged,
    { name: PACED.rawHop, running: await open(rawHop), rounds: [] },
    { name: PACED.haproxy, running: await open(haproxy), rounds: [] },
  ];
}

async function takeRound(
  { running, rounds }: PacedTarget,
  shot: Shot,
  setting: Pick<PacerOptions, "rate" | "seconds" | "seed">,
): Promise<void> {
  const cpuBefore = running.cpuMs();
  const figures = await pace(shot, {
    ...setting,
    connections: CONNECTIONS,
    warmUpSeconds: PACED_WARM_UP_SECONDS,
    port: running.port,
  });
  const requests = figures.perSecond * (setting.seconds + PACED_WARM_UP_SECONDS);
  rounds.push({ ...figures, cpuMicroseconds: ((running.cpuMs() - cpuBefore) * 1000) / requests });
}

async function fullLoad(shot: Shot, port: number, { seconds, folder }: RoundsOptions, orders = 1): Promise<number> {
  return (await fire(shot, { port, connections: CONNECTIONS, seconds, folder, orders })).perSecond;
}
