/** The files of a policy → drafts of them, and everything that is wrong with them. */
import { createHash } from "node:crypto";
import { dirname, join, relative } from "node:path";
import { checkPolicy } from "./check/policy.ts";
import { type Diagnostic, inOrder } from "./diagnostic.ts";
import { parseYaml } from "./document.ts";
import { included, includedFile, neighbourHint, staysInside } from "./folder.ts";
import type { Drafts, InvalidFiles, LoadOptions, UnsetReference } from "./outcome.ts";
import { readText } from "./read.ts";
import { gateway, type GatewayFile } from "./schema/gateway.ts";
import { service, type ServiceFile } from "./schema/service.ts";
import { SeenFiles } from "./seen.ts";
import { diagnose, positionOf, reporter, type Source, sourceOf } from "./source.ts";
import { nodeAt, type Span, type Tree } from "./tree.ts";
import { readValues } from "./values.ts";
import { type Draft, validate } from "./validate.ts";
import { fillIn, type Surroundings } from "./variables.ts";

type RefuseFile = (message: string, repair?: string) => void;

/** Of one file of a policy. */
export const MAX_BYTES = 4 * 1024 * 1024;

/** Reads and checks. Nothing in the files makes it throw. */
export function readDrafts(options: LoadOptions): InvalidFiles | Drafts {
  return new Reading(options).run();
}

class Reading {
  readonly #options: LoadOptions;
  readonly #folder: string;
  readonly #diagnostics: Diagnostic[] = [];
  /** Display name → digest of the content, in the order of reading. */
  readonly #files = new Map<string, string>();
  readonly #seen = new SeenFiles();
  /** The first reference to each name that is not set. */
  readonly #unset = new Map<string, UnsetReference>();
  #surroundings: Surroundings;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#folder = dirname(options.configPath);
    this.#surroundings = {
      environment: options.environment,
      values: new Map(),
      offline: options.offline === true,
      resolved: new Map(),
      unset: new Set(),
      files: this.#seen,
    };
  }

  run(): InvalidFiles | Drafts {
    const gatewayDraft = this.#gateway();
    const services = gatewayDraft ? this.#services(gatewayDraft) : [];
    if (gatewayDraft) checkPolicy(gatewayDraft, services, this.#options);
    const { files, states: seen } = this.#seen;
    if (this.#diagnostics.length > 0 || !gatewayDraft)
      return { kind: "invalid", diagnostics: inOrder(this.#diagnostics, [...this.#files.keys()]), files, seen };
    return {
      kind: "drafts",
      gateway: gatewayDraft,
      services,
      revision: this.#revision(),
      files,
      seen,
      unset: [...this.#unset.values()],
      surroundings: this.#surroundings,
    };
  }

  #gateway(): Draft<GatewayFile> | undefined {
    const path = this.#options.configPath;
    const source = this.#read(path, (message, repair) => this.#atTop(path, message, repair));
    if (!source?.tree) return undefined;
    this.#readValues(source);
    const filled = this.#filled(source, source.tree);
    return validate(gateway, filled, reporter(filled, this.#diagnostics));
  }

  #services(draft: Draft<GatewayFile>): readonly Draft<ServiceFile>[] {
    const drafts = new Map<string, Draft<ServiceFile> | undefined>();
    for (const [index, pattern] of (draft.content.services ?? []).entries()) {
      const report: RefuseFile = (message, repair) => draft.report(["services", index], message, repair);
      // A pattern stands for its folder, so that a file that comes later is noticed.
      this.#seen.add(join(this.#folder, pattern));
      const inclusion = included(this.#folder, pattern);
      if (inclusion.kind === "wrong") report(inclusion.message, inclusion.repair);
      for (const path of inclusion.kind === "files" ? inclusion.files : [])
        if (!drafts.has(path)) drafts.set(path, this.#service(path, report));
    }
    return [...drafts.values()].filter((read) => read !== undefined);
  }

  #service(path: string, refuse: RefuseFile): Draft<ServiceFile> | undefined {
    const source = this.#read(path, refuse);
    if (!source?.tree) return undefined;
    const filled = this.#filled(source, source.tree);
    return validate(service, filled, reporter(filled, this.#diagnostics));
  }

  /** The values that the gateway file names, which its own references may already use. */
  #readValues(source: Source): void {
    const node = source.tree && nodeAt(source.tree, ["values"]);
    if (node?.kind !== "leaf") return;
    const refuse = this.#refuser(source);
    const named = fillIn(node, this.#surroundings, () => {});
    if (named?.kind !== "leaf" || typeof named.value !== "string") return;
    const inclusion = includedFile(this.#folder, named.value);
    if (inclusion.kind === "wrong") return refuse(node, inclusion.message, inclusion.repair);
    const file = this.#read(inclusion.files[0]!, (message, repair) => refuse(node, message, repair), true);
    if (file?.tree) this.#surroundings = { ...this.#surroundings, values: readValues(file.tree, this.#refuser(file)) };
  }

  #filled(source: Source, tree: Tree): Source {
    const missed = (name: string, span: Span, optional: boolean): void => {
      if (this.#unset.get(name)?.optional === false || (optional && this.#unset.has(name))) return;
      this.#unset.set(name, { name, file: source.file, ...positionOf(source, span.start), optional });
    };
    return { ...source, tree: fillIn(tree, { ...this.#surroundings, missed }, this.#refuser(source)) };
  }

  #refuser(source: Source): (span: { start: number; end: number }, message: string, repair?: string) => void {
    return (span, message, repair) => void this.#diagnostics.push(diagnose(source, span, message, repair));
  }

  /** Reads one file of the policy; undefined, with a diagnostic, where it cannot be one. `refuse` knows who asked for the file. */
  #read(path: string, refuse: RefuseFile, allSecret = false): Source | undefined {
    this.#seen.add(path);
    const content = staysInside(this.#folder, path) ? readText(path, MAX_BYTES) : OUTSIDE;
    this.#files.set(path, content.kind === "text" ? digest(content.text) : "");
    if (content.kind === "refused")
      return void refuse(`\`${path}\` ${content.reason}`, neighbourHint(path) ?? content.repair ?? UNREADABLE);
    const parsed = parseYaml(content.text);
    const source = sourceOf(path, content.text, parsed.tree, allSecret);
    for (const fault of parsed.faults) this.#diagnostics.push(diagnose(source, fault.span, fault.message, fault.repair));
    if (!parsed.sound) return undefined;
    if (!parsed.tree) this.#atTop(path, "this file is empty", allSecret ? "write `NAME: value`" : "begin it with `version: 1`");
    return source;
  }

  #atTop(file: string, message: string, repair?: string): void {
    this.#diagnostics.push({
      file,
      line: 1,
      column: 1,
      excerpt: "",
      excerptColumn: 1,
      width: 1,
      message,
      ...(repair !== undefined && { repair }),
    });
  }

  /** The same files and values have the same revision, wherever they stand. */
  #revision(): string {
    const files = [...this.#files].map(([path, content]) => [relative(this.#folder, path), content]);
    return digest(JSON.stringify([files, [...this.#surroundings.resolved].toSorted(byName)])).slice(0, 12);
  }
}

function byName([left]: readonly [string, string], [right]: readonly [string, string]): number {
  return left < right ? -1 : 1;
}

const OUTSIDE = {
  kind: "refused",
  reason: "is a link that leads out of the gateway file's folder",
  repair: "put the file itself in that folder",
} as const;

const UNREADABLE = "correct the path, or put a file there that this user may read";

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
