/** What a run leaves behind: every round as it was taken. Tables, chart and page are made from this alone. */
import type { MachineFacts } from "../stage/machine.ts";

export interface Results {
  readonly kind: RunKind;
  /** ISO 8601. */
  readonly takenAt: string;
  /** Of the sources, from git; with `+` where they had changed since. */
  readonly revision: string;
  /** Order of the loads and gaps between paced requests come from it. */
  readonly seed: number;
  readonly machine: MachineFacts;
  readonly settings: RunSettings;
  readonly lanes?: readonly LaneRounds[];
  readonly downloads?: readonly MovedLane[];
  readonly latency?: readonly PacedLane[];
  readonly memory?: readonly MemoryRound[];
  /** Milliseconds from the start of the process until it was ready. */
  readonly startMs?: readonly number[];
  readonly size?: InstallSize;
  readonly growth?: readonly GrowthTable[];
  /** Parts that came to no end. */
  readonly failures?: readonly { readonly part: string; readonly reason: string }[];
}

export type RunKind = "full" | "quick" | "growth" | "partial";

export interface RunSettings {
  readonly rounds: number;
  /** Of each load in each round. */
  readonly seconds: number;
  /** Of each load before the first round. */
  readonly warmUpSeconds: number;
  /** Of each load before each round: a process that stood idle has given memory back. */
  readonly settleSeconds: number;
  readonly connections: number;
  /** How many cached tokens take turns. */
  readonly manyTokens: number;
}

/** One load, always with as many requests under way as there are connections. */
export interface LaneRounds {
  readonly name: string;
  readonly rounds: readonly Round[];
  /** The most memory that the process had over all its loads up to the end. */
  readonly peakMb: number;
}

export interface Round {
  /** Requests. */
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Processor time of the process under load for each request. */
  readonly cpuMicroseconds: number;
  /** Of the time, from 0 to 1: below 1 where it waited, or had to share its core. */
  readonly busy: number;
  /** Share of the load's core that nobody used, from 0 to 1. */
  readonly loadIdle: number;
}

/** One large body at a time. */
export interface MovedLane {
  readonly name: string;
  readonly rounds: readonly { readonly mbPerSecond: number; readonly loadIdle: number }[];
}

/** Requests at a given rate. */
export interface PacedLane {
  readonly name: string;
  readonly rounds: readonly PacedRound[];
}

export interface PacedRound {
  /** Requests a second that were asked for, and that were answered. */
  readonly rate: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly loadIdle: number;
  /** Processor time of whoever answers, a request. */
  readonly cpuMicroseconds: number;
}

/** Each round with processes of its own; megabytes that are resident. */
export interface MemoryRound {
  readonly idle: number;
  /** The most under load. */
  readonly loaded: number;
  /** By how much more a process that has done nothing yet has at the most while 1 GB streams through it than before. */
  readonly downloadGrowth: number;
  readonly uploadGrowth: number;
  /** The same of one that has been under load. */
  readonly laterDownloadGrowth: number;
}

/** What `npm run build` leaves. */
export interface InstallSize {
  /** Of which something is in the program. */
  readonly packages: number;
  /** Of runs in which packages were installed beside the program. */
  readonly packagesMb?: number;
  readonly programMb: number;
}

/** How figures change with one quantity. */
export interface GrowthTable {
  /** `routes`; of bodies it is bytes that grow. */
  readonly of: string;
  readonly inBytes: boolean;
  readonly points: readonly GrowthPoint[];
}

export interface GrowthPoint {
  readonly at: number;
  readonly target: string;
  readonly unit: "requests/s" | "MB/s";
  /** Round by round, in the unit. */
  readonly rates: readonly number[];
  /** Milliseconds, median of the rounds; none for single bodies. */
  readonly p99?: number;
  readonly leastLoadIdle: number;
  readonly peakMb: number;
}

/** Where the time of a request goes. */
export interface ProfileResults extends Pick<Results, "takenAt" | "revision" | "machine"> {
  /** Processor time of a request without the profiler. */
  readonly cpuMicroseconds: number;
  readonly requests: number;
  readonly stages: readonly StageShare[];
  /** The functions of all with the most time of their own. */
  readonly functions: readonly FunctionShare[];
}

export interface StageShare {
  readonly stage: string;
  /** Of the time that the process was not idle, from 0 to 1. */
  readonly share: number;
}

export interface FunctionShare extends StageShare {
  readonly name: string;
  /** `pipeline/walk.js:12`. */
  readonly place: string;
}
