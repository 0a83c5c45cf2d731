/** What the primary asks of a worker, and what it is answered: plain data, which goes from process to process. */
import type { Routes } from "../loading/pieces.ts";
import type { DecisionRecord } from "../observability/decisions.ts";
import type { Snapshot } from "../observability/metrics.ts";
import type { IssuerState } from "../pipeline/authenticate/key-set.ts";
import type { DoorCertificate } from "../policy/certificate-files.ts";
import type { SoundFiles } from "../policy/sound.ts";

/** Each order: what is given with it, and what it comes to. */
export interface Orders {
  /** A policy without its tables, and then those. Whatever was received before is forgotten. */
  receive: { readonly given: SoundFiles; readonly answer: void };
  receiveRoutes: { readonly given: Routes; readonly answer: void };
  /** What was received is the shadow policy from now on. */
  compare: { readonly given: undefined; readonly answer: void };
  /** Makes ready to serve what was received. */
  build: { readonly given: Beginning; readonly answer: void };
  /** Comes to the port. */
  listen: { readonly given: undefined; readonly answer: number };
  /** Makes ready to go over to what was received. */
  prepare: { readonly given: undefined; readonly answer: void };
  /** Goes over to what was prepared, for all requests that begin from now on. */
  commit: { readonly given: undefined; readonly answer: void };
  discard: { readonly given: undefined; readonly answer: void };
  useCertificate: { readonly given: Renewal; readonly answer: void };
  report: { readonly given: undefined; readonly answer: Report };
  metrics: { readonly given: undefined; readonly answer: Snapshot };
  /** The newest refusals first, so many at most. */
  recentDecisions: { readonly given: number; readonly answer: readonly DecisionRecord[] };
  findDecision: { readonly given: string; readonly answer: DecisionRecord | undefined };
  /** Takes no more requests; answered when those under way are over, or cut at the grace period's end. */
  drain: { readonly given: undefined; readonly answer: void };
  /** Ends what is still under way. */
  cut: { readonly given: undefined; readonly answer: void };
}

export type OrderName = keyof Orders;
export type Given<Name extends OrderName> = Orders[Name]["given"];
export type Answer<Name extends OrderName> = Orders[Name]["answer"];

export interface Beginning {
  /** The worker's place among the others, from 1. */
  readonly place: number;
  readonly certificate?: DoorCertificate;
}

export interface Renewal {
  readonly certificate: DoorCertificate;
  /** Those of clients are others than before. */
  readonly newAuthorities: boolean;
}

/** State of one worker. */
export interface Report {
  readonly revision: string;
  readonly issuers: readonly IssuerState[];
  readonly keyStoreTrouble: string | undefined;
}

/** From the primary. */
export interface Order<Name extends OrderName = OrderName> {
  readonly number: number;
  readonly name: Name;
  readonly given: Given<Name>;
}

/** From a worker: that it takes orders, or what one came to. */
export type Said =
  | { readonly kind: "present" }
  | { readonly kind: "answer"; readonly number: number; readonly answer: Answer<OrderName> }
  | { readonly kind: "fault"; readonly number: number; readonly fault: Fault };

/** What of an error is worth telling: its words, and where it is a door's, which one. */
export interface Fault {
  readonly message: string;
  readonly code?: string;
  readonly port?: number;
  readonly address?: string;
}
