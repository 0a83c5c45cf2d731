/** The parts of a run, in their order. */
import type { GrowthTable, Results, RunKind, RunSettings } from "../report/results.ts";
import type { Stage } from "../stage/stage.ts";
import { compare } from "./comparison.ts";
import { compareDownloads } from "./download.ts";
import { growthOfDownloads, growthOfUploads } from "./growth/bodies.ts";
import type { GrowthOptions } from "./growth/points.ts";
import {
  growthOfConnections,
  growthOfHeaders,
  growthOfLimitKeys,
  growthOfRoutes,
  growthOfServices,
  growthOfTokens,
} from "./growth/quantities.ts";
import { measureLatency } from "./latency.ts";
import { measureMemory } from "./memory.ts";
import { measureSize, measureStarts } from "./start.ts";

export interface PartOptions extends RunSettings {
  readonly stage: Stage;
  readonly seed: number;
  readonly folder: string;
  readonly quick: boolean;
}

export interface Part {
  readonly name: string;
  /** What it does, for whoever waits. */
  readonly does: string;
  readonly run: (options: PartOptions) => Promise<Partial<Results>>;
}

const STARTS = { quick: 3, others: 11 };

const COMPARISON: readonly Part[] = [
  {
    name: "start",
    does: "start to ready, and what is installed",
    run: async ({ stage, quick }) => ({
      startMs: await measureStarts(stage, quick ? STARTS.quick : STARTS.others),
      size: measureSize(),
    }),
  },
  {
    name: "memory",
    does: "memory, idle, under load and while 1 GB streams through",
    run: async (options) => ({ memory: await measureMemory(options.stage, { ...options, rounds: fewer(options) }) }),
  },
  {
    name: "downloads",
    does: "1 GB down, beside nginx",
    run: async (options) => ({ downloads: await compareDownloads(options.stage, { ...options, rounds: fewer(options) }) }),
  },
  {
    name: "latency",
    does: "latency at half load, every decision logged",
    run: async (options) => ({ latency: await measureLatency(options.stage, { ...options, rounds: fewer(options) }) }),
  },
  {
    name: "loads",
    does: "requests a second, beside the peers",
    run: async (options) => ({ lanes: await compare(options.stage, options) }),
  },
];

const GROWTH: readonly Part[] = [
  growth("routes", "10 to 10,000 routes", growthOfRoutes),
  growth("services", "1 and 100 services", growthOfServices),
  growth("tokens", "1 to 100,000 cached tokens", growthOfTokens),
  growth("limit-keys", "1 to a million subjects of a limit", growthOfLimitKeys),
  growth("connections", "16 to 5,000 connections", growthOfConnections),
  growth("headers", "10 to 80 request headers", growthOfHeaders),
  growth("downloads-by-size", "bodies of 1 KB to 1 GB down", growthOfDownloads),
  growth("uploads-by-size", "bodies of 1 KB to 1 GB up", growthOfUploads),
];

function growth(name: string, does: string, measure: (options: GrowthOptions) => Promise<GrowthTable>): Part {
  return { name, does, run: async (options) => ({ growth: [await measure(options)] }) };
}

/** A quick run has time for these once. */
function fewer({ quick, rounds }: PartOptions): number {
  return quick ? 1 : rounds;
}

/** Throws where a name is none. */
export function partsOf(kind: RunKind, only: readonly string[]): readonly Part[] {
  const all = [...COMPARISON, ...GROWTH];
  const unknown = only.find((name) => !all.some((part) => part.name === name));
  if (unknown !== undefined) throw new Error(`there is no part "${unknown}"; there are ${all.map(({ name }) => name).join(", ")}`);
  if (only.length > 0) return all.filter(({ name }) => only.includes(name));
  return kind === "growth" ? GROWTH : COMPARISON;
}

/** Takes the parts one after the other. One that fails is said to, and the others go on. */
export async function runParts(parts: readonly Part[], options: PartOptions, say: (words: string) => void): Promise<Partial<Results>> {
  let results: Partial<Results> = {};
  for (const [index, part] of parts.entries()) {
    const startedAt = performance.now();
    say(`${index + 1} of ${parts.length}: ${part.does} …`);
    const measured = await part.run(options).catch((error: unknown) => failureOf(part, error));
    results = together(results, measured);
    const took = Math.round((performance.now() - startedAt) / 1000);
    say(`${index + 1} of ${parts.length}: ${measured.failures ? "FAILED after" : "done in"} ${took} s`);
  }
  return results;
}

function together(before: Partial<Results>, next: Partial<Results>): Partial<Results> {
  const tables = [...(before.growth ?? []), ...(next.growth ?? [])];
  const failures = [...(before.failures ?? []), ...(next.failures ?? [])];
  return { ...before, ...next, ...(tables.length > 0 && { growth: tables }), ...(failures.length > 0 && { failures }) };
}

function failureOf({ name }: Part, error: unknown): Partial<Results> {
  return { failures: [{ part: name, reason: error instanceof Error ? error.message : String(error) }] };
}
