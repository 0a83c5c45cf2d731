/** Where results are kept, and how they come there. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ProfileResults, Results, RunKind } from "./results.ts";

export const PROJECT = join(import.meta.dirname, "../..");
const FOLDER = join(PROJECT, "bench/results");
export const CHART = join(FOLDER, "chart.svg");
export const PAGE = join(PROJECT, "docs/performance.md");

/** Returns the file's path. */
export function writeResults(results: Results): string {
  return write(results.kind, results);
}

export function writeProfile(results: ProfileResults): string {
  return write("profile", results);
}

/** Undefined where no such run has been kept. */
export function readResults(kind: RunKind): Results | undefined {
  return read(kind) as Results | undefined;
}

export function readProfile(): ProfileResults | undefined {
  return read("profile") as ProfileResults | undefined;
}

function write(name: string, results: object): string {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${name}.json`);
  writeFileSync(path, `${JSON.stringify(results, rounded, 1)}\n`);
  return path;
}

function read(name: string): unknown {
  const path = join(FOLDER, `${name}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

/** More digits than were measured help nobody. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}

/** Of the sources; `+` where something in them is not committed. */
export function revision(): string {
  const git = (...words: string[]): string =>
    execFileSync("git", words, { cwd: PROJECT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  try {
    const changed = git("status", "--porcelain", "--", "src", "package.json", "package-lock.json").trim() !== "";
    return `${git("rev-parse", "--short=12", "HEAD").trim()}${changed ? "+" : ""}`;
  } catch {
    return "unknown";
  }
}
