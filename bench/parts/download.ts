/** One large body at a time, through the gateway and past it. */
import type { MovedLane } from "../report/results.ts";
import { move } from "../stage/moved.ts";
import { randomOf, shuffled } from "../stage/random.ts";
import { TENANT, type Stage } from "../stage/stage.ts";
import { nginx, nginxLargeBuffers } from "../targets/nginx.ts";
import { rawHop } from "../targets/node-peers.ts";
import { sallyport } from "../targets/sallyport.ts";
import type { Target } from "../targets/target.ts";
import { DOWNLOADS } from "./lane-names.ts";
import { oneAtATime, withTargets } from "./targets.ts";

export const GIGABYTE = 2 ** 30;

type Named = readonly [name: string, target: Target];

const JUDGED: readonly Named[] = [
  [DOWNLOADS.sallyport, sallyport({ name: "sallyport-download" })],
  [DOWNLOADS.nginx, nginx],
];
const BESIDE: readonly Named[] = [
  [DOWNLOADS.nginxLargeBuffers, nginxLargeBuffers],
  [DOWNLOADS.rawHop, rawHop],
];

export interface DownloadOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Without those that no line names. */
  readonly quick: boolean;
}

/** 1 GB down, so many times from each; once before it counts. */
export function compareDownloads(stage: Stage, { rounds, seed, quick }: DownloadOptions): Promise<readonly MovedLane[]> {
  const body = { direction: "down", bytes: GIGABYTE, token: stage.issuer.token(TENANT) } as const;
  return withTargets(stage, async (open) => {
    const lanes = [];
    for (const [name, target] of quick ? JUDGED : [...JUDGED, ...BESIDE])
      lanes.push({ name, running: await open(target), rounds: [] as MovedLane["rounds"][number][] });
    const turn = await oneAtATime(new Set(lanes.map(({ running }) => running)));
    for (const { running } of lanes) await turn(running, () => move(body, running.port));
    const random = randomOf(seed);
    for (let round = 0; round < rounds; round++) {
      for (const { running, rounds: moved } of shuffled(lanes, random)) moved.push(await turn(running, () => move(body, running.port)));
    }
    return lanes.map(({ name, rounds: moved }) => ({ name, rounds: moved }));
  });
}
