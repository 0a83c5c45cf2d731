/**
 * What a line of the decision log holds so that the decision can be taken once more: the facts that rules read, and nothing
 * secret. All of it is JSON; times are epoch milliseconds. Beside it the line has `at`, `method`, `address` and `service`.
 */
import type { Caller, Proof } from "./caller.ts";
import type { Allowance, Match, RequestFacts } from "./decision.ts";
import type { Policy } from "./policy.ts";

/** An exchange that is over, as far as its decision goes. */
export interface DecidedExchange {
  readonly policy: Policy;
  /** Epoch milliseconds at arrival. */
  readonly now: number;
  readonly request: { readonly rawHeaders: readonly string[] };
  readonly facts: RequestFacts;
  readonly match: Match;
  readonly corsHeaders: Readonly<Record<string, string>> | undefined;
  readonly proof: Proof | undefined;
  readonly caller: Caller | undefined;
  readonly allowance: Allowance | undefined;
  readonly outcome: { readonly kind: "refused"; readonly code: string } | { readonly kind: "preflight" | "forwarded" } | undefined;
}

/** Why a decision has no facts: `edge`: it was refused before it had any; `size`: they are too long to be kept. */
export interface NoFacts {
  readonly none: "edge" | "size";
}

export interface RecordedFacts {
  /** What the rules said, whatever limits and services did: `allow`, `preflight` or an error code. Absent: nothing, it never came so far. */
  readonly verdict?: string;
  readonly host: string;
  /** The canonical path; names of the query's fields, with the values of those that name a tenant. */
  readonly target: string;
  /** Loose names of the fields whose values stand in `target`. */
  readonly fields?: readonly string[];
  readonly origin?: string;
  /** Whether a page of that origin may read the answer. */
  readonly readable?: boolean;
  readonly preflightMethod?: string;
  readonly websocket?: true;
  /** Values of the headers that name a tenant, whether sent or not. */
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  /** Names of the other headers, but those of `EVERYDAY_HEADERS`; absent: there were too many. */
  readonly names?: readonly string[];
  /** False: the door asks no client for a certificate. */
  readonly certificate?: false;
  /** Absent: no credential was looked for. */
  readonly proof?: RecordedProof;
  /** What the service trusts that looked for the credential (`trustsOf`). */
  readonly trusts?: readonly string[];
}

export type RecordedProof =
  | { readonly kind: "none" | "ambiguous" | "unavailable" }
  | { readonly kind: "invalid"; readonly code: "TOKEN_INVALID" | "KEY_INVALID" | "SIGNATURE_INVALID" }
  | {
      readonly kind: "jwt";
      readonly iss: string;
      /** Those that some authenticator of the policy reads, and those that the format gives a meaning. */
      readonly claims: Readonly<Record<string, unknown>>;
      /** Names of the claims that are not kept. */
      readonly others: readonly string[];
    }
  | { readonly kind: "secret"; readonly authenticator: string; readonly id: string }
  | {
      readonly kind: "key";
      readonly authenticator: string;
      /** Which of `trusts` proved it. */
      readonly trust: string;
      readonly key: RecordedKey;
    };

export interface RecordedKey {
  readonly id: string;
  readonly service: string;
  readonly scopes: readonly string[];
  readonly expiresAt?: number;
  readonly revokedAt?: number;
  readonly account: {
    readonly id: string;
    readonly kind: "service" | "person";
    readonly role: string;
    readonly tenant?: string;
    readonly enabled: boolean;
  };
}

/** Whether a request would get through that did not, or the other way round; `other`: neither. */
export type Effect = "wider" | "narrower" | "other";

/** What a shadow policy would have said of a request, beside what was said. */
export interface ShadowRecord {
  /** Revision of the shadow policy. */
  readonly policy: string;
  /** Absent where the two could not be compared. */
  readonly effect?: Effect;
  /** Why they could not. */
  readonly unknown?: string;
  /** The line that is concerned, and the class of caller. */
  readonly route: string;
  readonly caller: string;
  /** What was said, and what the shadow policy says. */
  readonly before?: string;
  readonly after?: string;
  /** Why the shadow policy refuses. */
  readonly reason?: string;
}

/** Longest name of a header that is kept. */
export const LONGEST_NAME = 64;

/** Headers that nearly every request has: whether one had them is not kept. */
export const EVERYDAY_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "access-control-request-headers",
  "access-control-request-method",
  "cache-control",
  "connection",
  "content-length",
  "content-type",
  "host",
  "if-modified-since",
  "if-none-match",
  "keep-alive",
  "origin",
  "pragma",
  "priority",
  "referer",
  "sec-ch-ua",
  "sec-ch-ua-mobile",
  "sec-ch-ua-platform",
  "sec-fetch-dest",
  "sec-fetch-mode",
  "sec-fetch-site",
  "sec-fetch-user",
  "transfer-encoding",
  "upgrade-insecure-requests",
  "user-agent",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);
