/**
 * The stages behind the match, in their one order (DESIGN section 2), compiled for each route:
 *
 *   3 limit by address   counts every request, unmatched ones too
 *   4 route              refuses what matched nothing
 *   5 cors               answers preflights, refuses other origins
 *   6 identify           finds and proves one credential, names the caller
 *   7 limit by caller    counts the proved caller, and what it has open, whatever authorization says next
 *   8 authorize          address list, permission, tenant
 *
 * Stage 1 (edge) and 2 (match) come before there is a route; stage 9 (forward) takes what passed.
 */
import type { Match } from "../contract/decision.ts";
import type { Limit, Policy, Route } from "../contract/policy.ts";
import type { Steps } from "../contract/steps.ts";
import type { CounterStore } from "../contract/stores.ts";
import { routeVerdict } from "../decision/decide.ts";
import { authorizeStage } from "./authorize.ts";
import { corsStage } from "./cors.ts";
import type { Check } from "./exchange.ts";
import { type Clock, identifyStage, type Prove } from "./identify.ts";
import { brake, countIn } from "./limit.ts";
import type { OpenExchanges } from "./open-exchanges.ts";

/** The checks that a request passes, by what it matched. */
export type Plan = (match: Match) => readonly Check[];

export interface PlanParts {
  readonly counters: CounterStore;
  readonly open: OpenExchanges;
  readonly prove: Prove;
  readonly clock: Clock;
}

/** Compiles the checks of every route of the policy, of unmatched requests in each service, and of all others. */
export function* compilePlan(policy: Policy, { counters, open, prove, clock }: PlanParts): Steps<Plan> {
  const ofRoute = new Map<Route, readonly Check[]>();
  // Most routes of a service have the same limits.
  const count = oncePerLimits((limits) => countIn(limits, counters));
  const brakeOf = oncePerLimits((limits) => brake(limits, counters));
  for (const route of policy.services.flatMap((service) => service.routes)) {
    ofRoute.set(
      route,
      compact([
        count(route.addressLimits),
        routeCheck,
        corsStage(route),
        identifyStage(route, prove, brakeOf(route.failureLimits), clock),
        open.check(route),
        count(route.callerLimits),
        authorizeStage(route),
      ]),
    );
    yield;
  }
  const ofService = new Map(policy.services.map((service) => [service, compact([countIn(service.addressLimits, counters), routeCheck])]));
  const elsewhere = compact([countIn(policy.addressLimits, counters), routeCheck]);
  return (match) => {
    if (match.kind === "route") return ofRoute.get(match.route)!;
    return match.mount ? ofService.get(match.mount.service)! : elsewhere;
  };
}

/** For what is refused before it could match anything: it counts with all that matches no service. */
export function compileStrayChecks({ addressLimits }: Policy, counters: CounterStore): readonly Check[] {
  return compact([countIn(addressLimits, counters)]);
}

function oncePerLimits<Made>(make: (limits: readonly Limit[]) => Made): (limits: readonly Limit[]) => Made {
  const known = new Map<readonly Limit[], Made>();
  return (limits) => {
    const made = known.get(limits) ?? make(limits);
    known.set(limits, made);
    return made;
  };
}

const routeCheck: Check = (exchange) => routeVerdict(exchange.match, exchange.facts);

function compact(checks: readonly (Check | undefined)[]): readonly Check[] {
  return checks.filter((check) => check !== undefined);
}
