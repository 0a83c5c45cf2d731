/** Small programs of the bench that run on the load's core. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { LOAD_CORE } from "./machine.ts";

const run = promisify(execFile);

/** Runs a program of the bench with its setting as the one argument; resolves with the JSON that it prints. */
export async function runPinned(file: string, setting: object): Promise<unknown> {
  const { stdout } = await run("taskset", ["-c", String(LOAD_CORE), process.execPath, file, JSON.stringify(setting)]);
  return JSON.parse(stdout);
}
