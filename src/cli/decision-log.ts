/** Decisions out of files of the log, or out of standard input; whatever else stands in them is passed over. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { readRecorded, shadowNamed, type Recorded } from "../assurance/replay/recorded.ts";
import { type Terminal, UsageError } from "./command.ts";

export class DecisionLog {
  readonly #files: readonly string[];
  readonly #terminal: Terminal;
  /** How many were read so far. */
  lines = 0;
  decisions = 0;
  /** Revisions of shadow policies with which the gateway says that it compares. */
  readonly shadows = new Set<string>();

  /** `-` is standard input. */
  constructor(files: readonly string[], terminal: Terminal) {
    this.#files = files;
    this.#terminal = terminal;
  }

  /** One after the other, so that a log of any length can be read. Throws UsageError where a file cannot be read. */
  async *read(): AsyncGenerator<Recorded> {
    for (const file of this.#files) {
      for await (const line of linesOf(file, this.#terminal)) {
        this.lines += 1;
        const record = readRecorded(line);
        if (record) {
          this.decisions += 1;
          yield record;
        } else this.#noteShadow(line);
      }
    }
  }

  #noteShadow(line: string): void {
    const shadow = shadowNamed(line);
    if (shadow !== undefined) this.shadows.add(shadow);
  }
}

async function* linesOf(file: string, terminal: Terminal): AsyncGenerator<string> {
  if (file === "-") {
    const input = await terminal.readInput();
    if (input !== "") yield* input.replace(/\n$/, "").split("\n");
    return;
  }
  try {
    yield* createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && "syscall" in error)) throw error;
    throw new UsageError(error.code === "ENOENT" ? `${file} does not exist` : `${file} cannot be read: ${String(error.code)}`);
  }
}
