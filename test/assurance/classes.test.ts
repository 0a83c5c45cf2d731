/** Smallest sets of grants against every set of grants: what `decide` allows is what they say, and nothing else. */
import fc from "fast-check";
import t from "tap";
import type { Policy } from "../../src/contract/policy.ts";
import { decide } from "../../src/decision/decide.ts";
import { type Opening, OTHER_ROLE, type Stance } from "../../src/assurance/classes/caller.ts";
import { smallestCovers } from "../../src/assurance/classes/covers.ts";
import { openingsOf } from "../../src/assurance/classes/openings.ts";
import { placesOf, reachOf } from "../../src/assurance/classes/reach.ts";
import { stancesOf } from "../../src/assurance/classes/stances.ts";
import { sideOf } from "../../src/assurance/matrix/matrix.ts";
import { NOW } from "../decision/policy.ts";
import {
  canBeWithout,
  everyCaller,
  type Naming,
  ownTenant,
  proofOfCaller,
  requestFor,
  type SmallCaller,
} from "./fixtures/small-callers.ts";
import { type SmallService, smallPolicy, smallService } from "./fixtures/small-policies.ts";

const NAMINGS: readonly Naming[] = ["own", "other", "none", "noneOfSeveral"];

t.test(
  "for every caller, route and way to name a tenant, a smallest set of grants is held exactly where the decision allows",
  async (t) => {
    let compared = 0;
    let allowed = 0;
    fc.assert(
      fc.property(smallService, (service) => {
        const policy = smallPolicy(service);
        for (const route of Object.keys(service.routes)) {
          for (const caller of everyCaller([service])) {
            for (const naming of NAMINGS) {
              const word = verdict(policy, service, route, caller, naming);
              if (word === undefined) continue;
              compared++;
              if (word) allowed++;
              if (word !== isOpen(policy, route, caller, naming))
                throw new Error(`${route}, ${naming}, ${JSON.stringify(caller)}: decide says ${word}`);
            }
          }
        }
      }),
      { numRuns: 50 },
    );
    t.ok(compared > 10_000, `${compared} compared`);
    t.ok(allowed > compared / 20 && allowed < compared, `${allowed} of them allowed`);
  },
);

function verdict(policy: Policy, service: SmallService, route: string, caller: SmallCaller, naming: Naming): boolean | undefined {
  const authenticator = service.authenticators[caller.by]!;
  if (naming === "noneOfSeveral" && !canBeWithout(authenticator, caller)) return undefined;
  const tenant = naming === "own" ? (ownTenant(authenticator, caller)?.tenant ?? "mine") : naming === "other" ? "another" : undefined;
  const request = requestFor(service, route, tenant);
  if (!request) return undefined;
  const decision = decide(policy, { request, proof: proofOfCaller(authenticator, caller, naming), now: NOW });
  if (decision.outcome === "deny" || decision.route?.name === route) return decision.outcome === "allow";
  return undefined;
}

function isOpen(policy: Policy, name: string, caller: SmallCaller, naming: Naming): boolean {
  const service = policy.services[0]!;
  const route = service.routes.find((one) => one.name === name)!;
  const reach = reachOf(policy, route, placesOf(policy).get(service)!);
  if (!reach) return false;
  const openings = openingsOf({ side: sideOf(service, NOW), route, naming: reach.naming }, stanceOf(policy, caller), naming) ?? [];
  return openings.some((opening) => isHeld(opening, caller.held));
}

function stanceOf(policy: Policy, caller: SmallCaller): Stance {
  const service = policy.services[0]!;
  const versions = service.authenticators.map((one) => ({ name: one.name, authenticators: [one], services: [service] }));
  const role = caller.role === "stranger" ? OTHER_ROLE : caller.role;
  const own = stancesOf(versions).filter((one) => one.authenticator === caller.by && one.secret === caller.secret && one.role === role);
  return own.find((one) => one.kind === caller.kind) ?? own[0]!;
}

function isHeld(opening: Opening, held: readonly string[]): boolean {
  return opening.every((alternatives) => alternatives.some(({ name }) => held.includes(name)));
}

t.test("smallest covers are all there, each without anything to spare", async (t) => {
  const cover = (meets: number) => ({ thing: meets, meets: BigInt(meets) });
  const words = (needs: number, ...meets: number[]) =>
    smallestCovers(BigInt(needs), meets.map(cover))
      .map((set) => set.map(({ thing }) => thing).join("+"))
      .toSorted();
  t.same(words(0, 1), [""], "nothing is needed");
  t.same(words(0b11, 0b01), [], "something is lacking");
  t.same(words(0b11, 0b01, 0b10, 0b11), ["1+2", "3"]);
  t.same(words(0b111, 0b011, 0b110, 0b101), ["3+5", "3+6", "6+5"]);
});
