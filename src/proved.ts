/** Loads a policy as `loadPolicy` does; where the gateway file says `tests: required`, only with green tests. */
import { dirname, join } from "node:path";
import { faultWords, reasonOf } from "./assurance/test-reports.ts";
import { runTests, type TestResult } from "./assurance/tests.ts";
import type { Diagnostic } from "./policy/diagnostic.ts";
import type { InvalidFiles, LoadOptions, ReadFiles } from "./policy/outcome.ts";
import { type ExpandedPolicy, type Loaded, type ReadPolicy, readPolicy } from "./policy/load.ts";
import { SeenFiles } from "./policy/seen.ts";
import { defaultTestFiles, readTests } from "./policy/tests/read.ts";

/** `now` (epoch milliseconds) is when the tests happen that say no time of their own. */
export function loadProved(options: LoadOptions, now: number): Loaded {
  const read = readPolicy(options);
  if (read.kind === "invalid") return read;
  if (read.sound.gateway.tests !== "required") return read.expanded();
  const tested = proved(read, options.configPath, now);
  return tested.kind === "invalid" ? tested : tested.expanded();
}

/** The same policy where all tests beside the gateway file are green, or those that are not. */
export function proved(read: ReadPolicy, configPath: string, now: number): InvalidFiles | ReadPolicy {
  const tests = defaultTestFiles(configPath);
  const toWatch = withTests(read, configPath, tests);
  const expanded = read.expanded();
  const diagnostics = tests.length === 0 ? [noTests(configPath)] : redTests(expanded, tests, now);
  return diagnostics.length > 0
    ? { kind: "invalid", diagnostics, ...toWatch }
    : { ...read, ...toWatch, expanded: () => ({ ...expanded, ...toWatch }) };
}

/** The pattern stands for its folder, so that a file that comes later is noticed. */
function withTests({ files, seen }: ReadFiles, configPath: string, tests: readonly string[]): ReadFiles {
  const more = new SeenFiles();
  for (const file of [join(dirname(configPath), "tests", "*.yaml"), ...tests]) more.add(file);
  return { files: [...files, ...more.files], seen: new Map([...seen, ...more.states]) };
}

function redTests(loaded: ExpandedPolicy, files: readonly string[], now: number): readonly Diagnostic[] {
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
