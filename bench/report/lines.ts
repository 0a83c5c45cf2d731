/** What was promised, and whether it holds: each line beside what a run measured. */
import { DOWNLOADS, LANES, PACED } from "../parts/lane-names.ts";
import { byRound, differenceOf, ratioOf, spreadOf, type Spread } from "./figures.ts";
import type { LaneRounds, MemoryRound, MovedLane, PacedLane, PacedRound, Results, Round } from "./results.ts";

export interface Line {
  readonly name: string;
  readonly unit: "times" | "ms" | "MB";
  readonly better: "more" | "less";
  readonly line: number;
  readonly stretch: number;
  /** Undefined where the run did not measure it. */
  readonly measure: (results: Results) => Measured | undefined;
}

export interface Measured {
  readonly spread: Spread;
  /** Why the figures must not be believed. */
  readonly invalid?: string;
}

export type Verdict = "stretch met" | "met" | "not met" | "NOT VALID" | "not measured";

/** Below this share of idle time the load was measured, and not what it was for. */
const LEAST_LOAD_IDLE = 0.2;
/** Below this the target did not have its core for itself, or was not under full load. */
const LEAST_BUSY = 0.85;
/** Of the rate that was asked for. */
const LEAST_PACE = 0.97;

export const LINES: readonly Line[] = [
  ratioLine("÷ HAProxy `jwt_verify`, same rules", LANES.sallyport, LANES.haproxy, 1.2, 1.5),
  ratioLine("÷ the raw hop", LANES.sallyport, LANES.rawHop, 0.95, 1.15),
  ratioLine("÷ bare @fastify/http-proxy", LANES.sallyport, LANES.bareHttpProxy, 2, 2.5),
  ratioLine("÷ Express stack", LANES.sallyport, LANES.expressStack, 7, 9),
  ratioLine("API key ÷ JWT", LANES.apiKey, LANES.sallyport, 0.95, 1),
  ratioLine("tokens never seen before ÷ HAProxy", LANES.unknownTokens, LANES.haproxyUnknownTokens, 0.6, 0.8),
  { name: "POST 1 KB ÷ GET, over the raw hop's", unit: "times", better: "more", line: 0.9, stretch: 1, measure: postOverGet },
  ratioLine("10,000 routes ÷ 10", LANES.manyRoutes, LANES.oneLoad, 0.97, 1),
  ratioLine("100,000 tokens ÷ 1", LANES.manyTokens, LANES.oneLoad, 0.9, 0.95),
  ratioLine("refusal (401) ÷ node:http, same bytes", LANES.refusal, LANES.plainAnswer, 0.6, 0.8),
  { name: "1 GB download ÷ nginx", unit: "times", better: "more", line: 0.5, stretch: 0.8, measure: downloadOverNginx },
  addedLine("added at half load, p50", "p50", 0.25, 0.15),
  addedLine("added at half load, p99", "p99", 1.5, 0.8),
  memoryLine("memory, idle", ({ idle }) => idle, 100, 80),
  memoryLine("memory, 64 connections under load", ({ loaded }) => loaded, 180, 140),
  memoryLine("memory, growth in a 1 GB stream", ({ downloadGrowth, uploadGrowth }) => Math.max(downloadGrowth, uploadGrowth), 32, 16),
  {
    name: "start to ready",
    unit: "ms",
    better: "less",
    line: 400,
    stretch: 250,
    measure: ({ startMs }) => startMs && { spread: spreadOf(startMs) },
  },
];

/** Of the median. */
export function verdictOf({ better, line, stretch }: Pick<Line, "better" | "line" | "stretch">, measured: Measured | undefined): Verdict {
  if (measured === undefined) return "not measured";
  if (measured.invalid !== undefined) return "NOT VALID";
  const { median } = measured.spread;
  const reaches = (bound: number): boolean => (better === "more" ? median >= bound : median <= bound);
  if (reaches(stretch)) return "stretch met";
  return reaches(line) ? "met" : "not met";
}

