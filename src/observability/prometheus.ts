/** What prom-client does for the metrics. Loaded with the first scrape, by those who need it. */
import { AggregatorRegistry, collectDefaultMetrics, Registry } from "prom-client";
import type { Snapshot } from "./metrics.ts";

/** With the metrics of the process itself. */
export function openRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** Of several processes as one. */
export function aggregated(snapshots: readonly Snapshot[]): Registry {
  return AggregatorRegistry.aggregate(snapshots as object[]);
}
