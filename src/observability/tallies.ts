/**
 * Numbers that are counted on every request and read once a scrape: plain additions here, and values in prom-client's shape when
 * it asks (its own counters hash their labels and its histograms walk their buckets through a map each time).
 */
import type { Aggregator, MetricObjectWithValues, MetricType, MetricValue, MetricValueWithName } from "prom-client";

export type Labels = Readonly<Record<string, string>>;

/** One counter with its labels. */
export interface Tally {
  readonly labels: Labels;
  count: number;
}

/** One histogram with its labels. */
export class Durations {
  readonly labels: Labels;
  readonly #bounds: readonly number[];
  /** How many fell into each bucket alone; the last one has no bound. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  add(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > this.#bounds[bucket]!) bucket++;
    this.#counts[bucket]! += 1;
    this.#sum += value;
  }

  /** Cumulative, as the exposition format has them. */
  values(name: string): MetricValueWithName<string>[] {
    let count = 0;
    const buckets = Array.from(this.#counts, (own, index) => {
      count += own;
      const le = this.#bounds[index] ?? "+Inf";
      return { metricName: `${name}_bucket`, labels: { ...this.labels, le }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels: this.labels, value: this.#sum },
      { metricName: `${name}_count`, labels: this.labels, value: count },
    ];
  }
}

/** What a registry asks of a metric. */
export interface Readable {
  readonly name: string;
  get(): Promise<MetricObjectWithValues<MetricValue<string>>>;
  reset(): void;
}

/** A counter whose values are read from tallies. */
export function countersOf(name: string, help: string, tallies: () => Iterable<Tally>): Readable {
  const about = { name, help, type: "counter", aggregator: "sum" } as const;
  return readable(about, () => Array.from(tallies(), ({ labels, count }) => ({ labels, value: count })));
}

/** A histogram whose values are read from durations. */
export function histogramsOf(name: string, help: string, durations: () => Iterable<Durations>): Readable {
  const about = { name, help, type: "histogram", aggregator: "sum" } as const;
  return readable(about, () => [...durations()].flatMap((one) => one.values(name)));
}

interface About {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly aggregator: Aggregator;
}

/** A metric whose values are worked out when they are read. */
export function readable({ name, help, type, aggregator }: About, values: () => MetricValue<string>[]): Readable {
  return {
    name,
    // prom-client's own metrics tell type and aggregator as words too, whatever its declarations say
    get: () =>
      Promise.resolve({
        name,
        help,
        type: type as unknown as MetricType,
        aggregator,
        collect: () => undefined,
        values: values(),
      }),
    reset: () => undefined,
  };
}
