/** Who gains or loses, in words. */
import { type Opening, openingWords, type Relation } from "../classes/caller.ts";
import { wayWords } from "../matrix/who-text.ts";
import type { AccessChange } from "./access.ts";

/** `machines, scope a; for their own tenant (before: scope a, and scope b)`. */
export function gainWords(change: AccessChange): string {
  return callerWords(change, "before");
}

/** `machines, any credential (now: scope a)`. */
export function lossWords(change: AccessChange): string {
  return callerWords(change, "now");
}

function callerWords(change: AccessChange, otherTime: string): string {
  if (change.stance.kind === "nobody") return "everybody, without a credential";
  const tenants = tenantWords(change.relations);
  const otherwise = change.otherwise.length === 0 ? "" : ` (${otherTime}: ${change.otherwise.map(takes).join("; or ")})`;
  return `${wayWords(change)}${tenants === "" ? "" : `; ${tenants}`}${otherwise}`;
}

function takes(opening: Opening): string {
  return openingWords(opening) ?? "any credential";
}

/** Nothing where the request's tenant makes no difference. */
function tenantWords(relations: readonly Relation[]): string {
  const [own, other, none] = (["own", "other", "none"] as const).map((one) => relations.includes(one));
  if (own && other) return "for every tenant";
  if (other) return "for tenants that are not theirs";
  if (own) return "for their own tenant";
  return none || !relations.includes("noneOfSeveral") ? "" : "without naming a tenant, where they have no single one";
}
