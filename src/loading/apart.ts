/**
 * Loads a policy beside whatever else this process does: a thread reads and checks, and what it found is compiled here in
 * slices, so that requests wait for neither. The thread, and all memory that this takes, goes with it.
 */
import { once } from "node:events";
import module from "node:module";
import { dirname, extname } from "node:path";
import { Worker } from "node:worker_threads";
import { inSlices } from "../contract/steps.ts";
import { compilePolicy } from "../policy/compile/policy.ts";
import type { Loaded } from "../policy/load.ts";
import type { Policy } from "../contract/policy.ts";
import type { SoundFiles } from "../policy/sound.ts";
import { Assembly, type Head, type Job, type Piece } from "./pieces.ts";

/** Built or not, it stands beside this file. */
const THREAD = new URL(`thread${extname(import.meta.filename)}`, import.meta.url);
/** Nearly all that a load makes is of no use at its end: to sort it out meanwhile would only take time. */
const YOUNG_MB = 64;
/** Ten times what a policy of 10,000 routes takes. Past it the thread ends, and the gateway keeps its policy. */
const OLD_MB = 1024;

/**
 * What `loadPolicy` gives, or `loadProved`. Rejects only where the thread itself fails. `compiled` is for whoever needs
 * the files once more, to compile them elsewhere.
 */
export async function loadApart(job: Job, compiled?: (policy: Policy, sound: SoundFiles) => void): Promise<Loaded> {
  const read = await receive(job);
  if (read.kind === "invalid") return read;
  const { sound, files, seen } = read;
  const policy = await inSlices(compilePolicy(sound));
  compiled?.(policy, sound);
  return { kind: "policy", policy, files, seen };
}

async function receive(job: Job): Promise<Head> {
  const thread = new LoadingThread(job);
  try {
    const head = (await thread.says()) as Head;
    return head.kind === "invalid" ? head : { ...head, sound: await readTables(head.sound, thread) };
  } finally {
    await thread.end();
  }
}

async function readTables(sound: SoundFiles, thread: LoadingThread): Promise<SoundFiles> {
  const assembly = new Assembly(sound);
  for (;;) {
    thread.askForMore();
    const piece = (await thread.says()) as Piece;
    if (piece.kind === "end") return assembly.sound();
    assembly.add(piece);
  }
}

/** What the program compiled to start serves the thread too. */
function compileCache(): Readonly<Record<string, string>> {
  const folder = module.getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
}

class LoadingThread {
  readonly #worker: Worker;
  readonly #ended = new AbortController();
  #fault = new Error("the loading thread ended without an answer");

  constructor(job: Job) {
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB, maxOldGenerationSizeMb: OLD_MB };
    this.#worker = new Worker(THREAD, { name: "policy", workerData: job, env: compileCache(), execArgv: [], resourceLimits });
    this.#worker.once("error", (error: Error) => (this.#fault = error));
    this.#worker.once("exit", () => this.#ended.abort());
  }

  /** Its next message. */
  async says(): Promise<unknown> {
    try {
      const [message] = (await once(this.#worker, "message", { signal: this.#ended.signal })) as [unknown];
      return message;
    } catch {
      throw this.#fault;
    }
  }

  askForMore(): void {
    this.#worker.postMessage("more", []);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
