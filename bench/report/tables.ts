/** Tables of a run, for a terminal and for the page. */
import type { MachineFacts } from "../stage/machine.ts";
import { medianOf, spreadOf } from "./figures.ts";
import { LINES, verdictOf, type Line } from "./lines.ts";
import type { GrowthTable, LaneRounds, MemoryRound, ProfileResults, Results } from "./results.ts";

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Of a part alone, only what it measured. */
export function linesTable(results: Results): Table {
  const shown = LINES.filter((line) => results.kind !== "partial" || line.measure(results) !== undefined);
  return {
    head: ["what", "measured", "least to most", "line", "stretch", "verdict"],
    rows: shown.map((line) => lineRow(line, results)),
  };
}

function lineRow(line: Line, results: Results): readonly string[] {
  const measured = line.measure(results);
  const bound = (value: number): string => `${line.better === "more" ? "≥" : "≤"} ${inUnit(value, line)}`;
  const verdict = verdictOf(line, measured);
  return [
    line.name,
    measured === undefined ? "" : inUnit(measured.spread.median, line),
    measured === undefined ? "" : `${inUnit(measured.spread.least, line)} to ${inUnit(measured.spread.most, line)}`,
    bound(line.line),
    bound(line.stretch),
    measured?.invalid === undefined ? verdict : `${verdict}: ${measured.invalid}`,
  ];
}

function inUnit(value: number, { unit, line }: Pick<Line, "unit" | "line">): string {
  if (unit === "times") return value.toFixed(2);
  return `${value.toFixed(line < 10 ? 2 : 0)} ${unit}`;
}

export function loadsTable(lanes: readonly LaneRounds[]): Table {
  return {
    head: [
      "load",
      "requests/s",
      "least to most",
      "p50 ms",
      "p99 ms",
      "CPU µs a request",
      "peak MB",
      "busy, least",
      "load's core idle, least",
    ],
    rows: lanes.map(({ name, rounds, peakMb }) => {
      const { median, least, most } = spreadOf(rounds.map(({ perSecond }) => perSecond));
      const middle = (pick: "p50" | "p99" | "cpuMicroseconds"): number => medianOf(rounds.map((round) => round[pick]));
      const lowest = (pick: "busy" | "loadIdle"): number => Math.min(...rounds.map((round) => round[pick]));
      return [
        name,
        whole(median),
        `${whole(least)} to ${whole(most)}`,
        middle("p50").toFixed(2),
        middle("p99").toFixed(2),
        middle("cpuMicroseconds").toFixed(1),
        whole(peakMb),
        percent(lowest("busy")),
        percent(lowest("loadIdle")),
      ];
    }),
  };
}

export function latencyTable(latency: NonNullable<Results["latency"]>): Table {
  return {
    head: ["at the same rate", "requests/s", "p50 ms", "p99 ms", "p99.9 ms", "CPU µs a request", "load's core idle, least"],
    rows: latency.map(({ name, rounds }) => [
      name,
      whole(medianOf(rounds.map(({ perSecond }) => perSecond))),
      ...(["p50", "p99", "p999"] as const).map((pick) => medianOf(rounds.map((round) => round[pick])).toFixed(2)),
      medianOf(rounds.map(({ cpuMicroseconds }) => cpuMicroseconds)).toFixed(1),
      percent(Math.min(...rounds.map(({ loadIdle }) => loadIdle))),
    ]),
  };
}

export function downloadsTable(downloads: NonNullable<Results["downloads"]>): Table {
  return {
    head: ["1 GB down", "MB/s", "least to most", "load's core idle, least"],
    rows: downloads.map(({ name, rounds }) => {
      const { median, least, most } = spreadOf(rounds.map(({ mbPerSecond }) => mbPerSecond));
      return [name, whole(median), `${whole(least)} to ${whole(most)}`, percent(Math.min(...rounds.map(({ loadIdle }) => loadIdle)))];
    }),
  };
}

