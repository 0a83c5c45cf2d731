/** Numbers that look random and come again with the same seed (mulberry32): from 0 to below 1. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A new list of the same elements in another order. */
export function shuffled<Element>(elements: readonly Element[], random: () => number): readonly Element[] {
  const keyed = elements.map((element) => ({ element, key: random() }));
  return keyed.toSorted((left, right) => left.key - right.key).map(({ element }) => element);
}
