/** Who gains and who loses a route: exact, for each class of caller and each way to name a tenant. */
import { type Opening, type Relation, RELATIONS, type Stance } from "../classes/caller.ts";
import { type Openings, openingsOfAll, type Target } from "../classes/openings.ts";

/** Callers of a stance who hold one of each of `opening`, in requests that name tenants in one of these ways. */
export interface AccessChange {
  readonly stance: Stance;
  /** Undefined where the stance has no role of its own; otherwise all those with which it is so. */
  readonly roles?: readonly string[];
  readonly opening: Opening;
  readonly relations: readonly Relation[];
  /** What it takes on the other side: before, for what was gained; now, for what was lost. Empty: nothing suffices there. */
  readonly otherwise: readonly Opening[];
}

export interface AccessChanges {
  readonly gained: readonly AccessChange[];
  readonly lost: readonly AccessChange[];
}

/** What changes for all the stances between two routes; undefined: there is none. */
export function accessChanges(before: Target | undefined, after: Target | undefined, stances: readonly Stance[]): AccessChanges {
  const changes = stances.map((stance) => changesFor(before, after, stance));
  const gained = changes.flatMap((one) => one.gained);
  const lost = changes.flatMap((one) => one.lost);
  const isShut = after === undefined || after.route.access.kind === "denied";
  return { gained: mergedByRole(withoutNeedless(gained)), lost: mergedByRole(isShut ? withoutNeedless(lost) : lost) };
}

/** Where everybody is let in, or was and nobody is, there is no more to say. */
function withoutNeedless(changes: readonly AccessChange[]): readonly AccessChange[] {
  const everybody = changes.filter(({ stance }) => stance.kind === "nobody");
  return everybody.length > 0 && changes.every(({ opening }) => opening.length === 0) ? everybody : changes;
}

function changesFor(before: Target | undefined, after: Target | undefined, stance: Stance): AccessChanges {
  const gained: AccessChange[] = [];
  const lost: AccessChange[] = [];
  for (const relation of relationsOf(before, after)) {
    const [was, is] = openingsOfAll([questionOf(before, relation), questionOf(after, relation)], stance);
    gained.push(...uncovered(is, was).map((opening) => ({ stance, opening, relations: [relation], otherwise: was ?? [] })));
    lost.push(...uncovered(was, is).map((opening) => ({ stance, opening, relations: [relation], otherwise: is ?? [] })));
  }
  return { gained: mergedByRelation(gained), lost: mergedByRelation(lost) };
}

/** Where no place names a tenant, nothing depends on how it is named; where one must name it, it cannot be left out. */
function relationsOf(before: Target | undefined, after: Target | undefined): readonly Relation[] {
  const targets = [before, after].filter((target) => target !== undefined);
  const canName = targets.some(({ naming }) => naming.canName);
  const canOmit = targets.every(({ naming }) => naming.canOmit);
  return RELATIONS.filter((relation) => (relation === "own" || relation === "other" ? canName : canOmit));
}

function questionOf(target: Target | undefined, relation: Relation): { readonly target: Target | undefined; readonly relation: Relation } {
  const named = relation === "own" || relation === "other";
  return { target, relation: target && named && !target.naming.canName ? "none" : relation };
}

/** Those of the openings that open nothing on the other side. */
function uncovered(openings: Openings, others: Openings): readonly Opening[] {
  return (openings ?? []).filter(
    (opening) => !(others ?? []).some((other) => other.every((alternatives) => opening.includes(alternatives))),
  );
}

function mergedByRelation(changes: readonly AccessChange[]): readonly AccessChange[] {
  return merged(
    changes,
    ({ opening, otherwise }) => [opening, otherwise],
    (one, other) => ({ ...one, relations: [...one.relations, ...other.relations] }),
  );
}

function mergedByRole(changes: readonly AccessChange[]): readonly AccessChange[] {
  const withRoles = changes.map((change) => (change.stance.role === undefined ? change : { ...change, roles: [change.stance.role] }));
  return merged(
    withRoles,
    ({ stance, opening, relations, otherwise }) => [{ ...stance, role: undefined }, opening, relations, otherwise],
    (one, other) => ({ ...one, roles: [...(one.roles ?? []), ...(other.roles ?? [])] }),
  );
}

function merged<Item>(items: readonly Item[], keyOf: (item: Item) => unknown, merge: (one: Item, other: Item) => Item): readonly Item[] {
  const found = new Map<string, Item>();
  for (const item of items) {
    const key = JSON.stringify(keyOf(item));
    const known = found.get(key);
    found.set(key, known ? merge(known, item) : item);
  }
  return [...found.values()];
}