export function memoryTable(memory: NonNullable<Results["memory"]>): Table {
  const kinds: readonly (readonly [words: string, pick: (round: MemoryRound) => number])[] = [
    ["idle, some seconds after the start", ({ idle }) => idle],
    ["the most under load, 64 connections", ({ loaded }) => loaded],
    ["growth while the first 1 GB comes down", ({ downloadGrowth }) => downloadGrowth],
    ["growth while the first 1 GB goes up", ({ uploadGrowth }) => uploadGrowth],
    ["growth while 1 GB comes down after the load", ({ laterDownloadGrowth }) => laterDownloadGrowth],
  ];
  return {
    head: ["memory", "MB", "least to most"],
    rows: kinds.map(([words, pick]) => {
      const { median, least, most } = spreadOf(memory.map(pick));
      return [words, whole(median), `${whole(least)} to ${whole(most)}`];
    }),
  };
}

export function sizeTable({ packages, packagesMb, programMb }: NonNullable<Results["size"]>): Table {
  return {
    head: ["installed", "how much"],
    rows: [
      ["production packages", String(packages)],
      ...(packagesMb === undefined ? [] : [["their files, beside the program", `${packagesMb.toFixed(1)} MB`]]),
      ["the program", `${programMb.toFixed(1)} MB`],
    ],
  };
}

export function growthTable({ of, inBytes, points }: GrowthTable): Table {
  return {
    head: [of, "target", "rate", "least to most", "p99 ms", "peak MB", "load's core idle, least"],
    rows: points.map(({ at, target, unit, rates, p99, peakMb, leastLoadIdle }) => {
      const { median, least, most } = spreadOf(rates);
      const tail = [p99?.toFixed(2) ?? "", whole(peakMb), percent(leastLoadIdle)];
      return [inBytes ? size(at) : whole(at), target, `${whole(median)} ${unit}`, `${whole(least)} to ${whole(most)}`, ...tail];
    }),
  };
}

/** Microseconds: the share of the samples, of the time that a request takes without the profiler. */
export function stagesTable({ stages, cpuMicroseconds }: ProfileResults): Table {
  const rows = stages.map(({ stage, share }) => [stage, (share * cpuMicroseconds).toFixed(1), `${(share * 100).toFixed(1)} %`]);
  return { head: ["where", "µs a request", "share"], rows: [...rows, ["all", cpuMicroseconds.toFixed(1), ""]] };
}

export function functionsTable({ functions, cpuMicroseconds }: ProfileResults): Table {
  return {
    head: ["function", "place", "µs a request", "where"],
    rows: functions.map(({ name, place, share, stage }) => [name, place, (share * cpuMicroseconds).toFixed(2), stage]),
  };
}

/** On what, when and of which sources. */
export function runTable({
  machine,
  takenAt,
  revision,
  seed,
  settings,
}: Pick<Results, "machine" | "takenAt" | "revision" | "seed" | "settings">): Table {
  return {
    head: ["run", ""],
    rows: [
      ["taken", `${takenAt.slice(0, 16).replace("T", " ")} UTC, sources ${revision}, seed ${seed}`],
      ["machine", machineWords(machine)],
      [
        "programs",
        Object.entries(machine.versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(", "),
      ],
      [
        "rounds",
        `${settings.rounds} of ${settings.seconds} s each, after ${settings.warmUpSeconds} s to warm up; ${settings.connections} connections`,
      ],
    ],
  };
}

export function machineWords({ processor, cores, memoryGb, kernel }: MachineFacts): string {
  return `${processor}, ${cores} cores, ${memoryGb} GB, Linux ${kernel}`;
}

/** With commas between thousands. */
function whole(value: number): string {
  return value.toFixed(0).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

function size(bytes: number): string {
  const [unit = "B", power = 0] =
    (
      [
        ["GB", 30],
        ["MB", 20],
        ["KB", 10],
      ] as const
    ).find(([, one]) => bytes >= 2 ** one) ?? [];
  return `${bytes / 2 ** power} ${unit}`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
