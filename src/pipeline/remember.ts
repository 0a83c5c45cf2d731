/** What is asked for each name of each request, and has the same answer each time. */

const LONGEST_NAME = 1_024;

/**
 * Remembers an answer for each spelling of a name that has been seen, so that known spellings cost one look-up.
 * Bounded, since strangers choose the spellings: when it is full it starts afresh, and longer ones are not kept.
 */
export function rememberByName<T>(decide: (name: string) => T, capacity = 1000): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const decided = decide(name);
    if (name.length > LONGEST_NAME) return decided;
    if (known.size >= capacity) known.clear();
    known.set(name, decided);
    return decided;
  };
}

/** Of a list, that many places. */
const PLACES = 32;

/**
 * The same for names in a list: whoever sends one sends the next in much the same order, and to compare a name with the one
 * that stood there last is cheaper than to look it up.
 */
export function rememberInOrder<T>(decide: (name: string) => T): (name: string, place: number) => T {
  const known = rememberByName(decide);
  const names: string[] = [];
  const answers: T[] = [];
  return (name, place) => {
    if (names[place] === name) return answers[place]!;
    const answer = known(name);
    if (place < PLACES && name.length <= LONGEST_NAME) {
      names[place] = name;
      answers[place] = answer;
    }
    return answer;
  };
}
