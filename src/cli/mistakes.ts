/** What is said of files that are not valid: to people on the error stream, to machines as the answer. */
import { type Diagnostic, formatDiagnostic } from "../policy/diagnostic.ts";
import type { Expanded } from "../policy/load.ts";
import { type Call, flag, type Terminal } from "./command.ts";
import { paragraph } from "./paragraph.ts";

/** Who asks for JSON, and what its object says beside `diagnostics`. */
interface Form {
  /** Where it is not `--json` that says so. */
  readonly json?: boolean;
  readonly more?: object;
}

/** Says every mistake; the exit code is that of an invalid policy, whatever the command. */
export function refuseInvalid(call: Call, diagnostics: readonly Diagnostic[], form: Form = {}): 1 {
  if (asksForJson(call, form)) printJson(call, diagnostics, form);
  else printText(diagnostics, call.terminal);
  return 1;
}

/** A policy that the operator has named: one of several. */
export interface Named<Outcome> {
  readonly name: string;
  readonly loaded: Outcome;
}

type Invalid = Extract<Expanded, { kind: "invalid" }>;

/** The same for policies with names, of all those together that are not valid. */
export function refuseNamed(call: Call, invalid: readonly Named<Invalid>[], form: Form = {}): 1 {
  if (asksForJson(call, form)) {
    const diagnostics = invalid.flatMap(({ loaded }) => loaded.diagnostics);
    printJson(call, diagnostics, form);
    return 1;
  }
  for (const { name, loaded } of invalid) {
    call.terminal.err(`${name} does not load:\n\n`);
    printText(loaded.diagnostics, call.terminal);
  }
  return 1;
}

export function isInvalid(named: Named<Expanded>): named is Named<Invalid> {
  return named.loaded.kind === "invalid";
}

function asksForJson(call: Call, { json = flag(call, "json") }: Form): boolean {
  return json;
}

function printJson({ terminal }: Call, diagnostics: readonly Diagnostic[], { more }: Form): void {
  terminal.out(`${JSON.stringify({ ...more, diagnostics }, undefined, 2)}\n`);
}

/** Every mistake, and how many there are. */
function printText(diagnostics: readonly Diagnostic[], terminal: Terminal): void {
  const { colour, columns } = terminal;
  const style = { colour, shown: columns - 4, wrap: (words: string, indent: number) => paragraph(words, columns, indent) };
  for (const diagnostic of diagnostics) terminal.err(`${formatDiagnostic(diagnostic, style)}\n\n`);
  const files = new Set(diagnostics.map((one) => one.file)).size;
  terminal.err(`${counted(diagnostics.length, "mistake")} in ${counted(files, "file")}\n`);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
