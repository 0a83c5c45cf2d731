/** One worker as the primary has it: a process to be asked, and to be ended. */
import type { ChildProcess } from "node:child_process";
import cluster from "node:cluster";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { Asker, WorkerGone } from "./asker.ts";
import { WholeLines } from "./lines.ts";
import type { Answer, Given, OrderName, Said } from "./messages.ts";

/** How a process ended. */
export interface End {
  readonly code: number | null;
  readonly signal: string | null;
  /** It did not answer, and was ended for it. */
  readonly stuck: boolean;
}

export interface WorkerProcess {
  readonly pid: number | undefined;
  /** Resolves when the process is gone and all that it wrote is handed on. */
  readonly ended: Promise<End>;
  /** Resolves when it takes orders. Rejects with WorkerGone. */
  present(withinMs: number): Promise<void>;
  /** Rejects with WorkerFault, or with WorkerGone: who does not answer in time is ended, unless `patient`. */
  ask<Name extends OrderName>(name: Name, given: Given<Name>, withinMs: number, patient?: "patient"): Promise<Answer<Name>>;
  /** At once. */
  kill(): void;
  /** Lets it go, which ends it. */
  release(): void;
}

export interface Outlets {
  /** Whole lines of what workers write. */
  readonly output: (lines: string) => void;
  readonly errors: (lines: string) => void;
}

/** For ending, once nothing is left to do. */
const RELEASE_MS = 5_000;

export type StartProcess = () => WorkerProcess;

/** `script` is what each process runs. */
export function workerProcesses(script: URL, outlets: Outlets): StartProcess {
  cluster.setupPrimary({
    exec: fileURLToPath(script),
    args: [],
    serialization: "advanced",
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  return () => new ClusterProcess(cluster.fork().process, outlets);
}

class ClusterProcess implements WorkerProcess {
  readonly ended: Promise<End>;
  readonly #child: ChildProcess;
  readonly #asker: Asker;
  #stuck = false;

  constructor(child: ChildProcess, { output, errors }: Outlets) {
    this.#child = child;
    this.#asker = new Asker((order) => child.send(order, () => undefined));
    child.on("message", (said: Said) => this.#asker.hear(said));
    this.ended = this.#end([handOn(child.stdout, output), handOn(child.stderr, errors)]);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  present(withinMs: number): Promise<void> {
    return this.#within(this.#asker.present(), withinMs);
  }

  ask<Name extends OrderName>(name: Name, given: Given<Name>, withinMs: number, patient?: "patient"): Promise<Answer<Name>> {
    return this.#within(this.#asker.ask(name, given), withinMs, patient);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  release(): void {
    if (this.#child.connected) this.#child.disconnect();
    const late = setTimeout(() => this.kill(), RELEASE_MS);
    void this.ended.then(() => clearTimeout(late));
  }

  async #within<Result>(answer: Promise<Result>, withinMs: number, patient?: "patient"): Promise<Result> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(new WorkerGone("the worker does not answer"));
      if (patient) return;
      this.#stuck = true;
      this.kill();
    }, withinMs);
    try {
      return await Promise.race([answer, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Its `close` would say the same, but does not come where the primary has closed the channel. */
  #end(written: readonly Promise<void>[]): Promise<End> {
    const child = this.#child;
    return new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#asker.end();
        void Promise.all(written).then(() => resolve({ code, signal, stuck: this.#stuck }));
      });
      // Of one that could not be started this is all that comes; what else goes wrong, its end shows.
      child.on("error", () => {
        if (child.pid !== undefined) return;
        this.#asker.end();
        resolve({ code: null, signal: null, stuck: false });
      });
    });
  }
}

/** Resolves at the stream's end. */
async function handOn(stream: Readable | null, write: (lines: string) => void): Promise<void> {
  const lines = new WholeLines(write);
  stream?.on("data", (chunk: Buffer) => lines.take(chunk));
  if (stream) await finished(stream).catch(() => undefined);
  lines.end();
}
