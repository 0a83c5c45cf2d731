/**
 * Counters and gauges as plain numbers, in prom-client's shape when somebody reads them: the library is loaded with the first
 * scrape, and not to start.
 */
import type { Aggregator, Gauge as LibraryGauge, MetricObjectWithValues, MetricValue, Registry } from "prom-client";
import { type Labels, type Readable, readable } from "./tallies.ts";

export class Register {
  readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
  readonly #metrics: Readable[] = [];
  #registry: Registry | undefined;

  add(metric: Readable): void {
    this.#metrics.push(metric);
    if (this.#registry) register(this.#registry, metric);
  }

  async text(): Promise<string> {
    return (await this.#open()).metrics();
  }

  async values(): Promise<readonly MetricObjectWithValues<MetricValue<string>>[]> {
    return (await this.#open()).getMetricsAsJSON();
  }

  async #open(): Promise<Registry> {
    const { openRegistry } = await import("./prometheus.ts");
    if (this.#registry) return this.#registry;
    const registry = openRegistry();
    for (const metric of this.#metrics) register(registry, metric);
    this.#registry = registry;
    return registry;
  }
}

function register(registry: Registry, metric: Readable): void {
  registry.registerMetric(metric as unknown as LibraryGauge);
}

interface About<Metric> {
  readonly name: string;
  readonly help: string;
  readonly registers: readonly Register[];
  /** Without: there is one number, and it begins at 0. */
  readonly labelNames?: readonly string[];
  /** How the numbers of several processes make one. */
  readonly aggregator?: Aggregator;
  /** Called before each reading. */
  readonly collect?: (this: Metric) => void;
}

abstract class Numbers {
  readonly #values = new Map<string, { readonly labels: Labels; value: number }>();
  readonly #hasLabels: boolean;

  constructor({ name, help, registers, labelNames, aggregator = "sum", collect }: About<never>, type: "counter" | "gauge") {
    this.#hasLabels = labelNames !== undefined;
    this.reset();
    const read = (): MetricValue<string>[] => {
      (collect as ((this: unknown) => void) | undefined)?.call(this);
      return [...this.#values.values()].map(({ labels, value }) => ({ labels, value }));
    };
    for (const one of registers) one.add(readable({ name, help, type, aggregator }, read));
  }

  reset(): void {
    this.#values.clear();
    if (!this.#hasLabels) this.at({});
  }

  protected at(labels: Labels): { value: number } {
    const key = JSON.stringify(labels);
    const known = this.#values.get(key);
    if (known) return known;
    const made = { labels, value: 0 };
    this.#values.set(key, made);
    return made;
  }
}

export class Counter extends Numbers {
  constructor(about: About<Counter>) {
    super(about, "counter");
  }

  inc(labels: Labels): void {
    this.at(labels).value += 1;
  }
}

export class Gauge extends Numbers {
  constructor(about: About<Gauge>) {
    super(about, "gauge");
  }

  inc(): void {
    this.at({}).value += 1;
  }

  dec(): void {
    this.at({}).value -= 1;
  }

  set(value: number): void;
  set(labels: Labels, value: number): void;
  set(first: Labels | number, value = 0): void {
    if (typeof first === "number") this.at({}).value = first;
    else this.at(first).value = value;
  }
}
