/** Decisions out of files of the log, or out of standard input; whatever else stands in them is passed over. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { readRecorded, type Recorded } from "../assurance/replay/recorded.ts";
import { type Terminal, UsageError } from "./command.ts";

/** One after the other, so that a log of any length can be read. `-` is standard input. Throws UsageError where a file cannot be read. */
export async function* recordedIn(files: readonly string[], terminal: Terminal): AsyncGenerator<Recorded> {
  for (const file of files) {
    for await (const line of linesOf(file, terminal)) {
      const record = readRecorded(line);
      if (record) yield record;
    }
  }
}

async function* linesOf(file: string, terminal: Terminal): AsyncGenerator<string> {
  if (file === "-") {
    yield* (await terminal.readInput()).split("\n");
    return;
  }
  try {
    yield* createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && "syscall" in error)) throw error;
    throw new UsageError(`${file} cannot be read: ${String(error.code)}`);
  }
}
