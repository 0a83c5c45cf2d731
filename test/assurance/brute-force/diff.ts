/** The difference of two generated policies against the decisions under both: for every kind of request, and every caller. */
import type { AccessChange } from "../../../src/assurance/diff/access.ts";
import { differenceOf, type RouteDifference } from "../../../src/assurance/diff/diff.ts";
import { OTHER_ROLE } from "../../../src/assurance/classes/caller.ts";
import type { Route } from "../../../src/contract/policy.ts";
import { match } from "../../../src/decision/match.ts";
import { NOW, requestOf } from "../../decision/policy.ts";
import { everyCaller, type Naming, type SmallCaller } from "../fixtures/small-callers.ts";
import { compiled } from "../generated/files.ts";
import type { GeneratedPolicy, GeneratedService } from "../generated/policies.ts";
import { ANCHOR, ROUTES } from "../generated/policies.ts";
import type { Edited } from "./edits.ts";
import { isAllowed, NAMINGS, requestsTo, type Side } from "./lines.ts";

export interface Compared {
  readonly changes: number;
  readonly gains: number;
  readonly losses: number;
}

/** The routes that one kind of request meets before and after. */
interface Pair {
  readonly before: Route | undefined;
  readonly after: Route | undefined;
}

/** Throws where a change is told that is none, or is none and not told. */
export function compareDiff(generated: Edited): Compared {
  const versions = generated.map((policy) => ({ generated: policy, policy: compiled(policy) })) as unknown as Versions;
  const { routes } = differenceOf(versions[0].policy, versions[1].policy, NOW);
  const pairs = pairsMet(versions);
  for (const { before, after } of routes) {
    if (!pairs.some((pair) => pair.before === before && pair.after === after))
      throw new Error(`no request meets ${before?.name} and then ${after?.name}`);
  }
  const counts = { changes: 0, gains: 0, losses: 0 };
  for (const pair of pairs) {
    const difference = routes.find(({ before, after }) => before === pair.before && after === pair.after);
    for (const { asked, told, expected } of changesOf(versions, pair, difference)) {
      counts.changes++;
      if (expected === "gained") counts.gains++;
      if (expected === "lost") counts.losses++;
      if (told !== expected) throw new Error(`${words(pair)}, ${asked}: ${expected}, and ${told} is told`);
    }
  }
  return counts;
}

type Versions = readonly [Version, Version];

interface Version {
  readonly generated: GeneratedPolicy;
  readonly policy: Side["policy"];
}

function words({ before, after }: Pair): string {
  const name = (route: Route | undefined) => (route ? `${route.name} of ${route.service.name}` : "nothing");
  return `${name(before)} → ${name(after)}`;
}

/* ── what requests meet ───────────────────────────────────────────────── */

function pairsMet(versions: Versions): readonly Pair[] {
  const met: Pair[] = [];
  for (const host of placesOf(versions, ({ hosts }) => hosts ?? [], "host.of.nobody")) {
    for (const prefix of placesOf(versions, ({ prefixes }) => prefixes, "")) {
      for (const [method, path] of PATHS) {
        const request = requestOf({ method, target: prefix + path || "/", host: host.replace("{org}", "some") });
        const [before, after] = versions.map(({ policy }) => {
          const found = match(policy, request);
          return found.kind === "route" ? found.route : undefined;
        });
        if ((before || after) && !met.some((pair) => pair.before === before && pair.after === after)) met.push({ before, after });
      }
    }
  }
  return met;
}

function placesOf(versions: Versions, of: (service: GeneratedService) => readonly string[], more: string): ReadonlySet<string> {
  return new Set([more, ...versions.flatMap(({ generated }) => generated.services.flatMap(of))]);
}

const FIRST_VALUES = ["word", "some", "of", "one", "two", "files"];
const SECOND_VALUES = ["word", "anchor", "three", "deep/word"];
const METHODS = [...new Set(ROUTES.map((line) => line.split(" ")[0]!))];

/** Each line with values that are no literals and with those that are literals elsewhere; and the prefix alone. */
const PATHS: readonly (readonly [method: string, path: string])[] = METHODS.flatMap((method) =>
  ["", ...new Set([...ROUTES, ANCHOR].flatMap((line) => filledIn(line.split(" ")[1]!)))].map((path) => [method, path] as const),
);

function filledIn(pattern: string): readonly string[] {
  const placeholder = /\{[a-z]+(?:\.\.\.)?\}/;
  return FIRST_VALUES.flatMap((first) => {
    const once = pattern.replace(placeholder, first);
    return SECOND_VALUES.map((second) => once.replace(placeholder, second));
  });
}

