/**
 * One request on its way through the stages, and the shape that every stage has.
 * A stage is compiled once for each route and run for each request; a route that
 * needs nothing of a stage has no check of it.
 */
import type { ServerResponse } from "node:http";
import type { Caller, Proof } from "../contract/caller.ts";
import type { Allowance, Denial, Match, PreflightAnswer, RequestFacts } from "../contract/decision.ts";
import type { ErrorCode } from "../contract/errors.ts";
import type { Policy, Route } from "../contract/policy.ts";
import type { LimitState } from "../contract/stores.ts";
import type { DoorRequest } from "./door-request.ts";

export interface Exchange {
  /** Decision id: `x-decision-id`. */
  readonly id: string;
  readonly request: DoorRequest;
  readonly response: ServerResponse;
  /** The policy that this request began with, and ends with. */
  readonly policy: Policy;
  /** Epoch milliseconds at arrival. */
  readonly now: number;
  /** Monotonic milliseconds at arrival. */
  readonly startedAt: number;
  /** The same clock when its caller was proved: later, where something had to be waited for. */
  provedAt: number;
  /** Set by the edge stage. */
  facts: RequestFacts;
  /** Set by the match stage. */
  match: Match;
  /** CORS headers that go on every answer from stage 3 on. */
  corsHeaders: Readonly<Record<string, string>> | undefined;
  proof: Proof | undefined;
  /** Set with the proof of a signed request that has a body: what the body must be. */
  payload?: SignedPayload;
  caller: Caller | undefined;
  /** Under which name it counts among the caller's open exchanges; undefined: it does not count. */
  openAs?: string;
  /** State of the tightest limit that counted this request. */
  limit: LimitState | undefined;
  /** Set by the authorize stage: what the forward stage acts on. */
  allowance: Allowance | undefined;
  /** The client waits for `100 Continue` before it sends its body, and has not been told. */
  expectsContinue: boolean;
  /** The request arrived as an upgrade to WebSocket. */
  readonly upgrade: boolean;
  /** How it ended, for log and metrics. */
  outcome: Outcome | undefined;
  /** It has been counted and logged. */
  over: boolean;
}

/** The body that a signature is about. */
export interface SignedPayload {
  /** Its SHA-256, which was signed. */
  readonly sha256: Uint8Array;
  /** The whole of it, where it had to be read before the signature could be checked; its hash is right. */
  readonly held?: Buffer;
}

export type Outcome =
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly reason: string; readonly status: number }
  | { readonly kind: "preflight" }
  /** `status` is the upstream's; `cut` says that the answer ended early, and why. */
  | { readonly kind: "forwarded"; readonly status: number; readonly cut?: string };

/** A stage's answer; `undefined` lets the request go on. */
export type Verdict = Denial | PreflightAnswer | undefined;
export type Check = (exchange: Exchange) => Verdict | Promise<Verdict>;

/** Makes a stage's check for one route; `undefined` where the route needs none. */
export type Stage = (route: Route) => Check | undefined;

/**
 * How the forward stage gives back a request that it could not carry. Callable only while
 * nothing of the answer has been sent.
 */
export type Refuse = (exchange: Exchange, denial: Denial) => void;
