/** Test files → tests, or everything that is wrong with the files. */
import { dirname } from "node:path";
import type { Policy } from "../../contract/policy.ts";
import type { CallerSketch, PolicyTest } from "../../contract/policy-tests.ts";
import { type Diagnostic, inOrder } from "../diagnostic.ts";
import { parseYaml } from "../document.ts";
import { included } from "../folder.ts";
import { readText } from "../read.ts";
import { diagnose, positionOf, type Report, reporter, type Source, sourceOf } from "../source.ts";
import { didYouMean } from "../suggest.ts";
import { type Path, spanAt } from "../tree.ts";
import { validate } from "../validate.ts";
import { fillIn, type Surroundings } from "../variables.ts";
import { readCallers } from "./callers.ts";
import { expectationOf, requestOf } from "./requests.ts";
import { type ExpectationFile, type RequestFile, type TestFile, tests as schema, type TestsFile } from "./schema.ts";

export type LoadedTests =
  | { readonly kind: "tests"; readonly tests: readonly PolicyTest[] }
  | { readonly kind: "invalid"; readonly diagnostics: readonly Diagnostic[] };

/** The policy that the tests are about, and the values for `${…}` that it was made with. */
export interface TestedPolicy {
  readonly policy: Policy;
  readonly surroundings: Surroundings;
}

const MAX_BYTES = 16 * 1024 * 1024;

/** `tests/*.yaml` in the gateway file's folder, sorted; none where there are none. */
export function defaultTestFiles(configPath: string): readonly string[] {
  const inclusion = included(dirname(configPath), "tests/*.yaml");
  return inclusion.kind === "files" ? inclusion.files : [];
}

/** Reads all the files; nothing in them makes it throw. */
export function readTests(files: readonly string[], tested: TestedPolicy): LoadedTests {
  const diagnostics: Diagnostic[] = [];
  const tests = files.flatMap((file) => readFile(file, tested, diagnostics));
  return diagnostics.length === 0 ? { kind: "tests", tests } : { kind: "invalid", diagnostics: inOrder(diagnostics, files) };
}

function readFile(file: string, { policy, surroundings }: TestedPolicy, diagnostics: Diagnostic[]): readonly PolicyTest[] {
  const content = readText(file, MAX_BYTES);
  if (content.kind === "refused") return wholeFile(file, `\`${file}\` ${content.reason}`, content.repair, diagnostics);
  const parsed = parseYaml(content.text);
  const source = sourceOf(file, content.text, parsed.tree);
  for (const fault of parsed.faults) diagnostics.push(diagnose(source, fault.span, fault.message, fault.repair));
  if (!parsed.sound) return [];
  if (!parsed.tree) return wholeFile(file, "this file is empty", "begin it with `version: 1`", diagnostics);
  const refuse = (span: { start: number; end: number }, message: string, repair?: string) =>
    void diagnostics.push(diagnose(source, span, message, repair));
  const tree = fillIn(parsed.tree, surroundings, refuse);
  const filled: Source = { ...source, tree };
  const before = diagnostics.length;
  const draft = validate(schema, filled, reporter(filled, diagnostics));
  // A refused block is missing from the draft; to name what it held would be a second mistake.
  if (!draft || diagnostics.length > before) return [];
  return new FileReader(draft.content as TestsFile, filled, policy, draft.report).tests();
}

function wholeFile(file: string, message: string, repair: string | undefined, diagnostics: Diagnostic[]): readonly [] {
  const place = { file, line: 1, column: 1, excerpt: "", excerptColumn: 1, width: 1 };
  diagnostics.push({ ...place, message, ...(repair !== undefined && { repair }) });
  return [];
}

class FileReader {
  readonly #content: TestsFile;
  readonly #source: Source;
  readonly #report: Report;
  readonly #callers: ReadonlyMap<string, CallerSketch>;
  readonly #credentialHeaders: ReadonlySet<string>;

  constructor(content: TestsFile, source: Source, policy: Policy, report: Report) {
    this.#content = content;
    this.#source = source;
    this.#report = report;
    this.#callers = readCallers(content.callers ?? {}, policy, report);
    this.#credentialHeaders = credentialHeaders(policy);
  }

  tests(): readonly PolicyTest[] {
    return this.#content.tests.flatMap((test, index) => this.#testsOf(test, index));
  }

  /** One test for each request. */
  #testsOf(file: TestFile, index: number): readonly PolicyTest[] {
    const caller = this.#callerOf(file.as, index);
    this.#checkExpectation(file.expect, ["tests", index, "expect"]);
    const expect = expectationOf(file.expect);
    const requests = file.request ? [file.request] : (file.requests ?? []);
    return requests.map((request, at) => {
      const path: Path = file.request ? ["tests", index, "request"] : ["tests", index, "requests", at];
      this.#checkHeaders(request, path);
      const place = { file: this.#source.file, ...positionOf(this.#source, spanAt(this.#source.tree!, path, "value").start) };
      const { now } = this.#content;
      return { name: file.name, place, request: requestOf(request), expect, ...(caller && { caller }), ...(now !== undefined && { now }) };
    });
  }

  #callerOf(name: string | undefined, index: number): CallerSketch | undefined {
    if (name === undefined) return undefined;
    const names = Object.keys(this.#content.callers ?? {});
    // A caller that was refused is there all the same: to name it is no second mistake.
    if (!names.includes(name)) this.#report(["tests", index, "as"], `there is no caller \`${name}\``, didYouMean(name, names));
    return this.#callers.get(name);
  }

  #checkExpectation(expect: ExpectationFile, path: Path): void {
    if (typeof expect === "string") return;
    const refusalOnly = expect.deny === undefined ? (["status"] as const) : [];
    const allowanceOnly = expect.allow === undefined ? (["tenant", "path", "upstream"] as const) : [];
    for (const key of refusalOnly) {
      if (expect[key] !== undefined) this.#report([...path, key], `only a refusal has a \`${key}\``, "leave it out", "key");
    }
    for (const key of allowanceOnly) {
      if (expect[key] !== undefined) this.#report([...path, key], `only what is allowed has a \`${key}\``, "leave it out", "key");
    }
  }

  /** Credentials are proved by nobody here; one among the headers would be ignored in silence. */
  #checkHeaders(request: RequestFile, path: Path): void {
    const headers = "target" in request ? {} : (request.headers ?? {});
    for (const header of Object.keys(headers)) {
      if (!this.#credentialHeaders.has(header.toLowerCase())) continue;
      this.#report(
        [...path, "headers", header],
        `\`${header}\` holds a credential, which no test proves`,
        "name a caller with `as`",
        "key",
      );
    }
  }
}

function credentialHeaders(policy: Policy): ReadonlySet<string> {
  const authenticators = policy.services.flatMap((service) => service.authenticators);
  return new Set(["authorization", ...authenticators.flatMap((one) => (one.kind === "apiKey" ? [one.header] : []))]);
}
