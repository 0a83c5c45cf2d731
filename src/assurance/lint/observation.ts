/** What the rules of the linter look at, and what they say. */
import type { Authenticator } from "../../contract/authenticators.ts";
import type { LintCode } from "../../contract/lint-codes.ts";
import type { FilePath, PolicyFile, PolicyFiles } from "../../contract/policy-files.ts";
import type { Limit, Mount, Policy, PrefixTable, Route, Service } from "../../contract/policy.ts";

/** One thing that one rule sees in one place. */
export interface Observation {
  readonly code: LintCode;
  readonly file: PolicyFile;
  readonly path: FilePath;
  /** What of the place is underlined (default: the value where it is a single one, otherwise the key). */
  readonly part?: "key" | "value";
  readonly message: string;
  /** What to write instead, where it can be told better than the code's own entry does. */
  readonly instead?: string;
  readonly misspelling?: Misspelling;
}

/** A permission that a line asks for and nothing grants, and the like one that is granted: one of the two is probably misspelt. */
export interface Misspelling {
  readonly asked: string;
  readonly granted: string;
}

export interface Subject {
  readonly policy: Policy;
  readonly files: PolicyFiles;
  /** Epoch milliseconds. */
  readonly now: number;
  /** The candidate that a misspelt word was probably meant to be. */
  readonly nearest: (word: string, candidates: Iterable<string>) => string | undefined;
  /** Every service under each of its hosts and prefixes. */
  readonly mounts: readonly PlacedMount[];
}

/** A mount with what lies below it in the table of its host. */
export interface PlacedMount {
  readonly mount: Mount;
  /** `*.` stands for a pattern's placeholder; `""`: every host that no service names. */
  readonly host: string;
  readonly below: PrefixTable;
}

export interface ServiceSubject extends Subject {
  readonly service: Service;
  readonly file: PolicyFile;
}

/** A rule sees a whole policy, or one service at a time. Linear in the number of routes. */
export type PolicyRule = (subject: Subject) => readonly Observation[];
export type ServiceRule = (subject: ServiceSubject) => readonly Observation[];

/** Something at a place of one file. */
export interface Spot {
  readonly file: PolicyFile;
  readonly path: FilePath;
}

/** The line of a route, or something in it. */
export function routeSpot({ file }: ServiceSubject, route: Route, ...below: FilePath): Spot & { readonly part: "key" | "value" } {
  return { file, path: ["routes", route.name, ...below], part: below.length === 0 ? "key" : "value" };
}

/** Where an authenticator is written: in its service, or in the gateway file. */
export function authenticatorSpot({ file, files }: ServiceSubject, { name }: Authenticator, ...below: FilePath): Spot {
  const isShared = file.written(["authenticators", name]) !== undefined;
  return { file: isShared ? files.gateway : file, path: ["authenticators", name, ...below] };
}

/** Where a block is written that a service takes from the gateway file's `defaults` unless it has its own. */
export function blockSpot({ file, files }: ServiceSubject, block: string, ...below: FilePath): Spot {
  const isOwn = file.keys([]).includes(block);
  return isOwn ? { file, path: [block, ...below] } : { file: files.gateway, path: ["defaults", block, ...below] };
}

/** Where a limit is written. */
export function limitSpot(subject: ServiceSubject, limit: Limit, route?: Route): Spot {
  if (limit.place === "gateway") return { file: subject.files.gateway, path: ["defaults", "limits", limit.name] };
  if (limit.place === subject.service.name || !route) return { file: subject.file, path: ["limits", limit.name] };
  return { file: subject.file, path: ["routes", route.name, "limits", limit.name] };
}

/** "`a`, `b` and 3 more". */
export function quoted(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most).map((name) => `\`${name}\``);
  if (names.length > most) return `${shown.join(", ")} and ${names.length - most} more`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}
