/** Counts requests in this process's memory: exact sliding windows, atomic over all buckets of a request. */
import type { Limit } from "../contract/policy.ts";
import type { Bucket, CounterStore, LimitState, LimitVerdict } from "../contract/stores.ts";
import { Ledger } from "./counters/ledger.ts";
import { clearMs, usedAt, waitMs, windowOf, withRequest, type Usage } from "./counters/usage.ts";

export interface MemoryCountersOptions {
  /** How many distinct subjects are kept over all limits; a million single requests take about 130 MB. */
  readonly maxBuckets: number;
}

/** Ended buckets go faster than new ones can come. */
const SWEEP_STEPS_PER_BUCKET = 2;

/** Counters of one process. `now` is any clock in milliseconds; a monotonic one is best. */
export function createMemoryCounters(options: MemoryCountersOptions): MemoryCounters {
  return new MemoryCounters(options.maxBuckets);
}

export class MemoryCounters implements CounterStore {
  readonly #maxBuckets: number;
  /** By the values that make a limit the same limit, so that a reload of the policy keeps the counts. */
  readonly #ledgers = new Map<string, Ledger>();
  /** A short way to the same ledgers. */
  #known = new WeakMap<Limit, Ledger>();
  #size = 0;
  #sweeping: Iterator<[string, Ledger]> = this.#ledgers.entries();
  #swept: [string, Ledger] | undefined;

  constructor(maxBuckets: number) {
    this.#maxBuckets = maxBuckets;
  }

  /** Distinct subjects kept over all limits. */
  get size(): number {
    return this.#size;
  }

  take(buckets: readonly Bucket[], now: number): LimitVerdict {
    this.#sweep(buckets.length * SWEEP_STEPS_PER_BUCKET, now);
    let refusal: LimitState | undefined;
    for (const bucket of buckets) {
      const state = this.#refusal(bucket, now);
      if (state && (refusal === undefined || state.retryAfterMs > refusal.retryAfterMs)) refusal = state;
    }
    return refusal ? { allowed: false, tightest: refusal } : { allowed: true, tightest: this.#spend(buckets, now) };
  }

  close(): void {
    this.#ledgers.clear();
    this.#known = new WeakMap();
    this.#size = 0;
    this.#swept = undefined;
  }

  /** Undefined when one more request fits the bucket. */
  #refusal({ limit, subject }: Bucket, now: number): LimitState | undefined {
    const ledger = this.#ledgerOf(limit);
    const usage = ledger.get(subject);
    if (usage === undefined) return this.#size < this.#maxBuckets ? undefined : this.#makeRoom(limit, now);
    return usedAt(usage, ledger.window, now) < limit.count ? undefined : stateOf(limit, ledger, usage, now);
  }

  #spend(buckets: readonly Bucket[], now: number): LimitState {
    let tightest: LimitState | undefined;
    for (const bucket of buckets) {
      const state = this.#count(bucket, now);
      if (tightest === undefined || remainingShare(state) < remainingShare(tightest)) tightest = state;
    }
    if (tightest === undefined) throw new RangeError("there is no bucket to take from");
    return tightest;
  }

  #count({ limit, subject }: Bucket, now: number): LimitState {
    const ledger = this.#ledgerOf(limit);
    const before = ledger.get(subject);
    const usage = withRequest(before, ledger.window, now);
    if (before === undefined) {
      ledger.add(subject, usage);
      this.#size++;
    } else if (usage !== before) {
      ledger.replace(subject, usage);
    }
    return stateOf(limit, ledger, usage, now);
  }

  #ledgerOf(limit: Limit): Ledger {
    return this.#known.get(limit) ?? this.#adopt(limit);
  }

  #adopt(limit: Limit): Ledger {
    const key = JSON.stringify([limit.place, limit.name, limit.by, limit.count, limit.windowMs]);
    const ledger = this.#ledgers.get(key) ?? new Ledger(windowOf(limit.count, limit.windowMs));
    this.#ledgers.set(key, ledger);
    this.#known.set(limit, ledger);
    return ledger;
  }

  #sweep(steps: number, now: number): void {
    this.#swept ??= this.#nextSwept();
    if (this.#swept === undefined) return;
    const [key, ledger] = this.#swept;
    const before = ledger.size;
    const done = ledger.sweep(steps, now);
    this.#size -= before - ledger.size;
    if (!done) return;
    this.#swept = undefined;
    if (ledger.size === 0 && !ledger.asked) this.#retire(key);
    ledger.asked = false;
  }

  /** Lets go of a limit that nobody uses, or that a new policy no longer has. */
  #retire(key: string): void {
    this.#ledgers.delete(key);
    this.#known = new WeakMap();
  }

  #nextSwept(): [string, Ledger] | undefined {
    const step = this.#sweeping.next();
    if (!step.done) return step.value;
    this.#sweeping = this.#ledgers.entries();
    return undefined;
  }

  /**
   * Makes room for one more subject; where all that were looked at are refusing, the newcomer is refused instead:
   * whoever is blocked stays blocked, and memory stays bounded.
   */
  #makeRoom(limit: Limit, now: number): LimitState | undefined {
    const wait = this.#largest().evict(now);
    if (wait > 0) return { limit, remaining: 0, retryAfterMs: wait, resetMs: wait };
    this.#size--;
    return undefined;
  }

  /** A flood of one limit's subjects costs that limit, and no other. */
  #largest(): Ledger {
    let largest: Ledger | undefined;
    for (const ledger of this.#ledgers.values()) if (largest === undefined || ledger.size > largest.size) largest = ledger;
    return largest!;
  }
}

function stateOf(limit: Limit, { window }: Ledger, usage: Usage, now: number): LimitState {
  const remaining = Math.max(0, limit.count - usedAt(usage, window, now));
  return { limit, remaining, retryAfterMs: remaining > 0 ? 0 : waitMs(usage, window, now), resetMs: clearMs(usage, window, now) };
}

function remainingShare(state: LimitState): number {
  return state.remaining / state.limit.count;
}
