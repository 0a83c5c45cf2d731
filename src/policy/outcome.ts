/** What the reading of a policy's files is asked, and what comes of it. */
import type { SourcePlace } from "../contract/policy.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { GatewayFile } from "./schema/gateway.ts";
import type { ServiceFile } from "./schema/service.ts";
import type { States } from "./seen.ts";
import type { Draft } from "./validate.ts";
import type { Surroundings } from "./variables.ts";

export interface LoadOptions {
  /** Path of the gateway file. */
  readonly configPath: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For commands that serve nothing: variables that are not set, and files of secrets that are not there, get stand-ins. */
  readonly offline?: boolean;
  /** Epoch milliseconds at which the files of `listen.tls` are judged; undefined: they are not read, as for a door that is open already. */
  readonly certificatesAt?: number;
  /** How many processes will serve the policy; undefined: one. */
  readonly workers?: number;
}

/** A reference to a variable or a file that is not there. */
export interface UnsetReference extends SourcePlace {
  readonly name: string;
  /** Written `${NAME?}`: its key is left out. */
  readonly optional: boolean;
}

/** So that files can be watched. */
export interface ReadFiles {
  /** All that were read or missed, absolute. */
  readonly files: readonly string[];
  /** In which state they were, and the folders that they stand in. */
  readonly seen: States;
}

export interface InvalidFiles extends ReadFiles {
  readonly kind: "invalid";
  readonly diagnostics: readonly Diagnostic[];
}

/** Without a mistake: every draft is whole. */
export interface Drafts extends ReadFiles {
  readonly kind: "drafts";
  readonly gateway: Draft<GatewayFile>;
  readonly services: readonly Draft<ServiceFile>[];
  readonly revision: string;
  /** References to what is not set, and got stand-ins (offline only) or left their keys out: one for each name, in the files' order. */
  readonly unset: readonly UnsetReference[];
  /** What `${…}` means here: for other files that speak of this policy. */
  readonly surroundings: Surroundings;
}
