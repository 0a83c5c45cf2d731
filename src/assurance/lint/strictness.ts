/** Which of two lines lets more callers through, by the rules of the decision. */
import type { Access, Route } from "../../contract/policy.ts";
import { satisfies } from "../../decision/permission.ts";

const RANKS: Readonly<Record<Access["kind"], number>> = { public: 0, authenticated: 1, permissions: 2, denied: 3 };

/** Whether some caller passes the one line whom the other refuses. */
export function opensMore(one: Route, other: Route): boolean {
  if (one.access.kind === "denied") return false;
  if (isLaxer(one.access, other.access)) return true;
  if (other.from && one.from?.cidrs.join() !== other.from.cidrs.join()) return true;
  if (other.query && queryWords(one) !== queryWords(other)) return true;
  if (one.access.kind === "public" || other.access.kind === "public") return false;
  if (one.tenant === "unchecked" && other.tenant !== "unchecked") return true;
  if (one.tenant !== "crossTenantOnly" && other.tenant === "crossTenantOnly") return true;
  return one.authenticators.some((authenticator) => !other.authenticators.includes(authenticator));
}

function queryWords({ query }: Route): string {
  return query === undefined ? "" : [query.kind, ...[...query.names].toSorted()].join(" ");
}

/** Whether a rule is of a kind that asks for less: `public`, `authenticated`, permissions, `denied`. */
export function isOfLaxerKind(one: Access, other: Access): boolean {
  return RANKS[one.kind] < RANKS[other.kind];
}

function isLaxer(one: Access, other: Access): boolean {
  if (one.kind !== "permissions" || other.kind !== "permissions") return isOfLaxerKind(one, other);
  const least = one.need === "all" ? [one.names] : one.names.map((name) => [name]);
  return least.some((names) => !satisfies([new Set(names)], other));
}
