/** Runs in a thread of its own: reads and checks the files of a policy, and hands over what is to be compiled, piece by piece. */
import { platform, setPriority } from "node:os";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { readJob } from "./here.ts";
import { type Head, type Job, type Piece, piecesOf, withoutTables } from "./pieces.ts";

/** Where both want the same core, requests come first, and loading still gets a quarter of it. */
const NICE = 5;

async function run(port: MessagePort, job: Job): Promise<void> {
  // Elsewhere this would be about the whole process; here, about the thread that asks (setpriority(2), "Bugs").
  if (platform() === "linux") setPriority(NICE);
  const read = await readJob(job);
  if (read.kind === "invalid") {
    port.postMessage(read satisfies Head);
    return;
  }
  const { sound, files, seen } = read;
  const pieces = piecesOf(sound);
  port.on("message", () => {
    const next = pieces.next();
    port.postMessage((next.done === true ? { kind: "end" } : { kind: "routes", ...next.value }) satisfies Piece);
  });
  port.postMessage({ kind: "sound", sound: withoutTables(sound), files, seen } satisfies Head);
}

if (parentPort) await run(parentPort, workerData as Job);
