/** `serve --workers N`: how many, and what is started where there are several. */
import { extname } from "node:path";
import type { Policy } from "../contract/policy.ts";
import type { loadApart } from "../loading/apart.ts";
import { standardError, standardOutput } from "../observability/log.ts";
import type { SoundFiles } from "../policy/sound.ts";
import type { Running, StartOptions } from "../start.ts";
import { text, UsageError, type Call } from "./command.ts";

export type Start = (options: StartOptions) => Promise<Running>;

/** Keeps the files of each policy that is loaded: workers compile them for themselves. */
export type Compiled = NonNullable<Parameters<typeof loadApart>[1]>;

const MOST_WORKERS = 64;
/** Built or not, it stands beside this file. */
const SCRIPT = new URL(`worker${extname(import.meta.filename)}`, import.meta.url);

/** One where nothing is said. */
export function workersOf(call: Call): number {
  const words = text(call, "workers") ?? "1";
  const workers = /^\d{1,3}$/.test(words) ? Number(words) : 0;
  if (workers >= 1 && workers <= MOST_WORKERS) return workers;
  throw new UsageError(`--workers: ${JSON.stringify(words)} is no number of processes; write one from 1 to ${MOST_WORKERS}`);
}

export function severalWorkers(workers: number): { readonly start: () => Promise<Start>; readonly compiled: Compiled } {
  const sounds = new WeakMap<Policy, SoundFiles>();
  const soundOf = (policy: Policy): SoundFiles => {
    const sound = sounds.get(policy);
    if (!sound) throw new Error("this policy's files were not kept");
    return sound;
  };
  const outlets = {
    output: (lines: string) => void standardOutput.write(lines),
    errors: (lines: string) => void standardError.write(lines),
  };
  return {
    start: async () => {
      const { startWorkers } = await import("../workers/primary.ts");
      return (options) => startWorkers({ ...options, workers, script: SCRIPT, soundOf, outlets });
    },
    compiled: (policy, sound) => void sounds.set(policy, sound),
  };
}
