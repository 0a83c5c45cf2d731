/** What goes into the decision function, and what comes out. */
import type { Caller, Proof } from "./caller.ts";
import type { ErrorCode } from "./errors.ts";
import type { Mount, Route, Service } from "./policy.ts";

/** A path in its one canonical form. */
export interface CanonicalPath {
  /** Percent-decoded exactly once; a trailing slash is a last empty segment. */
  readonly segments: readonly string[];
  /** Some segment was written with `%2F`. */
  readonly encodedSlash: boolean;
  /** No segment needs percent-encoding. Absent: one may. */
  readonly plain?: boolean;
}

/** The facts of a request that decide, and nothing else. Header values as sent. */
export interface RequestFacts {
  readonly method: string;
  readonly path: CanonicalPath;
  /** After the `?`, undecoded; `""` when there is none. */
  readonly query: string;
  /** Lower case, without port; `""` when there is none. */
  readonly host: string;
  /** The client's IP address. */
  readonly address: string;
  readonly origin?: string | undefined;
  /** `Access-Control-Request-Method`. */
  readonly preflightMethod?: string | undefined;
  /** The request asks for an upgrade to WebSocket. */
  readonly websocket: boolean;
  /** Values of a header, in order. */
  readonly header: (name: string) => readonly string[];
}

export interface Facts {
  readonly request: RequestFacts;
  readonly proof: Proof;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** What the matcher found. `allow` holds the methods of the path, for `Allow` and for preflights. */
export type Match =
  | {
      readonly kind: "route";
      readonly mount: Mount;
      readonly route: Route;
      readonly params: ReadonlyMap<string, string>;
      readonly hostTenant?: string;
      readonly preflight: boolean;
    }
  | { readonly kind: "none"; readonly mount?: Mount; readonly allow: readonly string[] };

export type Matched = Extract<Match, { kind: "route" }>;

/** A refusal: `reason` is for the operator and never leaves the process. */
export interface Denial {
  readonly outcome: "deny";
  readonly code: ErrorCode;
  readonly reason: string;
  readonly service?: Service;
  readonly route?: Route;
  readonly caller?: Caller;
  /** For METHOD_NOT_ALLOWED. */
  readonly allow?: readonly string[];
}

/** A preflight answered from the table. */
export interface PreflightAnswer {
  readonly outcome: "preflight";
  readonly route: Route;
  readonly headers: Readonly<Record<string, string>>;
}

/** The request may go on; `tenant` is what the upstream is told. */
export interface Allowance {
  readonly outcome: "allow";
  readonly route: Route;
  readonly caller?: Caller;
  readonly tenant?: string;
}

export type Decision = Allowance | Denial | PreflightAnswer;
