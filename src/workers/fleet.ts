/** All workers: each place is kept filled for as long as the gateway runs. */
import { setTimeout as after } from "node:timers/promises";
import type { WorkerState } from "../admin/sources.ts";
import type { Log } from "../observability/log.ts";
import { type Agreed, Agreement } from "./agreement.ts";
import type { Answer, Given, OrderName } from "./messages.ts";
import { type HowEnded, howEnded, Place } from "./place.ts";
import type { StartProcess, WorkerProcess } from "./child.ts";

export interface FleetParts {
  readonly count: number;
  readonly startProcess: StartProcess;
  readonly log: Log;
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
}

export interface Answered<Name extends OrderName> {
  readonly worker: WorkerProcess;
  readonly answer: Answer<Name>;
}

const START_MS = 60_000;
const QUESTION_MS = 2_000;
/** Beyond the grace period, for what comes after it. */
const DRAIN_MORE_MS = 5_000;

export class Fleet {
  readonly agreement: Agreement;
  readonly #parts: FleetParts;
  readonly #places: readonly Place[];
  readonly #stopping = new AbortController();
  readonly #ended = new Map<HowEnded, number>();

  constructor(parts: FleetParts, agreed: Agreed) {
    this.#parts = parts;
    this.#places = Array.from({ length: parts.count }, (_, index) => new Place(index + 1));
    this.agreement = new Agreement(this.#places, parts.log, agreed);
  }

  /** Resolves with the port when all of them listen. Rejects where one cannot. */
  async start(): Promise<number> {
    const ports = await Promise.all(this.#places.map((place) => this.#fill(place)));
    for (const place of this.#places) void this.#keep(place);
    return ports[0] ?? 0;
  }

  /** The answers of those that give one in time. */
  async ask<Name extends OrderName>(name: Name, given: Given<Name>): Promise<readonly Answered<Name>[]> {
    const asked = this.#members().map(async (worker) => ({
      worker,
      answer: await worker.ask(name, given, QUESTION_MS, "patient"),
    }));
    const answered = await Promise.allSettled(asked);
    return answered.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  }

  states(): readonly WorkerState[] {
    return this.#places.map((place) => place.state());
  }

  servingCount(): number {
    return this.#places.filter(({ isServing }) => isServing).length;
  }

  isThere(worker: WorkerProcess): boolean {
    return this.#places.some((place) => place.worker === worker);
  }

  /** How many ended without being told to. */
  ended(): ReadonlyMap<HowEnded, number> {
    return this.#ended;
  }

  /** Resolves when all are gone: those that serve once their requests are over, or cut after the grace period. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#places.map((place) => end(place, graceMs + DRAIN_MORE_MS)));
  }

  /** Ends what is still under way. */
  cut(): void {
    for (const worker of this.#members()) worker.ask("cut", undefined, QUESTION_MS).catch(ignored);
  }

  #members(): readonly WorkerProcess[] {
    return this.#places.flatMap(({ member }) => member ?? []);
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Fills the place again each time that its worker ends. */
  async #keep(place: Place): Promise<void> {
    while (place.worker) {
      const { worker } = place;
      const { code, signal, stuck } = await worker.ended;
      if (this.#isStopping) return;
      const delayMs = place.empties(this.#parts.monotonicNow());
      this.#note(howEnded(code, stuck), { worker: place.number, pid: worker.pid, code, signal, delayMs });
      await this.#refill(place, delayMs);
    }
  }

  async #refill(place: Place, firstDelayMs: number): Promise<void> {
    for (let delayMs = firstDelayMs; ;) {
      await after(delayMs, undefined, this.#stopping).catch(ignored);
      if (this.#isStopping) return;
      try {
        await this.#fill(place);
        return;
      } catch (error) {
        if (this.#isStopping) return;
        delayMs = place.empties(this.#parts.monotonicNow());
        this.#note("failed", { worker: place.number, cause: String(error), delayMs });
      }
    }
  }

  /** Resolves with the port once the place's new worker listens. Rejects when it does not come to that; then it is gone. */
  async #fill(place: Place): Promise<number> {
    const worker = this.#parts.startProcess();
    place.starts(worker);
    try {
      await worker.present(START_MS);
      await this.agreement.join(place, worker);
      const port = await worker.ask("listen", undefined, START_MS);
      place.serves(this.#parts.monotonicNow());
      return port;
    } catch (error) {
      worker.kill();
      await worker.ended;
      throw error;
    }
  }

  #note(how: HowEnded, fields: object): void {
    this.#ended.set(how, (this.#ended.get(how) ?? 0) + 1);
    if (how === "stopped") this.#parts.log.info({ ...fields }, "a worker was stopped; another takes its place");
    else this.#parts.log.error({ ...fields, how }, "a worker ended; another takes its place");
  }
}

/** Those that are not built yet have nothing under way. */
async function end(place: Place, withinMs: number): Promise<void> {
  const { worker, member } = place;
  place.stops();
  if (!worker) return;
  if (member) await member.ask("drain", undefined, withinMs).catch(ignored);
  else worker.kill();
  worker.release();
  await worker.ended;
}

function ignored(): void {}
