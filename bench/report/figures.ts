/** What many rounds say together. */

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Throws when there is nothing to sum up. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right);
  if (sorted.length === 0) throw new RangeError("no figures");
  return { median: quantile(sorted, 0.5), least: sorted[0]!, most: sorted.at(-1)! };
}

export function medianOf(values: readonly number[]): number {
  return spreadOf(values).median;
}

/** Of a sorted list: the mean of the two beside it where it falls between. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
  return low + (high - low) * (at - Math.floor(at));
}

/** `left` divided by `right` round by round, and then summed up: what disturbed a round disturbed both. */
export function ratioOf(left: readonly number[], right: readonly number[]): Spread {
  return spreadOf(byRound(left, right, (over, under) => over / under));
}

/** `right` is taken from `left` round by round. */
export function differenceOf(left: readonly number[], right: readonly number[]): Spread {
  return spreadOf(byRound(left, right, (more, less) => more - less));
}

/** Throws where one has a round that the other has not. */
export function byRound(left: readonly number[], right: readonly number[], combine: (left: number, right: number) => number): number[] {
  if (left.length !== right.length) throw new RangeError(`${left.length} rounds beside ${right.length}`);
  return left.map((value, round) => combine(value, right[round] ?? Number.NaN));
}
