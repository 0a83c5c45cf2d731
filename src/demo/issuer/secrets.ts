/** Comparing what a stranger sends with what is kept. */
import { createHash, timingSafeEqual } from "node:crypto";

/** True for equal strings, in a time that does not depend on where they differ. */
export function sameSecret(sent: string, kept: string): boolean {
  return timingSafeEqual(sha256(sent), sha256(kept));
}

/** SHA-256 of a string, over its UTF-8. */
export function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
