/** `sallyport test`: does the policy say what its test files expect, and how much of it do they show. */
import { type Coverage, coverageOf, percentOf } from "../assurance/coverage.ts";
import { AREAS } from "../assurance/coverage-points.ts";
import { faultWords, junitReport, placeWords, reasonOf, tapReport } from "../assurance/test-reports.ts";
import { runTests, type TestResult } from "../assurance/tests.ts";
import { loadExpanded } from "../policy/load.ts";
import { defaultTestFiles, readTests } from "../policy/tests/read.ts";
import { type Call, type Command, configPath, flag, type Terminal, text, UsageError } from "./command.ts";
import { refuseInvalid } from "./mistakes.ts";
import { paragraph } from "./paragraph.ts";
import { table } from "./table.ts";

export const testCommand: Command = {
  name: "test",
  summary: "runs the policy's tests, and says what they cover",
  usage: "[--config FILE] [--fail-under N] [--reporter tap|junit] [--json] [FILE…]",
  help: `Puts every request of the test files to the policy and compares what comes out
with what is expected. Needs no server, network or secret: callers are
described, not proved, and variables that are not set get stand-ins. Without
FILE it takes tests/*.yaml in the gateway file's folder.

Coverage counts what green tests have shown: every route allowed once (or
denied, by a \`denied\` line), and refused once for each reason that its line
can give; every permission, place of a tenant, authenticator, and the origins.

  --config FILE         the gateway file (default config/sallyport.yaml)
  --fail-under N        the answer is no where less than N percent are covered
  --reporter tap|junit  prints the results alone, in that form
  --json                for machines: { "green", "tests", "coverage" }
                        or { "diagnostics" }

Exit code 0: every test is green. 1: one is red, too little is covered, or a
file is not valid.

  sallyport test
  sallyport test --fail-under 100 --reporter junit config/tests/pie.yaml`,
  options: { "fail-under": { type: "string" }, reporter: { type: "string" }, json: { type: "boolean" } },
  positionals: [0, 1000],
  run: (call) => {
    const form = formOf(call);
    const least = percentOption(call);
    const ran = runAll(call);
    if (!ran) return 1;
    call.terminal.out(form(ran, call.terminal));
    const enough = ran.coverage.percent >= least;
    if (!enough) call.terminal.err(`sallyport test: ${ran.coverage.percent} % is covered, less than ${least} %\n`);
    return ran.results.every(isGreen) && enough ? 0 : 1;
  },
};

interface Ran {
  readonly results: readonly TestResult[];
  readonly coverage: Coverage;
}

type Form = (ran: Ran, terminal: Terminal) => string;

function formOf(call: Call): Form {
  const reporter = text(call, "reporter");
  if (reporter !== undefined && flag(call, "json")) throw new UsageError("--reporter and --json are two forms of one answer");
  if (flag(call, "json")) return (ran) => `${JSON.stringify(asJson(ran), undefined, 2)}\n`;
  if (reporter === undefined) return summary;
  if (reporter === "tap") return ({ results }) => tapReport(results);
  if (reporter === "junit") return ({ results }) => junitReport(results);
  throw new UsageError(`--reporter ${JSON.stringify(reporter)} is not known; it is tap or junit`);
}

function percentOption(call: Call): number {
  const written = text(call, "fail-under");
  if (written === undefined) return 0;
  const percent = Number(written);
  if (/^\d+(?:\.\d+)?$/.test(written) && percent <= 100) return percent;
  throw new UsageError("--fail-under takes a number from 0 to 100");
}

/** Undefined, with everything said, where a file is not valid or there is none. */
function runAll(call: Call): Ran | undefined {
  const { terminal } = call;
  const loaded = loadExpanded({ configPath: configPath(call), environment: terminal.environment, offline: true });
  if (loaded.kind === "invalid") return void refuseInvalid(call, loaded.diagnostics);
  const files = call.positionals.length > 0 ? call.positionals : defaultTestFiles(configPath(call));
  if (files.length === 0) throw new UsageError("there is no file tests/*.yaml beside the gateway file; name one");
  const read = readTests(files, loaded);
  if (read.kind === "invalid") return void refuseInvalid(call, read.diagnostics);
  const results = runTests(loaded.policy, read.tests, Date.now());
  return { results, coverage: coverageOf(loaded.policy, results, loaded.placeIn) };
}

