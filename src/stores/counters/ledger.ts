/** One limit's subjects and what each has used. */
import { clearMs, usedAt, waitMs, type Usage, type Window } from "./usage.ts";

const SHARDS = 64;
const HASHED_CHARACTERS = 64;
const CANDIDATES = 16;

interface Candidate {
  readonly subject: string;
  readonly share: number;
}

/**
 * A map from subject to usage. It is split into shards, because a `Map` of a million entries takes a tenth of
 * a second to grow. Ended usages are dropped a few at a time, by `sweep`.
 */
export class Ledger {
  readonly window: Window;
  /** Whether anybody asked since the last sweep's round. */
  asked = false;
  /** A shard is made with its first subject: most limits of a large policy have few. */
  readonly #shards: (Map<string, Usage> | undefined)[] = Array.from({ length: SHARDS });
  #size = 0;
  #cursor = 0;
  #entries: Iterator<[string, Usage]> | undefined;

  constructor(window: Window) {
    this.window = window;
  }

  get size(): number {
    return this.#size;
  }

  get(subject: string): Usage | undefined {
    this.asked = true;
    return this.#shards[shardOf(subject)]?.get(subject);
  }

  /** Keeps the usage of a subject that is known already. */
  replace(subject: string, usage: Usage): void {
    this.#shards[shardOf(subject)]?.set(subject, usage);
  }

  /** Keeps the usage of a new subject. */
  add(subject: string, usage: Usage): void {
    (this.#shards[shardOf(subject)] ??= new Map()).set(standalone(subject), usage);
    this.#size++;
  }

  /** Looks at so many entries, and drops those that have ended. True when that completed a round. */
  sweep(steps: number, now: number): boolean {
    for (let step = 0; step < steps; step++) {
      const entry = this.#next();
      if (entry === undefined) return true;
      if (clearMs(entry[1], this.window, now) === 0) this.#drop(entry[0]);
    }
    return false;
  }

  /**
   * Drops the entry with most left of a few, never one that is refusing. 0 when it could;
   * otherwise how long until one of those looked at could go.
   */
  evict(now: number): number {
    let best: Candidate | undefined;
    let wait = Infinity;
    for (let looked = 0; looked < CANDIDATES; looked++) {
      const entry = this.#next() ?? this.#next();
      if (entry === undefined) break;
      const [subject, usage] = entry;
      const share = usedAt(usage, this.window, now) / this.window.count;
      if (share >= 1) wait = Math.min(wait, waitMs(usage, this.window, now));
      else if (best === undefined || share < best.share) best = { subject, share };
    }
    if (best === undefined) return wait;
    this.#drop(best.subject);
    return 0;
  }

  /** The next entry of the round; undefined at its end. */
  #next(): [string, Usage] | undefined {
    for (;;) {
      const step = this.#entries?.next();
      if (step !== undefined && !step.done) return step.value;
      this.#entries = this.#nextShard()?.entries();
      if (this.#entries === undefined) return undefined;
    }
  }

  /** Undefined behind the last one: a round is over, and the next begins with the first. */
  #nextShard(): ReadonlyMap<string, Usage> | undefined {
    while (this.#cursor < SHARDS) {
      const shard = this.#shards[this.#cursor++];
      if (shard !== undefined && shard.size > 0) return shard;
    }
    this.#cursor = 0;
    return undefined;
  }

  #drop(subject: string): void {
    if (this.#shards[shardOf(subject)]?.delete(subject)) this.#size--;
  }
}

function shardOf(subject: string): number {
  let hash = 0;
  for (let at = Math.min(subject.length, HASHED_CHARACTERS) - 1; at >= 0; at--) hash = (Math.imul(hash, 31) + subject.charCodeAt(at)) | 0;
  return (hash ^ (hash >>> 16)) & (SHARDS - 1);
}

/** A copy that shares no memory: a string cut out of a header keeps the whole header alive. */
function standalone(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
