/**
 * The end of the event loop's turn. What goes out to a socket waits for it: all that became ready together is read and
 * decided together, and then written together. Each write to a peer that sleeps wakes it, and that costs more than the
 * decision; peers that are written to in a row are awake for the second one.
 */

export interface Waiting {
  /** Called once, after everything that the turn had to read has been read. Must not throw. */
  turnEnds(): void;
}

let waiting: Waiting[] = [];
let spare: Waiting[] = [];

export function atTurnsEnd(one: Waiting): void {
  if (waiting.push(one) === 1) setImmediate(end);
}

function end(): void {
  const all = waiting;
  waiting = spare;
  for (const one of all) one.turnEnds();
  all.length = 0;
  spare = all;
}