/* ── what changes ─────────────────────────────────────────────────────── */

interface Change {
  readonly asked: string;
  readonly told: string;
  readonly expected: string;
}

/** Callers of one service are strangers to another. */
function* changesOf(versions: Versions, pair: Pair, difference: RouteDifference | undefined): Generator<Change> {
  const owners = new Set([pair.before, pair.after].flatMap((route) => (route ? [route.service.name] : [])));
  for (const owner of owners) {
    const services = versions.map(({ generated }) => generated.services.find(({ name }) => name === owner));
    for (const caller of everyCaller(services.filter((service) => service !== undefined))) {
      for (const naming of NAMINGS) {
        const expected = changeByDecisions(versions, pair, owner, caller, naming);
        if (expected === undefined) continue;
        yield {
          asked: `${owner}, ${naming}, ${JSON.stringify(caller)}`,
          told: changeTold(difference, owner, caller, naming, expected),
          expected,
        };
      }
    }
  }
}

function changeByDecisions(versions: Versions, pair: Pair, owner: string, caller: SmallCaller, naming: Naming): string | undefined {
  const sides = [sideOf(versions[0], pair.before), sideOf(versions[1], pair.after)] as const;
  if (isSenseless(sides, pair, owner, naming)) return undefined;
  const [was, is] = [allowed(sides[0], pair.before, owner, caller, naming), allowed(sides[1], pair.after, owner, caller, naming)];
  if (was === undefined || is === undefined) return undefined;
  return was === is ? "nothing" : is ? "gained" : "lost";
}

function sideOf({ generated, policy }: Version, route: Route | undefined): Side | undefined {
  const service = route && generated.services.find(({ name }) => name === route.service.name);
  return service && { policy, service };
}

/** Where none of the owner's routes can name a tenant, or one must, there is no such request. */
function isSenseless(sides: readonly (Side | undefined)[], pair: Pair, owner: string, naming: Naming): boolean {
  const there = [pair.before, pair.after].flatMap((route, index) =>
    route?.service.name === owner ? [{ route, side: sides[index]! }] : [],
  );
  const isPlain = (route: Route) => route.access.kind === "public" || route.access.kind === "denied";
  if (naming === "own" || naming === "other")
    return there.every(({ route, side }) => isPlain(route) || requestsTo(side, route.name, "word").length === 0);
  return there.some(({ route, side }) => !isPlain(route) && requestsTo(side, route.name, undefined).length === 0);
}

function allowed(
  side: Side | undefined,
  route: Route | undefined,
  owner: string,
  caller: SmallCaller,
  naming: Naming,
): boolean | undefined {
  if (!side || !route) return false;
  if (route.access.kind === "public") return true;
  if (side.service.name !== owner || !side.service.authenticators[caller.by]) return false;
  const canName = requestsTo(side, route.name, "word").length > 0;
  return isAllowed(side, route.name, caller, canName || naming === "noneOfSeveral" ? naming : "none");
}

/** What is told of nobody is told of everybody who was, or is, not let in otherwise. */
function changeTold(difference: RouteDifference | undefined, owner: string, caller: SmallCaller, naming: Naming, expected: string): string {
  if (!difference) return "nothing";
  const isOfNobody = (changes: readonly AccessChange[]) => changes.some(({ stance }) => stance.kind === "nobody");
  const { before, after, gained, lost } = difference;
  if (isOfNobody(gained) !== (after?.access.kind === "public" && before?.access.kind !== "public")) return "nobody gains";
  if (isOfNobody(gained)) return expected === "lost" ? "gained" : expected;
  if (after?.service.name === owner && gained.some((change) => concerns(change, caller, naming))) return "gained";
  if (before?.service.name === owner && lost.some((change) => concerns(change, caller, naming))) return "lost";
  return isOfNobody(lost) && lost.length === 1 && expected === "lost" ? "lost" : "nothing";
}

function concerns({ stance, roles, relations, opening, otherwise }: AccessChange, caller: SmallCaller, naming: Naming): boolean {
  const role = caller.role === "stranger" ? OTHER_ROLE : caller.role;
  const isKind = stance.kind === caller.kind || (!stance.tellsKind && (caller.kind === "machine" || caller.kind === "person"));
  if (stance.authenticator !== caller.by || !isKind || stance.secret !== caller.secret || (roles && !roles.includes(role!))) return false;
  const isHeld = (one: AccessChange["opening"]) => one.every((alternatives) => alternatives.some(({ name }) => caller.held.includes(name)));
  return relations.includes(naming) && isHeld(opening) && !otherwise.some(isHeld);
}
