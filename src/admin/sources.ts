/** What the doors show, and the one thing that they may start: given by the caller, so that they know no part of the gateway. */
import type { Policy } from "../contract/policy.ts";
import type { DecisionRecord } from "../observability/decisions.ts";
import type { Metrics } from "../observability/metrics.ts";
import type { IssuerState } from "../pipeline/authenticate/key-set.ts";

/** `draining`: no new requests are wanted, those under way are finishing. */
export type Phase = "starting" | "serving" | "draining";

/** State of the running gateway at one moment. Instants are epoch milliseconds. */
export interface GatewayStatus {
  readonly phase: Phase;
  readonly startedAt: number;
  readonly lastReload: LastReload;
  readonly issuers: readonly IssuerState[];
  /** Why the key store cannot be read; undefined when it can. */
  readonly keyStoreTrouble?: string | undefined;
  /** Where the front door is one of TLS. */
  readonly certificate?: CertificateState | undefined;
  /** Where several processes answer requests. */
  readonly workers?: readonly WorkerState[];
}

/** One of several processes that answer requests. */
export interface WorkerState {
  /** Its place among them, from 1; whoever takes its place has the same. */
  readonly worker: number;
  /** `waiting`: the one before died, and the next is not started yet. */
  readonly state: "waiting" | "starting" | "serving" | "stopping";
  /** Absent while there is no process. */
  readonly pid?: number;
  /** Policy by which it decides; absent until it does. */
  readonly revision?: string;
  /** How many processes there were in this place before. */
  readonly replaced: number;
}

/** The front door's certificate: its file, when the one in force ends (epoch milliseconds), and the last time that its files were read. */
export interface CertificateState {
  readonly file: string;
  readonly notAfter: number;
  readonly lastReload: LastReload;
}

/** The last time that the policy files were read; the start counts. `diagnostics` are formatted, secrets masked. */
export interface LastReload {
  readonly at: number;
  readonly kind: "loaded" | "rejected";
  readonly diagnostics: readonly string[];
}

/** What became of a reload that was asked for. */
export interface Reloaded {
  readonly kind: "loaded" | "rejected" | "unchanged";
  readonly diagnostics: readonly string[];
}

type MaybeLater<Value> = Value | Promise<Value>;

export interface Sources {
  /** The policy in force; its admin tokens are those that open the admin door. */
  policy(): Policy;
  phase(): Phase;
  status(): MaybeLater<GatewayStatus>;
  readonly metrics: Pick<Metrics, "contentType" | "text">;
  readonly decisions: {
    /** The newest first. */
    recent(): MaybeLater<readonly DecisionRecord[]>;
    find(decision: string): MaybeLater<DecisionRecord | undefined>;
  };
  /** May be asked at any time: however many ask, one load is under way, and at most one waits. */
  reload(): Promise<Reloaded>;
  /** Epoch milliseconds. */
  now(): number;
  /** Told of a fault of the door's own, for the log; the client reads only that there was one. */
  onFault(error: unknown): void;
}

/** A door that listens. */
export interface RunningDoor {
  readonly port: number;
  /** Ends its connections; resolves when the port is free again. */
  close(): Promise<void>;
}
