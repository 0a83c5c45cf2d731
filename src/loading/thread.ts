/** Runs in a thread of its own: reads and checks the files of a policy, and hands over what is to be compiled, piece by piece. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { readJob } from "./here.ts";
import { type Head, type Job, type Piece, piecesOf, withoutTables } from "./pieces.ts";

async function run(port: MessagePort, job: Job): Promise<void> {
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
