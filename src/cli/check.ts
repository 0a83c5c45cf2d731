/** `sallyport check`: is the policy valid, and what in it is probably not meant. */
import { type Linted, lint } from "../assurance/lint/lint.ts";
import { LINT_CODES, type LintLevel } from "../contract/lint-codes.ts";
import type { Service } from "../contract/policy.ts";
import type { Diagnostic } from "../policy/diagnostic.ts";
import type { UnsetReference } from "../policy/outcome.ts";
import { type Expanded, loadExpanded } from "../policy/load.ts";
import { nearest } from "../policy/suggest.ts";
import { formatOf, oneOf } from "./choice.ts";
import { type Call, type Command, configPath, flag, type Terminal, text, UsageError } from "./command.ts";
import { findingJson, githubFindings, githubMistakes, lintText, whyJson, whyText } from "./lint-report.ts";
import { refuseInvalid } from "./mistakes.ts";
import { table } from "./table.ts";

type Valid = Extract<Expanded, { kind: "policy" }>;

const FORMATS = ["text", "github", "json"] as const;
type Format = (typeof FORMATS)[number];

const LEVELS: readonly LintLevel[] = ["information", "warning", "error"];

export const checkCommand: Command = {
  name: "check",
  summary: "validates and lints the policy",
  usage: "[--fail-on LEVEL] [--all] [--format text|github|json | --json] [--why CODE] [--config FILE]",
  help: `Reads the gateway file and its services and says everything that is wrong with
them, with file, line, column and what to write instead. Of a valid policy it
says what is probably not meant or not safe: findings, each with a code.
A finding that is meant is accepted in its file, under \`accept:\`, with a
reason. Needs no secret and no network: variables that are not set get
stand-ins.

  --fail-on LEVEL  the least level of a finding that is not accepted for which
                   the answer is no: error (default), warning, information; or
                   never
  --all            every finding in full, and what is accepted
  --format FORMAT  text (default), github (annotations of a pull request), json
  --json           the same as --format json
  --why CODE       explains a code, and reads no policy
  --config FILE    the gateway file (default config/sallyport.yaml)

Exit code 0: the policy is valid, without such a finding. 1: it is not. 2: wrong
use.

  sallyport check
  sallyport check --fail-on warning --format github
  sallyport check --why L104`,
  options: {
    "fail-on": { type: "string" },
    all: { type: "boolean" },
    format: { type: "string" },
    json: { type: "boolean" },
    why: { type: "string" },
  },
  positionals: [0, 0],
  run: (call) => {
    const asked = text(call, "why");
    const format = formatOf(call, FORMATS);
    if (asked !== undefined) return explain(asked, format, call.terminal);
    const failing = failingLevels(call);
    const loaded = loadExpanded({ configPath: configPath(call), environment: call.terminal.environment, offline: true });
    if (loaded.kind === "invalid") return refuse(loaded.diagnostics, format, call);
    const linted = lint(loaded.policy, loaded.written, Date.now(), nearest);
    call.terminal.out(report(loaded, linted, format, call));
    return linted.findings.some(({ level }) => failing.has(level)) ? 1 : 0;
  },
};

function explain(asked: string, format: Format, { out, columns }: Terminal): number {
  const code = LINT_CODES.find((one) => one === asked.toUpperCase());
  if (!code) throw new UsageError(`there is no code ${JSON.stringify(asked)}; ${oneOf(LINT_CODES)}`);
  out(format === "json" ? `${JSON.stringify(whyJson(code), undefined, 2)}\n` : whyText(code, columns));
  return 0;
}

function failingLevels(call: Call): ReadonlySet<LintLevel> {
  const asked = text(call, "fail-on") ?? "error";
  if (asked === "never") return new Set();
  const index = LEVELS.findIndex((level) => level === asked);
  if (index === -1) throw new UsageError(`--fail-on: there is no level ${JSON.stringify(asked)}; ${oneOf([...LEVELS, "never"])}`);
  return new Set(LEVELS.slice(index));
}

function refuse(diagnostics: readonly Diagnostic[], format: Format, call: Call): number {
  if (format === "github") call.terminal.out(githubMistakes(diagnostics));
  else refuseInvalid(call, diagnostics, { json: format === "json", more: { valid: false } });
  return 1;
}

function report(loaded: Valid, linted: Linted, format: Format, call: Call): string {
  if (format === "json") return `${JSON.stringify(asJson(loaded, linted), undefined, 2)}\n`;
  if (format === "github") return githubFindings(linted);
  const { columns, colour } = call.terminal;
  const parts = [
    summary(loaded, linted, configPath(call), columns),
    ...unsetWords(loaded.unset, columns),
    lintText(linted, { columns, colour, all: flag(call, "all") }),
  ];
  return parts.join("\n");
}

function asJson({ policy, unset }: Valid, { findings, accepted }: Linted): object {
  const services = policy.services.map((service) => ({ service: service.name, ...countsOf(service), ...namesOf(service) }));
  return {
    valid: true,
    revision: policy.revision,
    services,
    findings: findings.map(findingJson),
    accepted: accepted.map((one) => ({ ...findingJson(one), reason: one.reason })),
    unset,
  };
}

function summary({ policy: { services } }: Valid, { findings }: Linted, file: string, columns: number): string {
  const routes = services.reduce((sum, service) => sum + service.routes.length, 0);
  const rows = services.map((service) => {
    const counts = countsOf(service);
    const { prefixes, authenticators } = namesOf(service);
    return [
      service.name,
      prefixes.join(", "),
      String(counts.routes),
      String(counts.public),
      String(counts.denied),
      authenticators.join(", "),
    ];
  });
  const errors = findings.filter(({ level }) => level === "error").length;
  const verdict = errors === 0 ? "is valid" : `loads, and has ${counted(errors, "error")}`;
  const head = `${file} ${verdict}: ${counted(services.length, "service")}, ${counted(routes, "route")}\n\n`;
  return head + table(["SERVICE", "PREFIX", "ROUTES", "PUBLIC", "DENIED", "AUTHENTICATORS"], rows, columns);
}

function unsetWords(unset: readonly UnsetReference[], columns: number): readonly string[] {
  const listed = (title: string, references: readonly UnsetReference[]) => {
    const rows = references.map(({ name, file, line, column }) => [`  ${name}`, `${file}:${line}:${column}`]);
    return references.length === 0 ? [] : [`${title}\n${table(["", ""], rows, columns).replace(/^.*\n/, "")}`];
  };
  return [
    ...listed(
      "Not set here, and needed to serve:",
      unset.filter(({ optional }) => !optional),
    ),
    ...listed(
      "Not set here, and left out:",
      unset.filter(({ optional }) => optional),
    ),
  ];
}

function countsOf({ routes }: Service): { readonly routes: number; readonly public: number; readonly denied: number } {
  const count = (kind: string) => routes.filter((route) => route.access.kind === kind).length;
  return { routes: routes.length, public: count("public"), denied: count("denied") };
}

function namesOf({ prefixes, authenticators }: Service): {
  readonly prefixes: readonly string[];
  readonly authenticators: readonly string[];
} {
  return { prefixes: prefixes.map((prefix) => (prefix === "" ? "/" : prefix)), authenticators: authenticators.map((one) => one.name) };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
