/** The metrics of several processes as one. */
import type { Registry } from "prom-client";
import { type Snapshot, withoutCode } from "./metrics.ts";

/** Prometheus' text format: counters and histograms are sums, and gauges what each says of itself (sum, least, most, …). */
export async function textOf(snapshots: readonly Snapshot[]): Promise<string> {
  return (await added(snapshots)).metrics();
}

/** What counts on when its processes are gone, so that no counter ever goes back. */
export async function remainsOf(snapshots: readonly Snapshot[]): Promise<Snapshot> {
  const lasting = snapshots.map((snapshot) => snapshot.filter(({ type }) => LASTING.has(String(type))));
  return (await (await added(lasting)).getMetricsAsJSON()).map(withoutCode);
}

const LASTING = new Set(["counter", "histogram"]);

async function added(snapshots: readonly Snapshot[]): Promise<Registry> {
  const { aggregated } = await import("./prometheus.ts");
  return aggregated(snapshots);
}
