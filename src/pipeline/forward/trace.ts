/** Ids that tie one request's records together across systems. */

const REQUEST_ID = /^[\w-]{1,64}$/;
/** W3C Trace Context, section 3.2: version 00, neither id all zero. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

const TRACE_BYTES = 24;
const BATCH = 1024;

export type RandomBytes = (size: number) => Uint8Array;

/** The client's own request id where it sent exactly one plain one; otherwise the decision id. */
export function requestIdOf(sent: readonly string[], decisionId: string): string {
  const [id] = sent;
  return sent.length === 1 && id !== undefined && REQUEST_ID.test(id) ? id : decisionId;
}

/** The client's trace where it sent exactly one valid one. */
export function validTraceparent(sent: readonly string[]): string | undefined {
  const [parent] = sent;
  return sent.length === 1 && parent !== undefined && TRACEPARENT.test(parent) ? parent : undefined;
}

/** Makes `traceparent` values of new, unsampled traces. Random bytes are drawn for many at a time. */
export function traceparentSource(randomBytes: RandomBytes): () => string {
  let digits = "";
  let used = 0;
  return () => {
    if (used >= digits.length) {
      digits = Buffer.from(randomBytes(TRACE_BYTES * BATCH)).toString("hex");
      used = 0;
    }
    const traceId = digits.slice(used, used + 32);
    const parentId = digits.slice(used + 32, used + 48);
    used += TRACE_BYTES * 2;
    return `00-${traceId}-${parentId}-00`;
  };
}
