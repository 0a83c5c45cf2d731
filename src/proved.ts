/** Loads a policy as `loadPolicy` does; where the gateway file says `tests: required`, only with green tests. */
import { dirname, join, resolve } from "node:path";
import { faultWords, reasonOf } from "./assurance/test-reports.ts";
import { runTests, type TestResult } from "./assurance/tests.ts";
import type { Diagnostic } from "./policy/diagnostic.ts";
import { type Expanded, type Loaded, loadExpanded, type LoadOptions } from "./policy/load.ts";
import { defaultTestFiles, readTests } from "./policy/tests/read.ts";

/** `now` (epoch milliseconds) is when the tests happen that say no time of their own. */
export function loadProved(options: LoadOptions, now: number): Loaded {
  const loaded = loadExpanded(options);
  if (loaded.kind === "invalid" || loaded.policy.gateway.tests !== "required") return loaded;
  const tests = defaultTestFiles(options.configPath);
  // The pattern stands for its folder, so that a file that comes later is noticed.
  const pattern = join(dirname(options.configPath), "tests", "*.yaml");
  const files = [...loaded.files, ...[pattern, ...tests].map((file) => resolve(file))];
  const diagnostics = tests.length === 0 ? [noTests(options.configPath)] : redTests(loaded, tests, now);
  return diagnostics.length === 0 ? { kind: "policy", policy: loaded.policy, files } : { kind: "invalid", diagnostics, files };
}

function redTests(loaded: Extract<Expanded, { kind: "policy" }>, files: readonly string[], now: number): readonly Diagnostic[] {
  const read = readTests(files, loaded);
  if (read.kind === "invalid") return read.diagnostics;
  return runTests(loaded.policy, read.tests, now)
    .filter((result) => result.faults.length > 0)
    .map(diagnosticOf);
}

function diagnosticOf(result: TestResult): Diagnostic {
  const { name, request, place } = result.test;
  const reason = reasonOf(result);
  const faults = result.faults.map(faultWords).join("; ");
  const message = `test "${name}" is red: ${request.method} ${request.target}: ${faults}${reason === undefined ? "" : ` (${reason})`}`;
  return { ...place, excerpt: "", excerptColumn: 1, width: 1, message };
}

function noTests(file: string): Diagnostic {
  const message = "`tests: required`, and there is no file tests/*.yaml in this folder";
  return { file, line: 1, column: 1, excerpt: "", excerptColumn: 1, width: 1, message, repair: "write one, or leave `tests:` out" };
}
