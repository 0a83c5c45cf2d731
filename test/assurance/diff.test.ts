/** The difference of two policies against `decide` under both: everything that changes, and nothing else. */
import fc from "fast-check";
import t from "tap";
import type { AccessChange } from "../../src/assurance/diff/access.ts";
import { differenceOf, type RouteDifference } from "../../src/assurance/diff/diff.ts";
import { OTHER_ROLE } from "../../src/assurance/classes/caller.ts";
import type { Policy, Route } from "../../src/contract/policy.ts";
import { decide } from "../../src/decision/decide.ts";
import { match } from "../../src/decision/match.ts";
import { NOW, requestOf } from "../decision/policy.ts";
import {
  canBeWithout,
  everyCaller,
  type Naming,
  ownTenant,
  proofOfCaller,
  repaired,
  requestFor,
  type SmallCaller,
  type SmallService,
  smallPolicy,
  smallService,
} from "./fixtures/small-policies.ts";

const NAMINGS: readonly Naming[] = ["own", "other", "none", "noneOfSeveral"];
const TARGETS = [
  ...["one", "two", "open", "shut"].map((path) => `GET /${path}`),
  ...["some", "word"].flatMap((first) => ["three", "anchor", "word", "a/b"].map((second) => `GET /of/${first}/${second}`)),
  "PUT /word",
];

/** A service and what became of it: some parts of another one. */
const edited = fc.tuple(smallService, smallService, fc.infiniteStream(fc.integer({ min: 0, max: 3 }))).map(([old, other, dice]) => {
  const roll = (): boolean => dice.next().value === 0;
  const mixed = <T>(left: Readonly<Record<string, T>>, right: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((name): [string, T][] => {
        const value = roll() ? right[name] : left[name];
        return value === undefined ? [] : [[name, value]];
      }),
    );
  const current = repaired({
    roles: mixed(old.roles, other.roles),
    authenticators: { token: old.authenticators["token"]!, ...mixed(old.authenticators, other.authenticators) },
    tenant: roll() ? other.tenant : old.tenant,
    routes: mixed(old.routes, other.routes),
  });
  return [old, current] as const;
});

t.test("for every caller, request and way to name a tenant, it tells who gains and who loses exactly as both decisions do", async (t) => {
  let compared = 0;
  let gains = 0;
  fc.assert(
    fc.property(edited, (services) => {
      const policies = services.map(smallPolicy) as [Policy, Policy];
      const { routes } = differenceOf(...policies, NOW);
      const pairs = pairsMet(policies);
      for (const { before, after } of routes) {
        if (!pairs.some(([was, is]) => was === before && is === after)) throw new Error(`no request meets ${before?.name} and then ${after?.name}`);
      }
      for (const pair of pairs) {
        const found = routes.find(({ before, after }) => before === pair[0] && after === pair[1]);
        for (const caller of everyCaller(services)) {
          for (const naming of NAMINGS) {
            const expected = changeByDecisions(policies, services, pair, caller, naming);
            if (expected === undefined) continue;
            compared++;
            if (expected === "gained") gains++;
            const told = changeTold(found, caller, naming, expected);
            if (told !== expected) throw new Error(`${pair[0]?.name} → ${pair[1]?.name}, ${naming}, ${JSON.stringify(caller)}: ${expected}, and ${told} is told`);
          }
        }
      }
    }),
    { numRuns: 60 },
  );
  t.ok(compared > 10_000, `${compared} compared`);
  t.ok(gains > 500, `${gains} gains among them`);
});

type Pair = readonly [Route | undefined, Route | undefined];

function pairsMet(policies: readonly [Policy, Policy]): readonly Pair[] {
  const met: Pair[] = [];
  for (const target of TARGETS) {
    const [method = "", path = ""] = target.split(" ");
    const [before, after] = policies.map((policy) => {
      const found = match(policy, requestOf({ method, target: path }));
      return found.kind === "route" ? found.route : undefined;
    });
    if ((before || after) && !met.some(([was, is]) => was === before && is === after)) met.push([before, after]);
  }
  return met;
}

function changeByDecisions(
  policies: readonly [Policy, Policy],
  services: readonly [SmallService, SmallService],
  pair: Pair,
  caller: SmallCaller,
  naming: Naming,
): string | undefined {
  if (isSenseless(services, pair, naming)) return undefined;
  const [was, is] = [0, 1].map((side) => allowed(policies[side]!, services[side]!, pair[side], caller, naming));
  if (was === undefined || is === undefined) return undefined;
  return was === is ? "nothing" : is ? "gained" : "lost";
}

/** Where neither route can name a tenant, or one must, there is no such request on both sides. */
function isSenseless(services: readonly SmallService[], pair: Pair, naming: Naming): boolean {
  const there = pair.flatMap((route, side) => (route ? [{ service: services[side]!, name: route.name, isOpen: route.access.kind === "public" || route.access.kind === "denied" }] : []));
  const wantsName = naming === "own" || naming === "other";
  if (wantsName) return there.every(({ service, name, isOpen }) => isOpen || !requestFor(service, name, "word"));
  return there.some(({ service, name, isOpen }) => !isOpen && !requestFor(service, name, undefined));
}

function allowed(policy: Policy, service: SmallService, route: Route | undefined, caller: SmallCaller, naming: Naming): boolean | undefined {
  const authenticator = service.authenticators[caller.by];
  if (!route) return false;
  if (route.access.kind === "public") return true;
  if (!authenticator) return false;
  if (naming === "noneOfSeveral" && !canBeWithout(authenticator, caller)) return undefined;
  const tenant = naming === "own" ? (ownTenant(authenticator, caller)?.tenant ?? "mine") : naming === "other" ? "another" : undefined;
  const request = requestFor(service, route.name, tenant) ?? requestFor(service, route.name, undefined);
  const decision = decide(policy, { request: request!, proof: proofOfCaller(authenticator, caller, naming), now: NOW });
  return decision.outcome === "allow";
}

/** What is told of nobody is told of everybody who was, or is, not let in otherwise. */
function changeTold(difference: RouteDifference | undefined, caller: SmallCaller, naming: Naming, expected: string): string {
  if (!difference) return "nothing";
  const isOfNobody = (changes: readonly AccessChange[]) => changes.some(({ stance }) => stance.kind === "nobody");
  if (isOfNobody(difference.gained) !== (difference.after?.access.kind === "public" && difference.before?.access.kind !== "public")) return "nobody gains";
  if (isOfNobody(difference.gained)) return expected === "lost" ? "gained" : expected;
  if (difference.gained.some((change) => concerns(change, caller, naming))) return "gained";
  if (difference.lost.some((change) => concerns(change, caller, naming))) return "lost";
  return isOfNobody(difference.lost) && difference.lost.length === 1 && expected === "lost" ? "lost" : "nothing";
}

function concerns({ stance, roles, relations, opening, otherwise }: AccessChange, caller: SmallCaller, naming: Naming): boolean {
  const role = caller.role === "stranger" ? OTHER_ROLE : caller.role;
  const isKind = stance.kind === caller.kind || (!stance.tellsKind && (caller.kind === "machine" || caller.kind === "person"));
  if (stance.authenticator !== caller.by || !isKind || stance.secret !== caller.secret || (roles && !roles.includes(role!))) return false;
  const isHeld = (one: AccessChange["opening"]) => one.every((alternatives) => alternatives.some(({ name }) => caller.held.includes(name)));
  return relations.includes(naming) && isHeld(opening) && !otherwise.some(isHeld);
}
