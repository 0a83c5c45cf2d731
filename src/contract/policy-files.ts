/** The operator's files beside the compiled policy: what a finding about the text itself needs to know. */
import type { LintCode } from "./lint-codes.ts";
import type { Service, SourcePlace } from "./policy.ts";

/** Keys and positions on the way to a value of a file. */
export type FilePath = readonly (string | number)[];

/**
 * A place with its line, secrets masked, or the part of a very long line that begins at column `excerptColumn`;
 * `width` is how much of it is meant.
 */
export interface Excerpt extends SourcePlace {
  readonly excerpt: string;
  readonly excerptColumn: number;
  readonly width: number;
}

/** A finding that the operator has accepted: `code` wherever it is found at one of the places. */
export interface Acceptance {
  readonly code: LintCode;
  readonly at: readonly string[];
  readonly reason: string;
  /** Where it stands in its file. */
  readonly path: FilePath;
}

/** One file of the policy, with its references filled in. */
export interface PolicyFile {
  readonly acceptances: readonly Acceptance[];
  /** The single value at the path as the file has it, references and quotes included; undefined where none stands there. */
  written(path: FilePath): string | undefined;
  /** Keys of the map, or positions of the list, at the path; none where neither stands there. */
  keys(path: FilePath): FilePath;
  /** Whether a variable that is not set stands at the path, or left its key out. */
  isUnknown(path: FilePath): boolean;
  /** How findings name the path: `GET /health`, `upstream.url`, `cors.origins http://a.example`. */
  nameOf(path: FilePath): string;
  /** Names of all places whose value comes from a reference, and of what lies around them. */
  namesOfReferences(): ReadonlySet<string>;
  show(path: FilePath, part: "key" | "value"): Excerpt;
}

export interface PolicyFiles {
  readonly gateway: PolicyFile;
  readonly ofService: (service: Service) => PolicyFile;
}
