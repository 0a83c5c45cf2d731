/** The scopes by which callers of an authenticator get through a route. */
import type { Authenticator } from "../../../contract/authenticators.ts";
import type { Policy } from "../../../contract/policy.ts";
import type { Grant, Opening, Relation, Stance } from "../../classes/caller.ts";
import { openingsOf } from "../../classes/openings.ts";
import type { Reach } from "../../classes/reach.ts";
import { stancesOf } from "../../classes/stances.ts";
import { verdictOf } from "../../classes/verdicts.ts";
import { sideOf } from "../../matrix/matrix.ts";

/** A route, and how requests reach it. */
export interface Gate {
  readonly policy: Policy;
  readonly reach: Reach;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Scopes that are enough together, or a shared secret. */
export interface Way {
  readonly scopes: readonly string[];
  readonly secret?: string;
}

/** Requests that have the best prospects: those that name the caller's tenant, or none. */
const BEST: readonly Relation[] = ["own", "none"];
/** More needs could be met in more ways than can be counted. */
const MOST_NEEDS = 6;
const MOST_WAYS = 50;

function stances({ reach: { route } }: Gate, authenticator: Authenticator): readonly Stance[] {
  const { service } = route;
  return stancesOf([{ name: authenticator.name, authenticators: [authenticator], services: [service] }]).filter(
    ({ kind }) => kind !== "nobody",
  );
}

function grantsOf(scopes: readonly string[]): readonly Grant[] {
  return scopes.map((name) => ({ kind: "scope", name }));
}

/** Whether callers with exactly these scopes get in, by the gateway's own decision; `unknown` where their groups and roles would tell. */
export function opens(gate: Gate, authenticator: Authenticator, scopes: readonly string[]): "yes" | "no" | "unknown" {
  const all = stances(gate, authenticator);
  if (all.some((stance) => allows(gate, stance, scopes))) return "yes";
  return all.every(({ kind }) => kind === "person") ? "unknown" : "no";
}

function allows({ policy, reach, now }: Gate, stance: Stance, scopes: readonly string[]): boolean {
  return BEST.some((relation) => verdictOf(policy, reach, { stance, grants: grantsOf(scopes) }, relation, now)?.outcome === "allow");
}

/** The smallest sets of scopes that open the route, and hold none of the `allowed` sets. Scopes that grant `*` are left aside. */
export function openedWithout(gate: Gate, authenticator: Authenticator, allowed: readonly (readonly string[])[]): readonly Way[] {
  const isAllowed = (scopes: readonly string[]): boolean => allowed.some((set) => set.every((scope) => scopes.includes(scope)));
  const found = new Map<string, Way>();
  for (const stance of stances(gate, authenticator)) {
    for (const opening of openings(gate, stance, allowed)) {
      if (opening.length === 0 && isByRole(gate, stance)) continue;
      for (const scopes of setsOf(scopesIn(opening, authenticator), isAllowed).take(MOST_WAYS)) {
        const way = { scopes, ...(stance.secret !== undefined && { secret: stance.secret }) };
        found.set(JSON.stringify(way), way);
      }
    }
  }
  return [...found.values()];
}

/** What a person's role gives, or a role of the caller's own, no document tells. */
function isByRole({ reach }: Gate, { kind, role }: Stance): boolean {
  return reach.route.access.kind === "permissions" && (kind === "person" || role !== undefined);
}

function openings(gate: Gate, stance: Stance, allowed: readonly (readonly string[])[]): readonly Opening[] {
  const { route, naming } = gate.reach;
  const { access, service } = route;
  if (access.kind === "permissions" && access.need === "all" && access.names.length > MOST_NEEDS) return tried(gate, stance, allowed);
  const side = sideOf(service, gate.now);
  return BEST.filter((relation) => (relation === "own" ? naming.canName : naming.canOmit)).flatMap(
    (relation) => openingsOf({ side, route, naming }, stance, relation) ?? [],
  );
}

/** Only what the document itself names: no scope, and each by itself. */
function tried(gate: Gate, stance: Stance, allowed: readonly (readonly string[])[]): readonly Opening[] {
  const sets = [[], ...new Set(allowed.flat())].map((scope) => [scope].flat());
  return sets.filter((scopes) => allows(gate, stance, scopes)).map((scopes) => grantsOf(scopes).map((grant) => [grant]));
}

/** For each thing that is needed the scopes that give it. */
function scopesIn(opening: Opening, { scopes }: Authenticator): readonly (readonly string[])[] {
  return opening.map((alternatives) =>
    alternatives.filter(({ kind, name }) => kind === "scope" && scopes.get(name)?.has("*") !== true).map(({ name }) => name),
  );
}

/** One of each, as long as the whole is not allowed. */
function* setsOf(
  needs: readonly (readonly string[])[],
  isAllowed: (scopes: readonly string[]) => boolean,
  chosen: readonly string[] = [],
): Generator<readonly string[], void, undefined> {
  if (isAllowed(chosen)) return;
  const [need, ...others] = needs;
  if (!need) yield chosen;
  else for (const scope of need) yield* setsOf(others, isAllowed, [...chosen, scope]);
}
