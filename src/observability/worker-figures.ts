/** Metrics about worker processes, which only the one that runs them knows. */
import type { MetricType } from "prom-client";
import type { Snapshot } from "./metrics.ts";

export interface WorkerFigures {
  /** How many answer requests now. */
  readonly serving: number;
  /** How many ended since the start without being told to, by how. */
  readonly ended: ReadonlyMap<string, number>;
}

export function workerSnapshot({ serving, ended }: WorkerFigures): Snapshot {
  return [
    metric("sallyport_workers", "Worker processes that answer requests", "gauge", [{ value: serving, labels: {} }]),
    metric(
      "sallyport_workers_ended_total",
      "Worker processes that ended without being told to, by how: died, failed to start, stuck, or stopped by a signal of somebody's own",
      "counter",
      Array.from(ended, ([how, value]) => ({ value, labels: { how } })),
    ),
  ];
}

/** prom-client's own metrics tell their type as a word too, whatever its declarations say. */
function metric(name: string, help: string, type: string, values: Snapshot[number]["values"]): Snapshot[number] {
  return { name, help, type: type as unknown as MetricType, aggregator: "sum", values };
}
