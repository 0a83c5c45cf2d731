/** Ids of decisions: unique over processes and restarts, cheap, and no secret. */

/** `random` gives that many random bytes, once; each id after it costs one addition. */
export function createDecisionIds(random: (bytes: number) => Uint8Array): () => string {
  const start = Buffer.from(random(6)).toString("hex");
  let count = 0;
  return () => `${start}-${(++count).toString(36)}`;
}
