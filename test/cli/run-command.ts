/** Runs a command as a terminal would, and keeps what it says. */
import { runCommand, type Command, type Terminal } from "../../src/cli/command.ts";
import { commandsFor } from "../../src/cli/commands.ts";

export interface Answer {
  /** Exit code. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Surroundings {
  /** Those that there are; all of them where it is not said. */
  readonly commands?: readonly Command[];
  readonly environment?: Terminal["environment"];
  /** What is on standard input. */
  readonly input?: string;
  readonly columns?: number;
  readonly colour?: boolean;
}

/** The answer to `sallyport ARGV…`, in a terminal of 80 columns without colour unless told otherwise. */
export async function answerOf(argv: readonly string[], surroundings: Surroundings = {}): Promise<Answer> {
  const { environment = {}, input = "", columns = 80, colour = false } = surroundings;
  let out = "";
  let err = "";
  const code = await runCommand(surroundings.commands ?? (await commandsFor(argv)), argv, {
    out: (words) => void (out += words),
    err: (words) => void (err += words),
    environment,
    colour,
    columns,
    readInput: async () => input,
  });
  return { code, out, err };
}
