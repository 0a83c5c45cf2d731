/**
 * `npm run test:security`: runs the security tests and prints each class with its rows: passed, not applicable
 * (with the reason), failed, missing. Exit code 1 where one failed or is missing.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { CATALOGUE, rowsInName } from "./catalogue.ts";
import { NOT_APPLICABLE } from "./not-applicable.ts";

type State = "passed" | "failed";

/** Rows by the worst that happened in a test of theirs; tests stand one level below their file. */
function statesOf(tap: string): Map<string, State> {
  const states = new Map<string, State>();
  for (const [, not, name = ""] of tap.matchAll(/^ {4}(not )?ok \d+ - (.*?)(?: # .*)?$/gm)) {
    for (const row of rowsInName(name)) if (states.get(row) !== "failed") states.set(row, not ? "failed" : "passed");
  }
  return states;
}

const testFiles = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".test.ts"))
  .map((file) => `test/security/${file}`);
const { stdout, status } = spawnSync("npx", ["--no-install", "tap", "--reporter=tap", ...testFiles], {
  cwd: join(import.meta.dirname, "../.."),
  encoding: "utf8",
  maxBuffer: 512 * 1024 * 1024,
});
const states = statesOf(stdout);
let bad = 0;
for (const { letter, title, rows } of CATALOGUE) {
  const names = Array.from({ length: rows }, (_, index) => `${letter}${index + 1}`);
  const passed = names.filter((name) => states.get(name) === "passed");
  const failed = names.filter((name) => states.get(name) === "failed");
  const apart = names.filter((name) => !states.has(name) && NOT_APPLICABLE.has(name));
  const missing = names.filter((name) => !states.has(name) && !NOT_APPLICABLE.has(name));
  bad += failed.length + missing.length;
  console.log(
    `${letter}  ${title}: ${passed.length} of ${rows} passed, ${apart.length} not applicable, ${failed.length} failed, ${missing.length} missing`,
  );
  for (const name of apart) console.log(`     ${name} does not apply: ${NOT_APPLICABLE.get(name)}`);
  if (failed.length > 0) console.log(`     failed: ${failed.join(" ")}`);
  if (missing.length > 0) console.log(`     missing: ${missing.join(" ")}`);
}
if (status !== 0)
  console.log(
    `\nthe tests themselves ended with ${status}:\n${stdout
      .split("\n")
      .filter((line) => line.trimStart().startsWith("not ok"))
      .join("\n")}`,
  );
process.exitCode = bad === 0 && status === 0 ? 0 : 1;
