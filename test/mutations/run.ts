/**
 * Turns off one guard after the other in a copy of the sources, and runs the tests that must notice.
 * `npm run test:mutations [-- WORD …]` runs those whose name holds one of the words. A guard that can be
 * turned off without any test turning red is a hole in the tests: exit code 1.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MUTATIONS, type Mutation } from "./mutations.ts";

const PROJECT = join(import.meta.dirname, "../..");
const COPIED = ["src", "test", "config", "docs", "package.json", "tsconfig.json", ".taprc"];

function copyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-mutations-"));
  for (const name of COPIED) cpSync(join(PROJECT, name), join(folder, name), { recursive: true });
  symlinkSync(join(PROJECT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

type Verdict = "caught" | "NOT CAUGHT" | "NO SUCH CODE";

/** Applies the mutation, runs its tests until one is red, and puts the file back. */
function verdictOn(mutation: Mutation, folder: string): Verdict {
  const path = join(folder, mutation.file);
  const original = readFileSync(path, "utf8");
  if (original.split(mutation.code).length !== 2) return "NO SUCH CODE";
  writeFileSync(
    path,
    original.replace(mutation.code, () => mutation.instead),
  );
  try {
    return mutation.tests.some((test) => isRed(test, folder)) ? "caught" : "NOT CAUGHT";
  } finally {
    writeFileSync(path, original);
  }
}

function isRed(test: string, folder: string): boolean {
  const { status } = spawnSync(join(PROJECT, "node_modules/.bin/node"), [join(folder, test)], {
    cwd: folder,
    encoding: "utf8",
    timeout: 120_000,
  });
  return status !== 0;
}

const words = process.argv.slice(2);
const chosen = MUTATIONS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
const folder = copyProject();
let missed = 0;
try {
  const unbroken = [...new Set(chosen.flatMap(({ tests }) => tests))].filter((test) => isRed(test, folder));
  if (unbroken.length > 0) throw new Error(`red without any mutation: ${unbroken.join(", ")}`);
  for (const mutation of chosen) {
    const verdict = verdictOn(mutation, folder);
    if (verdict !== "caught") missed += 1;
    console.log(`${verdict.padEnd(12)} ${mutation.name}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${chosen.length - missed} of ${chosen.length} guards are held by tests`);
process.exitCode = missed === 0 ? 0 : 1;
