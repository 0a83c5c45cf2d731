/** A caller in a file of its own: described as in a test file, or the bare claims of a token. */
import type { Claims } from "../../contract/caller.ts";
import type { Authenticator } from "../../contract/authenticators.ts";
import type { Policy, Service } from "../../contract/policy.ts";
import type { CallerSketch } from "../../contract/policy-tests.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { parseYaml } from "../document.ts";
import { readText } from "../read.ts";
import { diagnose, reporter, sourceOf } from "../source.ts";
import { plain, type Tree } from "../tree.ts";
import { validate } from "../validate.ts";
import { readCallers } from "./callers.ts";
import { callerFile, type CallerFile } from "./schema.ts";

export type ReadCaller =
  | { readonly kind: "sketch"; readonly sketch: CallerSketch }
  | { readonly kind: "claims"; readonly claims: Claims }
  | { readonly kind: "invalid"; readonly diagnostics: readonly Diagnostic[] };

const MAX_BYTES = 1024 * 1024;

/** Reads JSON or YAML. `service` is meant where the file names none; so is its only fitting authenticator. */
export function readCaller(file: string, policy: Policy, service: Service | undefined): ReadCaller {
  const diagnostics: Diagnostic[] = [];
  const content = readText(file, MAX_BYTES);
  if (content.kind === "refused") {
    const message = `\`${file}\` ${content.reason}`;
    return { kind: "invalid", diagnostics: [{ file, line: 1, column: 1, excerpt: "", excerptColumn: 1, width: 1, message }] };
  }
  const parsed = parseYaml(content.text);
  const source = sourceOf(file, content.text, parsed.tree);
  for (const fault of parsed.faults) diagnostics.push(diagnose(source, fault.span, fault.message, fault.repair));
  if (diagnostics.length > 0 || !parsed.tree) return { kind: "invalid", diagnostics };
  if (isClaims(parsed.tree)) return { kind: "claims", claims: Object.freeze(plain(parsed.tree) as Claims) };
  const report = reporter(source, diagnostics);
  const draft = validate(callerFile, source, report);
  if (!draft || diagnostics.length > 0) return { kind: "invalid", diagnostics };
  const described = withDefaults(draft.content, policy, service);
  const sketch = readCallers({ caller: described }, policy, (path, ...rest) => report(path.slice(2), ...rest)).get("caller");
  return sketch && diagnostics.length === 0 ? { kind: "sketch", sketch } : { kind: "invalid", diagnostics };
}

function isClaims(tree: Tree): boolean {
  return tree.kind === "mapping" && (tree.entries.has("iss") || tree.entries.has("sub"));
}

function withDefaults(file: CallerFile, { services }: Policy, around: Service | undefined): CallerFile {
  const service = file.service === undefined ? around : services.find((one) => one.name === file.service);
  const fitting = (service?.authenticators ?? []).filter((one) => describes(file, one));
  const only = fitting.length === 1 ? fitting[0]!.name : undefined;
  const by = file.by ?? only;
  return { ...file, ...(service && { service: service.name }), ...(by !== undefined && { by }) };
}

function describes(file: CallerFile, { kind }: Authenticator): boolean {
  if (file.claims) return kind === "jwt";
  if (file.secret !== undefined) return kind === "bearer";
  return kind !== "jwt" && kind !== "bearer";
}
