/** Differences between two policies' decisions, summed up by route and class of caller; what is wider comes first. */
import type { Effect } from "../../contract/recorded.ts";

/** What requests have in common that are counted together. */
export interface Kind {
  readonly effect: Effect;
  /** `GET /clients/{client_id} (pie)` */
  readonly route: string;
  /** Class of caller. */
  readonly caller: string;
  readonly before: string;
  readonly after: string;
}

export interface Counted extends Kind {
  readonly count: number;
  /** Id of one such decision. */
  readonly example: string;
}

const ORDER: Readonly<Record<Effect, number>> = { wider: 0, narrower: 1, other: 2 };

export class Tally {
  readonly #counted = new Map<string, Counted>();

  add({ effect, route, caller, before, after }: Kind, decision: string): void {
    const key = JSON.stringify([effect, route, caller, before, after]);
    const known = this.#counted.get(key);
    this.#counted.set(
      key,
      known ? { ...known, count: known.count + 1 } : { effect, route, caller, before, after, count: 1, example: decision },
    );
  }

  /** Wider first, then by route, the most frequent first. */
  all(): readonly Counted[] {
    return [...this.#counted.values()].toSorted(
      (left, right) => ORDER[left.effect] - ORDER[right.effect] || compare(left.route, right.route) || right.count - left.count,
    );
  }

  count(effect: Effect): number {
    return [...this.#counted.values()].reduce((sum, counted) => (counted.effect === effect ? sum + counted.count : sum), 0);
  }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** How often each reason came up; the most frequent first. */
export class Reasons {
  readonly #counts = new Map<string, number>();

  add(reason: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  all(): readonly { readonly reason: string; readonly count: number }[] {
    return [...this.#counts].map(([reason, count]) => ({ reason, count })).toSorted((left, right) => right.count - left.count);
  }

  total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }
}