function isGreen(result: TestResult): boolean {
  return result.faults.length === 0;
}

/* ── for people ───────────────────────────────────────────────────────── */

function summary({ results, coverage }: Ran, { colour, columns }: Terminal): string {
  const red = results.filter((result) => !isGreen(result));
  const paint = (code: number, words: string) => (colour ? `\u001b[${code}m${words}\u001b[0m` : words);
  const total =
    red.length === 0 ? paint(32, `${counted(results.length)}, all green`) : paint(31, `${counted(results.length)}, ${red.length} red`);
  return [
    ...red.map((result) => redText(result, columns, paint)),
    `${total}\n\n`,
    coverageTable(coverage),
    ...uncovered(coverage, columns),
  ].join("");
}

function redText(result: TestResult, columns: number, paint: (code: number, words: string) => string): string {
  const reason = reasonOf(result);
  const lines = [
    `${paint(1, placeWords(result))}:\n  ${paint(31, paragraph(result.test.name, columns, 2))}`,
    ...[
      `${result.test.request.method} ${result.test.request.target}${result.test.caller ? `, as ${result.test.caller.name}` : ""}`,
      ...result.faults.map(faultWords),
      ...(reason === undefined ? [] : [`reason: ${reason}`]),
    ].map((words) => `    ${paragraph(words, columns, 4)}`),
  ];
  return `${lines.join("\n")}\n\n`;
}

function coverageTable({ points, percent }: Coverage): string {
  const row = (name: string, of: typeof points, share: number) => {
    const covered = of.filter((point) => point.covered).length;
    return `${name.padEnd(16)}${String(covered).padStart(7)}${String(of.length).padStart(7)}${`${share} %`.padStart(10)}\n`;
  };
  const areas = AREAS.map((area) => ({ area, of: points.filter((point) => point.area === area) })).filter(({ of }) => of.length > 0);
  const head = `${"COVERAGE".padEnd(16)}${"SHOWN".padStart(7)}${"OF".padStart(7)}${"PERCENT".padStart(10)}\n`;
  return [head, ...areas.map(({ area, of }) => row(area, of, percentOf(of))), row("all", points, percent)].join("");
}

function uncovered({ points }: Coverage, columns: number): readonly string[] {
  const rows = points.filter((point) => !point.covered).map(({ what, place }) => [`${place.file}:${place.line}`, what]);
  return rows.length === 0 ? [] : ["\n", table(["NOT COVERED", "WHAT NO GREEN TEST HAS SHOWN"], rows, columns)];
}

function counted(tests: number): string {
  return `${tests} test${tests === 1 ? "" : "s"}`;
}

/* ── for machines ─────────────────────────────────────────────────────── */

function asJson({ results, coverage }: Ran): object {
  const areas = AREAS.map((area) => {
    const of = coverage.points.filter((point) => point.area === area);
    return [area, { shown: of.filter((point) => point.covered).length, of: of.length, percent: percentOf(of) }];
  });
  return {
    green: results.every(isGreen),
    tests: results.map((result) => ({
      name: result.test.name,
      request: `${result.test.request.method} ${result.test.request.target}`,
      caller: result.test.caller?.name ?? null,
      place: result.test.place,
      green: isGreen(result),
      faults: result.faults,
      reason: reasonOf(result) ?? null,
    })),
    coverage: {
      percent: coverage.percent,
      areas: Object.fromEntries(areas),
      uncovered: coverage.points
        .filter((point) => !point.covered)
        .map(({ area, service, what, place }) => ({ area, service, what, place })),
    },
  };
}
