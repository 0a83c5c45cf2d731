/** Results of policy tests as other tools read them: TAP version 14 and JUnit's XML. */
import type { Fault, TestResult } from "./tests.ts";

/** The request and, where several tests share it, a name that tells them apart. */
function titleOf({ test }: TestResult): string {
  return `${test.name}: ${test.request.method} ${test.request.target}`;
}

/** Where a test stands: `file:line`. */
export function placeWords({ test: { place } }: TestResult): string {
  return `${place.file}:${place.line}`;
}

/** One line: `expected …, came …`. */
export function faultWords({ about, expected, actual }: Fault): string {
  return `${about === "outcome" ? "" : `${about}: `}expected ${expected}, came ${actual}`;
}

/** The inner reason of a refusal; undefined where there was none. */
export function reasonOf({ verdict: { decision } }: TestResult): string | undefined {
  return decision.outcome === "deny" ? decision.reason : undefined;
}

/** TAP version 14. */
export function tapReport(results: readonly TestResult[]): string {
  const lines = results.map((result, index) => tapLines(result, index + 1));
  return `TAP version 14\n1..${results.length}\n${lines.join("")}`;
}

function tapLines(result: TestResult, number: number): string {
  // A `#` begins a directive, and a backslash escapes it.
  const title = oneLine(titleOf(result)).replaceAll(/[\\#]/g, (character) => `\\${character}`);
  if (result.faults.length === 0) return `ok ${number} - ${title}\n`;
  const faults = result.faults.map((fault) => `    - ${JSON.stringify(faultWords(fault))}\n`).join("");
  const reason = reasonOf(result);
  const why = reason === undefined ? "" : `  reason: ${JSON.stringify(reason)}\n`;
  return `not ok ${number} - ${title}\n  ---\n  at: ${JSON.stringify(placeWords(result))}\n  faults:\n${faults}${why}  ...\n`;
}

/** JUnit's XML, one suite for each file. */
export function junitReport(results: readonly TestResult[]): string {
  const suites = [...Map.groupBy(results, (result) => result.test.place.file)].map(([file, ofFile]) => junitSuite(file, ofFile));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites tests="${results.length}" failures="${failures(results)}">\n${suites.join("")}</testsuites>\n`;
}

function junitSuite(file: string, results: readonly TestResult[]): string {
  const cases = results.map(junitCase).join("");
  return `  <testsuite name="${xml(file)}" tests="${results.length}" failures="${failures(results)}">\n${cases}  </testsuite>\n`;
}

function junitCase(result: TestResult): string {
  const { place } = result.test;
  const head = `    <testcase classname="${xml(place.file)}" name="${xml(titleOf(result))}" file="${xml(place.file)}" line="${place.line}"`;
  if (result.faults.length === 0) return `${head}/>\n`;
  const message = result.faults.map(faultWords).join("; ");
  const reason = reasonOf(result) ?? "";
  return `${head}>\n      <failure message="${xml(message)}">${xml(`${placeWords(result)}\n${message}\n${reason}`)}</failure>\n    </testcase>\n`;
}

function failures(results: readonly TestResult[]): number {
  return results.filter((result) => result.faults.length > 0).length;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ");
}

/** Characters that XML 1.0 has no place for are left out. */
function xml(text: string): string {
  const allowed = text.replaceAll(/[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "");
  return allowed.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
