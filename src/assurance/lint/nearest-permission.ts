/** What a misspelt permission was probably meant to be. */
import type { Subject } from "./observation.ts";

/** `orders.raed` is `orders.read`, and `orders.audit` is not `orders.write`: each of the parts must be near. */
export function nearestPermission(word: string, candidates: Iterable<string>, nearest: Subject["nearest"]): string | undefined {
  const meant = nearest(word, candidates);
  const [parts, others] = [word.split("."), meant?.split(".") ?? []];
  if (parts.length !== others.length) return meant;
  return parts.every((part, index) => part === others[index] || nearest(part, [others[index]!]) !== undefined) ? meant : undefined;
}
