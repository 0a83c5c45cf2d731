/** What a person probably meant. */

/** The candidate that is nearest to a misspelt word; undefined where none is near enough to be meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined;
  const bound = Math.max(1, Math.floor(word.length / 3));
  let best: string | undefined;
  let least = bound + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance >= least) continue;
    best = candidate;
    least = distance;
  }
  return best;
}

/** More than that nobody reads through. */
const MOST_LISTED = 20;

/** "did you mean `x`?", or what there is where nothing is near; undefined where there is nothing. */
export function didYouMean(word: string, candidates: readonly string[]): string | undefined {
  const meant = nearest(word, candidates);
  if (meant !== undefined) return `did you mean \`${meant}\`?`;
  if (candidates.length === 0) return undefined;
  const left = candidates.length - MOST_LISTED;
  return `known here: ${candidates.slice(0, MOST_LISTED).join(", ")}${left > 0 ? `, and ${left} more` : ""}`;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(left: string, right: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let least = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + (same ? 0 : 1));
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (row > 1 && column > 1 && swapped) least = Math.min(least, before[column - 2]! + 1);
      current.push(least);
    }
    before = previous;
    previous = current;
  }
  return previous[right.length]!;
}
