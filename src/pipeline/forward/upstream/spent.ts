/** Memory of request bodies, which Node makes anew for each piece: given back once it is written. */
import type { Done } from "./read-buffers.ts";

/** Smaller pieces may share their memory with others, and are no burden. */
const WORTHWHILE = 16 * 1024;

/**
 * For a write of bytes that nobody else has: what is to be called when it is through. V8 itself would give the memory back
 * with one of its next collections, when some 70 MB of it have come together.
 */
export function whenWritten(bytes: Buffer): Done | undefined {
  const { buffer } = bytes;
  if (bytes.length < WORTHWHILE || !(buffer instanceof ArrayBuffer) || buffer.byteLength !== bytes.length) return undefined;
  return (error) => {
    // Where writing failed, the system may still be reading them.
    if (!error) buffer.transfer(0);
  };
}
