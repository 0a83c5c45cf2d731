/** Bodies from a kilobyte to a gigabyte, both ways: small ones over 64 connections, large ones one at a time. */
import type { GrowthPoint, GrowthTable } from "../../report/results.ts";
import type { Shot } from "../../stage/load.ts";
import { filePath, move, type Direction } from "../../stage/moved.ts";
import { goodShot, TENANT } from "../../stage/stage.ts";
import { startSink } from "../../stage/upstream.ts";
import { rawHop } from "../../targets/node-peers.ts";
import { sallyport } from "../../targets/sallyport.ts";
import type { Target } from "../../targets/target.ts";
import { withTargets } from "../targets.ts";
import { growthOf, shownName, type GrowthOptions, type Point } from "./points.ts";

const SMALL_BYTES = [2 ** 10, 2 ** 16, 2 ** 20];
const LARGE_BYTES = [2 ** 26, 2 ** 30];
/** The upstream must have a file of each of these sizes. */
export const BODY_BYTES: readonly number[] = [...SMALL_BYTES, ...LARGE_BYTES];

export async function growthOfDownloads(options: GrowthOptions): Promise<GrowthTable> {
  return bothSizes("body, down", "down", options);
}

/** To a service that reads them to their end. */
export async function growthOfUploads(options: GrowthOptions): Promise<GrowthTable> {
  const sink = await startSink();
  try {
    return await bothSizes("body, up", "up", { ...options, stage: { ...options.stage, upstream: sink } });
  } finally {
    await sink.stop();
  }
}

async function bothSizes(of: string, direction: Direction, options: GrowthOptions): Promise<GrowthTable> {
  const small = await growthOf(
    of,
    SMALL_BYTES.flatMap((bytes) => pointsOf(bytes, direction, options)),
    options,
  );
  const large: GrowthPoint[] = [];
  for (const bytes of LARGE_BYTES) {
    for (const { target } of pointsOf(bytes, direction, options)) large.push(await moveRounds(target, { bytes, direction }, options));
  }
  return { of, inBytes: true, points: [...small.points, ...large] };
}

function pointsOf(bytes: number, direction: Direction, { stage }: GrowthOptions): readonly Point[] {
  const good = goodShot(stage.issuer.token(TENANT));
  const shot: Shot = { ...good, path: filePath(bytes), ...(direction === "up" && { method: "POST", bodyBytes: bytes }) };
  return [sallyport({ name: `sallyport-${direction}-${bytes}` }), rawHop].map((target) => ({ at: bytes, target, shot, bytes }));
}

interface LargeBody {
  readonly bytes: number;
  readonly direction: Direction;
}

function moveRounds(target: Target, body: LargeBody, { stage, rounds }: GrowthOptions): Promise<GrowthPoint> {
  return withTargets(stage, async (open) => {
    const running = await open(target);
    const token = stage.issuer.token(TENANT);
    await move({ ...body, token }, running.port);
    const moved = [];
    for (let round = 0; round < rounds; round++) moved.push(await move({ ...body, token }, running.port));
    return {
      at: body.bytes,
      target: shownName(target),
      unit: "MB/s",
      rates: moved.map(({ mbPerSecond }) => mbPerSecond),
      leastLoadIdle: Math.min(...moved.map(({ loadIdle }) => loadIdle)),
      peakMb: running.peakMb(),
    };
  });
}
