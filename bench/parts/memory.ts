/** How much memory the gateway has: when nobody calls, under load, and while a large body streams through it. */
import { setTimeout as pause } from "node:timers/promises";
import type { MemoryRound } from "../report/results.ts";
import { fire } from "../stage/load.ts";
import { move, type Direction } from "../stage/moved.ts";
import { goodShot, TENANT, type Stage } from "../stage/stage.ts";
import { startSink } from "../stage/upstream.ts";
import { startGateway } from "../targets/sallyport.ts";
import type { Running } from "../targets/target.ts";
import { GIGABYTE } from "./download.ts";
import { CONNECTIONS, type RoundsOptions } from "./rounds.ts";
import { SETTLING_MS } from "./targets.ts";

/** New processes for each round. */
export async function measureMemory(stage: Stage, options: RoundsOptions): Promise<readonly MemoryRound[]> {
  const rounds: MemoryRound[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const underLoad = await idleAndLoaded(stage, options);
    rounds.push({ ...underLoad, downloadGrowth: await firstStream(stage, "down"), uploadGrowth: await firstStream(stage, "up") });
  }
  return rounds;
}

type UnderLoad = Pick<MemoryRound, "idle" | "loaded" | "laterDownloadGrowth">;

async function idleAndLoaded(stage: Stage, { seconds, warmUpSeconds, folder }: RoundsOptions): Promise<UnderLoad> {
  const gateway = await startGateway({ name: "sallyport-memory" }, stage);
  await pause(SETTLING_MS);
  const idle = gateway.residentMb();
  const shot = goodShot(stage.issuer.token(TENANT));
  await fire(shot, { port: gateway.port, connections: CONNECTIONS, seconds: warmUpSeconds + seconds, folder });
  const loaded = gateway.peakMb();
  const laterDownloadGrowth = await growthIn(gateway, stage, "down");
  await gateway.stop();
  return { idle, loaded, laterDownloadGrowth };
}

async function firstStream(stage: Stage, direction: Direction): Promise<number> {
  const sink = direction === "up" ? await startSink() : undefined;
  const gateway = await startGateway({ name: "sallyport-stream" }, { ...stage, upstream: sink ?? stage.upstream });
  const growth = await growthIn(gateway, stage, direction);
  await gateway.stop();
  await sink?.stop();
  return growth;
}

async function growthIn(gateway: Running, stage: Stage, direction: Direction): Promise<number> {
  await pause(SETTLING_MS);
  const before = gateway.residentMb();
  gateway.forgetPeak();
  await move({ direction, bytes: GIGABYTE, token: stage.issuer.token(TENANT) }, gateway.port);
  return gateway.peakMb() - before;
}
