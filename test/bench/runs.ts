/** Runs that never were. */
import { LANES } from "../../bench/parts/lane-names.ts";
import type { LaneRounds, Results } from "../../bench/report/results.ts";

const MACHINE = { processor: "a <processor>", cores: 2, memoryGb: 8, kernel: "6.1", versions: { node: "26.10.0" } };

export function runWith(parts: Partial<Results>): Results {
  return {
    kind: "full",
    takenAt: "2026-11-28T10:00:00.000Z",
    revision: "0123456789ab",
    seed: 1,
    machine: MACHINE,
    settings: { rounds: 3, seconds: 5, warmUpSeconds: 10, settleSeconds: 1, connections: 64, manyTokens: 100_000 },
    ...parts,
  };
}

export function lane(name: string, rates: readonly number[], { loadIdle = 0.5, busy = 0.97 } = {}): LaneRounds {
  return { name, peakMb: 100, rounds: rates.map((perSecond) => ({ perSecond, p50: 1, p99: 2, cpuMicroseconds: 40, busy, loadIdle })) };
}

/** Every load of the chart. */
export function chartRun(): Results {
  const { sallyport, haproxy, expressStack, nginx, rawHop, bareHttpProxy } = LANES;
  const names = [sallyport, haproxy, expressStack, nginx, rawHop, bareHttpProxy];
  return runWith({ lanes: names.map((name, index) => lane(name, [1_000 * (index + 1), 1_100 * (index + 1), 1_200 * (index + 1)])) });
}
