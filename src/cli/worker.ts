/** The door of a worker process: `serve --workers` starts it, and nobody else. */
import { randomBytes } from "node:crypto";
import { createLog, standardOutput } from "../observability/log.ts";
import { answer } from "../workers/answering.ts";
import type { Order, Said } from "../workers/messages.ts";
import { Worker } from "../workers/worker.ts";
import { flushedAtExit } from "./flushed-at-exit.ts";
import { releaseWhenIdle } from "./idle-memory.ts";

if (!process.send) {
  process.stderr.write("sallyport: this is a part of `sallyport serve --workers N`, which starts it\n");
  process.exit(2);
}

const worker = new Worker({
  createLog: (level, place) => flushedAtExit(createLog(level, standardOutput, { worker: place })),
  now: Date.now,
  monotonicNow: () => performance.now(),
  randomBytes,
  settle: releaseWhenIdle,
});

/** A primary that is gone hears nothing, and this process ends with it. */
const say = (said: Said): void => void process.send?.(said, undefined, undefined, () => undefined);

process.on("message", (order: Order) => void answer(worker.handlers, order, say));

/** From a terminal they go to all processes at once, and it is for the primary to say what follows. */
for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP"] as const) process.on(signal, () => undefined);

let asked = false;
process.on("SIGTERM", () => {
  if (asked) worker.cut();
  else void worker.drain().then(() => process.exit(0));
  asked = true;
});

say({ kind: "present" });
