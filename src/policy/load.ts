/** The files of a policy → the policy, or everything that is wrong with them. */
import { createHash } from "node:crypto";
import { dirname, relative, resolve } from "node:path";
import type { Policy, Route, Service, SourcePlace } from "../contract/policy.ts";
import { checkPolicy } from "./check/policy.ts";
import { compilePolicy } from "./compile/policy.ts";
import { type Diagnostic, inOrder } from "./diagnostic.ts";
import { parseYaml } from "./document.ts";
import { included, includedFile, staysInside } from "./folder.ts";
import { routeOrigins, type RouteOrigins } from "./origins.ts";
import { readText } from "./read.ts";
import { gateway, type GatewayFile } from "./schema/gateway.ts";
import { service, type ServiceFile } from "./schema/service.ts";
import { diagnose, positionOf, reporter, type Source, sourceOf } from "./source.ts";
import { holdsStandIn, nodeAt, type Path, spanAt, type Tree } from "./tree.ts";
import { readValues } from "./values.ts";
import { type Draft, validate } from "./validate.ts";
import { fillIn, type Surroundings } from "./variables.ts";

/** `files` are all files that were read or missed, absolute, so that they can be watched. */
export type Loaded =
  | { readonly kind: "policy"; readonly policy: Policy; readonly files: readonly string[] }
  | { readonly kind: "invalid"; readonly diagnostics: readonly Diagnostic[]; readonly files: readonly string[] };

export interface LoadOptions {
  /** Path of the gateway file. */
  readonly configPath: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For commands that serve nothing: variables that are not set, and files of secrets that are not there, get stand-ins. */
  readonly offline?: boolean;
  /** Epoch milliseconds at which the files of `listen.tls` are judged; undefined: they are not read, as for a door that is open already. */
  readonly certificatesAt?: number;
}

type RefuseFile = (message: string, repair?: string) => void;

const MAX_BYTES = 4 * 1024 * 1024;

/** Reads, checks and compiles. All or nothing; nothing in the files makes it throw. */
export function loadPolicy(options: LoadOptions): Loaded {
  const loaded = loadExpanded(options);
  return loaded.kind === "invalid" ? loaded : { kind: "policy", policy: loaded.policy, files: loaded.files };
}

/** A policy with what only those ask for who look at the files themselves. */
export type Expanded =
  | Extract<Loaded, { kind: "invalid" }>
  | (Extract<Loaded, { kind: "policy" }> & {
      readonly originsOf: (route: Route) => RouteOrigins;
      /** Variables that were not set and got stand-ins (offline only). */
      readonly unset: readonly string[];
      /** Whether a stand-in stands in this place of the gateway file, or below it. */
      readonly standsIn: (path: Path) => boolean;
      /** What `${…}` means here: for other files that speak of this policy. */
      readonly surroundings: Surroundings;
      /** Where something stands in a service's file. */
      readonly placeIn: (service: Service, path: Path) => SourcePlace;
    });

/** As `loadPolicy`, and tells which of the files each rule came from. */
export function loadExpanded(options: LoadOptions): Expanded {
  return new Loading(options).run();
}

class Loading {
  readonly #options: LoadOptions;
  readonly #folder: string;
  readonly #diagnostics: Diagnostic[] = [];
  /** Display name → digest of the content, in the order of reading. */
  readonly #files = new Map<string, string>();
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
      files: new Set(),
    };
  }

  run(): Expanded {
    const gatewayDraft = this.#gateway();
    const services = gatewayDraft ? this.#services(gatewayDraft) : [];
    if (gatewayDraft) checkPolicy(gatewayDraft, services, this.#options.certificatesAt);
    const files = [...this.#files.keys(), ...this.#surroundings.files].map((file) => resolve(file));
    if (this.#diagnostics.length > 0 || !gatewayDraft)
      return { kind: "invalid", diagnostics: inOrder(this.#diagnostics, [...this.#files.keys()]), files };
    // Without a diagnostic every draft is whole.
    const gatewayFile = gatewayDraft.content as GatewayFile;
    const sources = services.map((draft) => ({ file: draft.content as ServiceFile, source: draft.source }));
    const policy = compilePolicy(gatewayFile, this.#options.configPath, sources, this.#revision());
    const originsOf = (route: Route) => routeOrigins(route, gatewayFile, sources[policy.services.indexOf(route.service)]!.file);
    const standsIn = (path: Path) => holdsStandIn(nodeAt(gatewayDraft.tree, path));
    const placeIn = (owner: Service, path: Path) => placeOf(services[policy.services.indexOf(owner)]!, path);
    const surroundings = this.#surroundings;
    return { kind: "policy", policy, files, originsOf, unset: [...surroundings.unset].toSorted(), standsIn, surroundings, placeIn };
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
    return { ...source, tree: fillIn(tree, this.#surroundings, this.#refuser(source)) };
  }

  #refuser(source: Source): (span: { start: number; end: number }, message: string, repair?: string) => void {
    return (span, message, repair) => void this.#diagnostics.push(diagnose(source, span, message, repair));
  }

  /** Reads one file of the policy; undefined, with a diagnostic, where it cannot be one. `refuse` knows who asked for the file. */
  #read(path: string, refuse: RefuseFile, allSecret = false): Source | undefined {
    const content = staysInside(this.#folder, path) ? readText(path, MAX_BYTES) : OUTSIDE;
    this.#files.set(path, content.kind === "text" ? digest(content.text) : "");
    if (content.kind === "refused") return void refuse(`\`${path}\` ${content.reason}`, content.repair);
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

function placeOf({ source, tree }: Draft<ServiceFile>, path: Path): SourcePlace {
  return { file: source.file, ...positionOf(source, spanAt(tree, path, "key").start) };
}

function byName([left]: readonly [string, string], [right]: readonly [string, string]): number {
  return left < right ? -1 : 1;
}

const OUTSIDE = {
  kind: "refused",
  reason: "is a link that leads out of the gateway file's folder",
  repair: "put the file itself in that folder",
} as const;

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
