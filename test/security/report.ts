/**
 * `npm run test:security`: runs the security tests and prints each class with its rows: passed, not applicable
 * (with the reason), failed, missing. At the end it looks for every secret that the tests made in all that their
 * gateways logged. Exit code 1 where a row failed or is missing, or a secret was found.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CATALOGUE, rowsInName } from "./catalogue.ts";
import { finalPass } from "./final-pass.ts";
import { SINK_VARIABLE } from "./log-sink.ts";
import { NOT_APPLICABLE } from "./not-applicable.ts";
import { PARTS_NOT_APPLICABLE } from "./not-applicable-policy.ts";

type State = "passed" | "failed";

/** Rows by the worst that happened in a test of theirs; tests stand one level below their file. */
function statesOf(tap: string): Map<string, State> {
  const states = new Map<string, State>();
  for (const [, not, name = ""] of tap.matchAll(/^ {4}(not )?ok \d+ - (.*?)(?: # .*)?$/gm)) {
    for (const row of rowsInName(name)) if (states.get(row) !== "failed") states.set(row, not ? "failed" : "passed");
  }
  return states;
}

/** Of those that this command runs. */
const GATEWAY_FILES = 25;

const sink = mkdtempSync(join(tmpdir(), "sallyport-security-logs-"));
const testFiles = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".test.ts"))
  .map((file) => `test/security/${file}`);
const { stdout, status } = spawnSync("npx", ["--no-install", "tap", "--reporter=tap", ...testFiles], {
  cwd: join(import.meta.dirname, "../.."),
  env: { ...process.env, [SINK_VARIABLE]: sink },
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
  for (const name of names) if (PARTS_NOT_APPLICABLE.has(name)) console.log(`     of ${name}: ${PARTS_NOT_APPLICABLE.get(name)}`);
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
const pass = finalPass(sink, { gatewayFiles: GATEWAY_FILES });
rmSync(sink, { recursive: true, force: true });
console.log(`\nfinal pass ${pass.holds ? "holds" : "FAILED"}: ${pass.words.join("\n     ")}`);
if (!pass.holds) bad += 1;
process.exitCode = bad === 0 && status === 0 ? 0 : 1;
