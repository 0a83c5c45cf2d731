/** `sallyport check`: is the policy valid, and if not, what is wrong with it. */
import type { Service } from "../contract/policy.ts";
import { type Diagnostic, formatDiagnostic } from "../policy/diagnostic.ts";
import { type Expanded, loadExpanded } from "../policy/load.ts";
import { notesOf } from "../policy/notes.ts";
import { type Command, configPath, flag, type Terminal } from "./command.ts";
import { table } from "./table.ts";

type Valid = Extract<Expanded, { kind: "policy" }>;

export const checkCommand: Command = {
  name: "check",
  summary: "validates and lints the policy",
  usage: "[--config FILE] [--json]",
  help: `Reads the gateway file and its services and says everything that is wrong with them, with file, line,
column and what to write instead. Needs no secret and no network: variables that are not set get stand-ins.

  --config FILE  the gateway file (default config/sallyport.yaml)
  --json         for machines: { "valid", "services", "notes", "unset" } or { "valid", "diagnostics" }

Exit code 0: the policy is valid. 1: it is not.

  sallyport check
  sallyport check --config /etc/sallyport/sallyport.yaml --json`,
  options: { json: { type: "boolean" } },
  positionals: [0, 0],
  run: (call) => {
    const loaded = loadExpanded({ configPath: configPath(call), environment: call.terminal.environment, offline: true });
    if (flag(call, "json")) call.terminal.out(`${JSON.stringify(report(loaded), undefined, 2)}\n`);
    else if (loaded.kind === "invalid") printDiagnostics(loaded.diagnostics, call.terminal);
    else call.terminal.out(summary(loaded, configPath(call), call.terminal.columns));
    return loaded.kind === "invalid" ? 1 : 0;
  },
};

/** Every mistake, and how many there are. */
export function printDiagnostics(diagnostics: readonly Diagnostic[], terminal: Terminal): void {
  for (const diagnostic of diagnostics) terminal.err(`${formatDiagnostic(diagnostic, terminal)}\n\n`);
  const files = new Set(diagnostics.map((one) => one.file)).size;
  terminal.err(`${counted(diagnostics.length, "mistake")} in ${counted(files, "file")}\n`);
}

function report(loaded: Expanded): object {
  if (loaded.kind === "invalid") return { valid: false, diagnostics: loaded.diagnostics };
  const services = loaded.policy.services.map((service) => ({ service: service.name, ...countsOf(service), ...namesOf(service) }));
  return { valid: true, revision: loaded.policy.revision, services, notes: notesOf(loaded.policy), unset: loaded.unset };
}

function summary(loaded: Valid, file: string, columns: number): string {
  const { services } = loaded.policy;
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
  const lines = [
    `${file} is valid: ${counted(services.length, "service")}, ${counted(routes, "route")}\n\n`,
    table(["SERVICE", "PREFIX", "ROUTES", "PUBLIC", "DENIED", "AUTHENTICATORS"], rows, columns),
    ...paragraph("Worth a look:", notesOf(loaded.policy)),
    ...paragraph("Not set here, and needed to serve:", loaded.unset),
  ];
  return lines.join("");
}

function paragraph(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [`\n${title}\n${lines.map((line) => `  ${line}\n`).join("")}`];
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
