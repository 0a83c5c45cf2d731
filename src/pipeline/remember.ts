/** What is asked for each name of each request, and has the same answer each time. */

/**
 * Remembers an answer for each spelling of a name that has been seen, so that known spellings cost one look-up.
 * Bounded, since strangers choose the spellings: when it is full it starts afresh.
 */
export function rememberByName<T>(decide: (name: string) => T, capacity = 1000): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    if (known.size >= capacity) known.clear();
    const decided = decide(name);
    known.set(name, decided);
    return decided;
  };
}
