/** Stage 7, beside the rates: how much of a service one caller may keep open at once. */
import type { Route } from "../contract/policy.ts";
import type { Check, Exchange } from "./exchange.ts";
import { callerSubject } from "./subject.ts";

/** Callers with nothing open that are kept: a `Map` that is emptied and filled with every request leaves garbage that only major collections find. */
const MOST_IDLE = 1_000;

/** Counts what is open, by service and caller; the counts outlive a reload. */
export class OpenExchanges {
  readonly #byService = new Map<string, Map<string, number>>();

  /** Makes the check that counts one exchange until `ended` is told of it. */
  check({ service, access }: Route): Check | undefined {
    if (access.kind === "denied") return undefined;
    const open = this.#countsOf(service.name);
    return (exchange) => {
      const subject = callerSubject(exchange);
      const count = open.get(subject) ?? 0;
      if (count >= service.maxOpenPerCaller) return tooMany(exchange, count);
      open.set(subject, count + 1);
      exchange.openAs = subject;
      return undefined;
    };
  }

  ended({ match, openAs }: Exchange): void {
    if (openAs === undefined || match.kind !== "route") return;
    const open = this.#countsOf(match.route.service.name);
    const left = (open.get(openAs) ?? 1) - 1;
    if (left === 0 && open.size > MOST_IDLE) open.delete(openAs);
    else open.set(openAs, left);
  }

  #countsOf(service: string): Map<string, number> {
    const known = this.#byService.get(service);
    if (known !== undefined) return known;
    const counts = new Map<string, number>();
    this.#byService.set(service, counts);
    return counts;
  }
}

function tooMany({ match, caller }: Exchange, count: number): ReturnType<Check> {
  if (match.kind !== "route") return undefined;
  const { route } = match;
  const reason = `the caller has ${count} exchanges open, as many as \`connections.perCaller\` of ${route.service.name} allows`;
  return { outcome: "deny", code: "RATE_LIMITED", reason, service: route.service, route, ...(caller && { caller }) };
}
