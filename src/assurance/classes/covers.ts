/** Smallest sets of things that together meet every need. */

/** A thing and the needs that it meets, as bits. */
export interface Cover<Thing> {
  readonly thing: Thing;
  readonly meets: bigint;
}

/** All smallest sets that meet `needs`: from none of them can anything be left out, and no other set is without one of them. */
export function smallestCovers<Thing>(needs: bigint, covers: readonly Cover<Thing>[]): readonly (readonly Cover<Thing>[])[] {
  const useful = covers.filter(({ meets }) => (meets & needs) !== 0n);
  const found = new Map<string, readonly Cover<Thing>[]>();
  const choose = (open: bigint, chosen: readonly number[]): void => {
    if (open === 0n) return keepSmallest(needs, useful, chosen, found);
    const lowest = open & -open;
    for (const [index, { meets }] of useful.entries()) if ((meets & lowest) !== 0n) choose(open & ~meets, [...chosen, index]);
  };
  choose(needs, []);
  return [...found.values()];
}

function keepSmallest<Thing>(
  needs: bigint,
  useful: readonly Cover<Thing>[],
  chosen: readonly number[],
  found: Map<string, readonly Cover<Thing>[]>,
): void {
  const without = (left: number) => chosen.reduce((met, index) => (index === left ? met : met | useful[index]!.meets), 0n);
  if (chosen.some((index) => (needs & ~without(index)) === 0n)) return;
  const ordered = chosen.toSorted((left, right) => left - right);
  found.set(
    ordered.join(),
    ordered.map((index) => useful[index]!),
  );
}
