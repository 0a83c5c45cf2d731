/** Who can call what: every route of a service against every class of caller. */
import type { Decision } from "../../contract/decision.ts";
import type { ErrorCode } from "../../contract/errors.ts";
import type { Policy, Route, Service } from "../../contract/policy.ts";
import { type Grant, grantKey, RELATIONS, type Stance } from "../classes/caller.ts";
import { openingsOf, type Side } from "../classes/openings.ts";
import { placesOf, type Place, type Reach, reachOf } from "../classes/reach.ts";
import { grantsKnown, stancesOf } from "../classes/stances.ts";
import { type CallerClass, verdictOf } from "../classes/verdicts.ts";

/**
 * `allow`: whatever tenant the request names. `own`: the caller's own tenant only. `unnamed`: only requests that name no tenant.
 * `unreached`: no request reaches the route, since others stand before it.
 */
export type Cell = { readonly kind: "allow" | "own" | "unnamed" | "unreached" } | { readonly kind: "refused"; readonly code: ErrorCode };

export interface MatrixRow {
  readonly route: Route;
  /** Host (where the service names hosts) and path of every place where the route stands. */
  readonly paths: readonly string[];
  /** One for each of the service's classes. */
  readonly cells: readonly Cell[];
}

export interface ServiceMatrix {
  readonly service: Service;
  readonly classes: readonly CallerClass[];
  readonly rows: readonly MatrixRow[];
}

/** `now` in epoch milliseconds: secrets that have ended are refused. */
export function matrixOf(policy: Policy, now: number): readonly ServiceMatrix[] {
  const places = placesOf(policy);
  return policy.services.map((service) => serviceMatrix(policy, service, places.get(service) ?? [], now));
}

function serviceMatrix(policy: Policy, service: Service, places: readonly Place[], now: number): ServiceMatrix {
  const reaches = service.routes.map((route) => reachOf(policy, route, places));
  const classes = classesOf(
    sideOf(service, now),
    reaches.filter((reach) => reach !== undefined),
  );
  const known = new Map<string, readonly Cell[]>();
  const cellsOf = (reach: Reach): readonly Cell[] => {
    const key = accessKey(reach);
    const cells = known.get(key) ?? classes.map((one) => cellOf(policy, reach, one, now));
    known.set(key, cells);
    return cells;
  };
  const rows = service.routes.map((route, index) => ({
    route,
    paths: pathsOf(route, places),
    cells: reaches[index] ? cellsOf(reaches[index]) : classes.map((): Cell => ({ kind: "unreached" })),
  }));
  return { service, classes, rows };
}

/** A service as its own policy sees it. */
export function sideOf(service: Service, now: number): Side {
  const byName = new Map(service.authenticators.map((authenticator) => [authenticator.name, authenticator]));
  return { service, authenticator: (name) => byName.get(name), now };
}

/** Routes with the same key treat every caller of the service alike. */
export function accessKey({ route, naming }: Pick<Reach, "route" | "naming">): string {
  const { access, authenticators, tenant } = route;
  const permissions = access.kind === "permissions" ? [access.need, [...new Set(access.names)].toSorted()] : [];
  return JSON.stringify([access.kind, permissions, authenticators.map(({ name }) => name), tenant, naming.canName, naming.canOmit]);
}

export function pathsOf({ pattern }: Route, places: readonly Place[]): readonly string[] {
  return places.map(({ hostWords, mount }) => `${hostWords}${mount.prefix}${pattern}`);
}

/* ── classes ──────────────────────────────────────────────────────────── */

/** Every stance alone, with each single grant, and with each smallest combination that some route asks for. */
function classesOf(side: Side, reaches: readonly Reach[]): readonly CallerClass[] {
  const { authenticators } = side.service;
  const versions = authenticators.map((one) => ({ name: one.name, authenticators: [one], services: [side.service] }));
  const targets = [...new Map(reaches.map((reach) => [accessKey(reach), reach])).values()];
  return stancesOf(versions).flatMap((stance) => {
    const own = side.authenticator(stance.authenticator);
    const singles = own ? grantsKnown(stance, [own]).map((grant) => [grant]) : [];
    const sets = [[], ...singles, ...targets.flatMap(({ route, naming }) => combinations({ side, route, naming }, stance))];
    return [...new Map(sets.map((set) => [setKey(set), set])).values()].map((grants) => ({ stance, grants }));
  });
}

function combinations(target: Parameters<typeof openingsOf>[0], stance: Stance): readonly (readonly Grant[])[] {
  const openings = RELATIONS.flatMap((relation) => openingsOf(target, stance, relation) ?? []);
  return openings.filter((opening) => opening.length > 1).flatMap(oneOfEach);
}

function oneOfEach(opening: readonly (readonly Grant[])[]): readonly (readonly Grant[])[] {
  return opening.reduce<readonly (readonly Grant[])[]>(
    (sets, alternatives) => sets.flatMap((set) => alternatives.map((one) => [...set, one])),
    [[]],
  );
}

function setKey(grants: readonly Grant[]): string {
  return JSON.stringify(grants.map(grantKey).toSorted());
}

/* ── cells ────────────────────────────────────────────────────────────── */

function cellOf(policy: Policy, reach: Reach, caller: CallerClass, now: number): Cell {
  const [own, other, none] = (["own", "other", "none"] as const).map((relation) => verdictOf(policy, reach, caller, relation, now));
  if (isAllowed(other) || (other === undefined && isAllowed(none))) return { kind: "allow" };
  if (isAllowed(own)) return { kind: "own" };
  if (isAllowed(none)) return { kind: "unnamed" };
  const refusal = own ?? none ?? other;
  return refusal?.outcome === "deny" ? { kind: "refused", code: refusal.code } : { kind: "unreached" };
}

function isAllowed(decision: Decision | undefined): boolean {
  return decision?.outcome === "allow";
}
