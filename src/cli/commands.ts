/** Where the commands are, in the order in which the overview lists them: each is loaded only when it is called. */
import type { Command } from "./command.ts";

/** By the first word of their names. */
const PLACES: ReadonlyMap<string, () => Promise<readonly Command[]>> = new Map([
  ["serve", async () => [(await import("./serve.ts")).serve]],
  ["check", async () => [(await import("./check.ts")).checkCommand]],
  ["routes", async () => [(await import("./routes.ts")).routesCommand]],
  ["test", async () => [(await import("./test.ts")).testCommand]],
  ["explain", async () => [(await import("./explain.ts")).explainCommand]],
  ["diff", async () => [(await import("./diff.ts")).diffCommand]],
  ["matrix", async () => [(await import("./matrix.ts")).matrixCommand]],
  ["replay", async () => [(await import("./replay.ts")).replayCommand]],
  ["shadow", async () => [(await import("./shadow.ts")).shadowReportCommand]],
  ["import", async () => [(await import("./import.ts")).importCommand]],
  ["coverage", async () => [(await import("./coverage.ts")).coverageCommand]],
  ["doctor", async () => [(await import("./doctor.ts")).doctorCommand]],
  ["accounts", async () => (await import("./accounts.ts")).accountCommands],
  ["keys", async () => (await import("./keys.ts")).keyCommands],
  ["demo", async () => (await import("./demo-parts.ts")).demoPartCommands],
]);

/** All there are. */
export async function allCommands(): Promise<readonly Command[]> {
  return (await Promise.all([...PLACES.values()].map((load) => load()))).flat();
}

/** The commands that a line of arguments may mean: those of its first word, or all. */
export async function commandsFor([first = ""]: readonly string[]): Promise<readonly Command[]> {
  return PLACES.get(first)?.() ?? allCommands();
}
