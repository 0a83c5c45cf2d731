/** The smallest sets of grants that open a route to callers of a stance: exact, from the rules. */
import type { Authenticator, Grants } from "../../contract/authenticators.ts";
import type { Route, Service } from "../../contract/policy.ts";
import { grants as grantsPermission, grantsOf } from "../../decision/permission.ts";
import { standing, type Standing } from "../../decision/standing.ts";
import { type Grant, grantKey, type Opening, type Relation, type Stance } from "./caller.ts";
import { type Cover, smallestCovers } from "./covers.ts";
import { canLackTenant, shownInGroup } from "./proof.ts";
import type { Naming } from "./reach.ts";
import { grantsKnown } from "./stances.ts";
import { groupHeld, ANY_TENANCY, isTenantGroup, OTHER_TENANT, ownTenancy } from "./tenancy.ts";

/** One policy's view of a service. */
export interface Side {
  readonly service: Service;
  /** The policy's own version of an authenticator, whatever it calls it. */
  readonly authenticator: (name: string) => Authenticator | undefined;
  /** Epoch milliseconds: secrets that have ended open nothing. */
  readonly now: number;
}

/** A route with how requests can name tenants on it. */
export interface Target {
  readonly side: Side;
  readonly route: Route;
  readonly naming: Naming;
}

/** What a route asks of a caller: `asks` holds things that single grants meet, each of which must be met. */
export type Demand =
  { readonly kind: "open" } | { readonly kind: "closed" } | { readonly kind: "asks"; readonly needs: bigint; readonly metBy: Meets };
export type Meets = (held: Grant | undefined) => bigint;

const OPEN: Demand = { kind: "open" };
const CLOSED: Demand = { kind: "closed" };

/** What the route asks of callers of the stance whose requests name tenants so. */
function demandOf(target: Target, stance: Stance, relation: Relation): Demand {
  const { side, route } = target;
  if (route.access.kind === "public") return OPEN;
  const authenticator = side.authenticator(stance.authenticator);
  if (route.access.kind === "denied" || !authenticator || !route.authenticators.includes(authenticator)) return CLOSED;
  if (!accepts(authenticator, stance, side.now)) return CLOSED;
  const needs = needsOf(target, authenticator, stance, relation);
  if (!needs) return CLOSED;
  const metBy: Meets = (held) => {
    const what = shownBy(side, route, authenticator, stance, held);
    return needs.reduce((bits, need, index) => (need(what) ? bits | (1n << BigInt(index)) : bits), 0n);
  };
  return { kind: "asks", needs: (1n << BigInt(needs.length)) - 1n, metBy };
}

/** Smallest openings; undefined: nothing opens the route. */
export type Openings = readonly Opening[] | undefined;

/** All smallest openings. Grants that do the same stand side by side. */
export function openingsOf(target: Target, stance: Stance, relation: Relation): Openings {
  return openingsOfAll([{ target, relation }], stance)[0];
}

/** A route and a way to name tenants on it; no target: no route. */
export interface Question {
  readonly target: Target | undefined;
  readonly relation: Relation;
}

/** Openings of several routes whose alternatives are the same objects where they are the same grants, so that they can be compared. */
export function openingsOfAll(questions: readonly Question[], stance: Stance): readonly Openings[] {
  const demands = questions.map(({ target, relation }) => (target ? demandOf(target, stance, relation) : CLOSED));
  const versions = questions.flatMap(({ target }) => target?.side.authenticator(stance.authenticator) ?? []);
  const groups = new Map<string, { readonly grants: Grant[]; readonly meets: readonly bigint[] }>();
  for (const grant of grantsKnown(stance, versions)) {
    const meets = demands.map((demand) => (demand.kind === "asks" ? demand.metBy(grant) : 0n));
    const group = groups.get(meets.join()) ?? { grants: [], meets };
    group.grants.push(grant);
    groups.set(meets.join(), group);
  }
  return demands.map((demand, index) => {
    if (demand.kind !== "asks") return demand.kind === "open" ? [[]] : undefined;
    const covers = [...groups.values()].map(({ grants, meets }): Cover<readonly Grant[]> => ({ thing: grants, meets: meets[index]! }));
    const found = smallestCovers(demand.needs & ~demand.metBy(undefined), covers).map((chosen) => chosen.map(({ thing }) => thing));
    return found.length === 0 ? undefined : found;
  });
}

/* ── what a credential shows ──────────────────────────────────────────── */

