/** Tests of a policy, as read from their files: who asks for what, and what is expected. */
import type { ErrorCode } from "./errors.ts";
import type { AccountKind } from "./caller.ts";
import type { SourcePlace } from "./policy.ts";

/** A caller as a test describes it; what it leaves out is filled in from its authenticator. */
export interface CallerSketch {
  /** Stands in for subject, account or client where none is given. */
  readonly name: string;
  readonly service: string;
  /** Name of one of the service's authenticators. */
  readonly by: string;
  /** For tokens. `null` takes a claim away that would be filled in. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** For API keys and access keys: their owner. */
  readonly account?: AccountSketch;
  /** For API keys and access keys. */
  readonly scopes?: readonly string[];
  /** For bearer secrets: the secret's id. */
  readonly secret?: string;
  /** A token or key whose end has passed. */
  readonly expired?: boolean;
  /** A key that was revoked. */
  readonly revoked?: boolean;
}

export interface AccountSketch {
  readonly id?: string;
  readonly kind?: AccountKind;
  readonly role?: string;
  readonly tenant?: string;
  readonly enabled?: boolean;
}

/** A request as sent. Header names in lower case; `Host` stands among the headers. */
export interface RequestSketch {
  readonly method: string;
  /** The request target, raw. */
  readonly target: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** The client's IP address. */
  readonly address: string;
  readonly websocket: boolean;
}

/** What must come out. Whatever is undefined does not matter; `null` stands for absence. */
export interface Expectation {
  readonly outcome: "allow" | "deny" | "preflight";
  readonly code?: ErrorCode;
  readonly status?: number;
  /** The access word of the route's line. */
  readonly rule?: string;
  /** `METHOD /path` of the route's line. */
  readonly route?: string;
  /** What the upstream is told. */
  readonly tenant?: string | null;
  /** Path and query at the upstream. */
  readonly path?: string;
  /** Identity headers for the upstream, by lower-case name. */
  readonly upstream?: ReadonlyMap<string, string | null>;
  /** CORS headers of the answer, by lower-case name; `none`: not one. */
  readonly cors?: "none" | ReadonlyMap<string, string | null>;
}

/** One request and what is expected of it. */
export interface PolicyTest {
  readonly name: string;
  readonly place: SourcePlace;
  /** Undefined: nobody. */
  readonly caller?: CallerSketch;
  readonly request: RequestSketch;
  readonly expect: Expectation;
  /** Epoch milliseconds; undefined: the time at which the tests run. */
  readonly now?: number;
}
