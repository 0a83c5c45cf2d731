/** `sallyport import`: an OpenAPI document → a first service file. */
import { writeFileSync } from "node:fs";
import { importService, type Imported } from "../assurance/openapi/import.ts";
import type { ApiDocument } from "../assurance/openapi/model.ts";
import { parseYaml } from "../policy/document.ts";
import { MAX_BYTES } from "../policy/drafts.ts";
import { readServiceName } from "../policy/names.ts";
import { type Call, type Command, flag, text, UsageError } from "./command.ts";
import { GRAMMAR, openapiDocument } from "./openapi-file.ts";

export const importCommand: Command = {
  name: "import",
  summary: "makes a first service file of an OpenAPI document",
  usage: "--openapi FILE [--service NAME] [--out FILE] [--json]",
  help: `Prints a service file with a line for each operation of an OpenAPI 3.0 or 3.1
document, in YAML or JSON. Security schemes become authenticators, their scopes
permissions. Nothing becomes public: what is not sure is denied, with a comment
\`# REVIEW: …\` that says why. What a line cannot say is left out, and listed.

  --openapi FILE  the document; references within it are followed
  --service NAME  name of the service (default: made from the title)
  --out FILE      writes the service file there; a file that exists is kept
  --json          for machines: { "service", "text", "lines", "leftOut", … }

Exit code 0: done, also where something was left out. 1: the document cannot
be read. 2: wrong use.

  sallyport import --openapi petstore.yaml --out config/services/petstore.yaml
  sallyport check`,
  options: { openapi: { type: "string" }, service: { type: "string" }, out: { type: "string" }, json: { type: "boolean" } },
  positionals: [0, 0],
  run: (call) => {
    const service = serviceOption(call);
    const document = openapiDocument(call);
    if (!document) return 1;
    const imported = importService(document, service, GRAMMAR);
    if (!isReadable(imported.text)) return tooLarge(call);
    write(call, imported.text);
    if (flag(call, "json")) call.terminal.out(`${JSON.stringify(asJson(imported, document), undefined, 2)}\n`);
    else if (text(call, "out") === undefined) call.terminal.out(imported.text);
    call.terminal.err(summary(imported, document, text(call, "out")));
    return 0;
  },
};

function serviceOption(call: Call): string | undefined {
  const name = text(call, "service");
  const reading = name === undefined ? undefined : readServiceName(name);
  if (reading?.kind === "wrong") throw new UsageError(`--service: ${reading.message}`);
  return name;
}

/** The gateway's own bounds on a file. */
function isReadable(file: string): boolean {
  return Buffer.byteLength(file) <= MAX_BYTES && parseYaml(file).faults.length === 0;
}

function tooLarge({ terminal }: Call): number {
  terminal.err("the service file would be larger than a gateway reads\n    → split the document; each service has a file of its own\n");
  return 1;
}

function write(call: Call, file: string): void {
  const out = text(call, "out");
  if (out === undefined) return;
  try {
    writeFileSync(out, file, { flag: "wx" });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new UsageError(code === "EEXIST" ? `--out: ${out} exists already` : `--out: ${out} cannot be written (${code})`);
  }
}

/** On the error stream, so that the file itself can be piped. */
function summary(
  { service, lines, leftOut, authenticators }: Imported,
  { operations, unread }: ApiDocument,
  out: string | undefined,
): string {
  const denied = lines.filter(({ rule }) => rule.kind === "denied").length;
  const narrower = lines.filter(({ rule }) => rule.kind === "access" && rule.reasons.length > 0).length;
  const words = [
    `${service}: ${counted(operations.length, "operation")}`,
    counted(lines.length, "line"),
    `${denied} denied`,
    `${narrower} narrower than the document`,
    `${leftOut.length + unread.length} left out`,
    counted(authenticators.length, "authenticator"),
  ];
  const written = out === undefined ? "" : `${out} is written; what to look at there says REVIEW\n`;
  return `${words.join(", ")}\n${written}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function asJson({ service, text: yaml, lines, leftOut, authenticators }: Imported, { unread }: ApiDocument): object {
  return {
    service,
    text: yaml,
    authenticators: authenticators.map(({ name, proof }) => ({ name, kind: proof.kind })),
    lines: lines.map(({ key, operations, rule }) => ({
      route: key,
      operations: operations.map(({ method, path }) => `${method} ${path}`),
      access: rule.kind === "denied" ? "denied" : rule.need,
      permissions: rule.kind === "denied" ? [] : rule.permissions,
      authenticators: rule.kind === "denied" ? [] : rule.authenticators,
      review: rule.reasons,
    })),
    leftOut: leftOut.map(({ operation: { method, path, place }, reason }) => ({ operation: `${method} ${path}`, place, reason })),
    unread,
  };
}