/** Whether a credential of this stance can be proved at all. */
function accepts(authenticator: Authenticator, stance: Stance, now: number): boolean {
  switch (authenticator.kind) {
    case "jwt":
      return authenticator.maxLifetimeMs >= 1000 && (authenticator.caller === undefined || authenticator.caller === stance.kind);
    case "bearer":
      return authenticator.secrets.some(({ id, until }) => id === stance.secret && (until === undefined || until > now));
    case "apiKey":
    case "sigv4":
    case "mtls":
      return stance.kind === "key";
  }
}

interface Shown {
  readonly standing: Standing;
  readonly hasTenant: boolean;
  /** The tenant that is the caller's, where it has one, and whose groups it holds. */
  readonly tenant: string;
}

/** By side and stance, then by what is held: no route of the service makes a difference. */
const shownBefore = new WeakMap<Side, WeakMap<Stance, Map<string, Shown>>>();

function shownBy(side: Side, route: Route, authenticator: Authenticator, stance: Stance, held: Grant | undefined): Shown {
  const ofSide = shownBefore.get(side) ?? new WeakMap<Stance, Map<string, Shown>>();
  shownBefore.set(side, ofSide);
  const ofStance = ofSide.get(stance) ?? new Map<string, Shown>();
  ofSide.set(stance, ofStance);
  const key = held ? grantKey(held) : "";
  const shown = ofStance.get(key) ?? shownAnew(route, authenticator, stance, held ? [held] : []);
  ofStance.set(key, shown);
  return shown;
}

function shownAnew(route: Route, authenticator: Authenticator, stance: Stance, held: readonly Grant[]): Shown {
  const tenancy = ownTenancy(authenticator, stance);
  const inGroup = shownInGroup(authenticator, tenancy ?? ANY_TENANCY);
  const scopes = held.filter(({ kind }) => kind === "scope").map(({ name }) => name);
  const groups = held.filter(({ kind }) => kind !== "scope").map((grant) => groupHeld(grant, inGroup));
  const secret = authenticator.kind === "bearer" ? authenticator.secrets.find(({ id }) => id === stance.secret) : undefined;
  const role = authenticator.role?.kind === "fixed" ? authenticator.role.role : stance.role;
  const shown = standing(route.service, authenticator, { scopes, groups, role, ...(secret && { granted: secret.grants }) });
  const byGroup = authenticator.tenant?.kind === "group";
  const hasTenant = tenancy !== undefined && (!byGroup || held.some((grant) => isTenantGroup(authenticator, grant)));
  return { standing: shown, hasTenant, tenant: (tenancy ?? ANY_TENANCY).tenant };
}

/* ── what a route asks ────────────────────────────────────────────────── */

type Need = (shown: Shown) => boolean;

/** Undefined: no grant can help. */
function needsOf(target: Target, authenticator: Authenticator, stance: Stance, relation: Relation): readonly Need[] | undefined {
  const tenantNeeds = tenantNeedsOf(target, authenticator, stance, relation);
  return tenantNeeds && [...permissionNeeds(target.route, relation), ...tenantNeeds];
}

function permissionNeeds({ access, tenant }: Route, relation: Relation): readonly Need[] {
  if (access.kind !== "permissions") return [];
  const named = tenant === "unchecked" ? "none" : relation;
  const has = (shown: Shown, name: string) => setsFor(shown, named).some((set) => grantsPermission(set, name));
  if (access.need === "any") return [(shown) => access.names.some((name) => has(shown, name))];
  return access.names.map((name) => (shown) => has(shown, name));
}

function setsFor({ standing: { permissions, tenantPermissions }, tenant }: Shown, relation: Relation): readonly Grants[] {
  const named = relation === "own" ? tenant : relation === "other" ? OTHER_TENANT : undefined;
  return grantsOf({ permissions, tenantPermissions }, named);
}

const crosses: Need = ({ standing: { crossTenant } }) => crossTenant;

function tenantNeedsOf({ route }: Target, authenticator: Authenticator, stance: Stance, relation: Relation): readonly Need[] | undefined {
  if (route.tenant === "unchecked") return [];
  if (route.tenant === "crossTenantOnly") return [crosses];
  const required = route.service.tenant?.required === true;
  const alone: readonly Need[] = required ? [({ hasTenant }) => hasTenant] : [];
  switch (relation) {
    case "own":
      return [({ hasTenant, standing: { crossTenant } }) => hasTenant || crossTenant];
    case "other":
      return [crosses];
    case "none":
      return alone;
    case "noneOfSeveral":
      return required && canLackTenant(authenticator, stance) ? undefined : alone;
  }
}
