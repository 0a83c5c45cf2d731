/** Instants as the log writes them. */

let known = Number.NaN;
let text = "";

/** ISO 8601 in UTC, of epoch milliseconds. Many are asked for in the same millisecond. */
export function instantText(epochMs: number): string {
  if (epochMs !== known) {
    text = new Date(epochMs).toISOString();
    known = epochMs;
  }
  return text;
}