function ratioLine(name: string, over: string, under: string, line: number, stretch: number): Line {
  const measure = ({ lanes }: Results): Measured | undefined => {
    const [left, right] = [laneOf(lanes, over), laneOf(lanes, under)];
    return left && right && { spread: ratioOf(ratesOf(left), ratesOf(right)), ...faultOf([...left.rounds, ...right.rounds]) };
  };
  return { name, unit: "times", better: "more", line, stretch, measure };
}

/** What a body costs the gateway, beside what it costs whoever only passes it on. */
function postOverGet({ lanes }: Results): Measured | undefined {
  const four = [LANES.post, LANES.sallyport, LANES.rawHopPost, LANES.rawHop].flatMap((name) => laneOf(lanes, name) ?? []);
  const [post, get, hopPost, hopGet] = four.map(ratesOf);
  if (!post || !get || !hopPost || !hopGet) return undefined;
  const quotient = (over: number, under: number): number => over / under;
  const spread = ratioOf(byRound(post, get, quotient), byRound(hopPost, hopGet, quotient));
  return { spread, ...faultOf(four.flatMap(({ rounds }) => rounds)) };
}

function downloadOverNginx({ downloads }: Results): Measured | undefined {
  const [own, floor] = [laneOf(downloads, DOWNLOADS.sallyport), laneOf(downloads, DOWNLOADS.nginx)];
  if (!own || !floor) return undefined;
  const speedsOf = ({ rounds }: MovedLane): readonly number[] => rounds.map(({ mbPerSecond }) => mbPerSecond);
  return { spread: ratioOf(speedsOf(own), speedsOf(floor)), ...loadFault([...own.rounds, ...floor.rounds]) };
}

function addedLine(name: string, quantile: "p50" | "p99", line: number, stretch: number): Line {
  return { name, unit: "ms", better: "less", line, stretch, measure: (results) => addedTo(results, quantile) };
}

/** Milliseconds that the gateway adds to a request that reaches the service without it. */
function addedTo({ latency }: Results, quantile: "p50" | "p99"): Measured | undefined {
  const [own, direct] = [laneOf(latency, PACED.sallyport), laneOf(latency, PACED.direct)];
  if (!own || !direct) return undefined;
  const timesOf = (lane: PacedLane): readonly number[] => lane.rounds.map((round) => round[quantile]);
  const rounds = [...own.rounds, ...direct.rounds];
  return { spread: differenceOf(timesOf(own), timesOf(direct)), ...(paceFault(rounds) ?? loadFault(rounds)) };
}

function memoryLine(name: string, pick: (round: MemoryRound) => number, line: number, stretch: number): Line {
  return { name, unit: "MB", better: "less", line, stretch, measure: ({ memory }) => memory && { spread: spreadOf(memory.map(pick)) } };
}

function laneOf<Lane extends { readonly name: string }>(lanes: readonly Lane[] | undefined, name: string): Lane | undefined {
  return lanes?.find((lane) => lane.name === name);
}

function ratesOf({ rounds }: LaneRounds): readonly number[] {
  return rounds.map(({ perSecond }) => perSecond);
}

function faultOf(rounds: readonly Round[]): Pick<Measured, "invalid"> | undefined {
  const least = Math.min(...rounds.map(({ busy }) => busy));
  return (
    loadFault(rounds) ?? (least < LEAST_BUSY ? { invalid: `a target was busy only ${Math.round(least * 100)} % of the time` } : undefined)
  );
}

function loadFault(rounds: readonly { readonly loadIdle: number }[]): Pick<Measured, "invalid"> | undefined {
  const least = Math.min(...rounds.map(({ loadIdle }) => loadIdle));
  return least < LEAST_LOAD_IDLE ? { invalid: `the load's core was ${Math.round(least * 100)} % idle` } : undefined;
}

function paceFault(rounds: readonly PacedRound[]): Pick<Measured, "invalid"> | undefined {
  const least = Math.min(...rounds.map(({ perSecond, rate }) => perSecond / rate));
  return least < LEAST_PACE ? { invalid: `${Math.round(least * 100)} % of the paced requests were answered in time` } : undefined;
}
