/** What changes between two policies: who gains and who loses access, and what is let through or trusted beside. */
import type { Authenticator } from "../../contract/authenticators.ts";
import type { Policy, Route, Service } from "../../contract/policy.ts";
import type { Stance } from "../classes/caller.ts";
import type { Side, Target } from "../classes/openings.ts";
import { type Naming, placesOf, type Place, reachOf } from "../classes/reach.ts";
import { stancesOf } from "../classes/stances.ts";
import { accessKey } from "../matrix/matrix.ts";
import { accessChanges, type AccessChanges } from "./access.ts";
import { type AuthenticatorPair, pairAuthenticators } from "./authenticators.ts";
import { pairsOf } from "./regions.ts";
import { type Context, routeSettings } from "./route-settings.ts";
import { gatewaySettings, serviceSettings } from "./service-settings.ts";
import { type Change, changesBetween, isWidening } from "./setting.ts";
import { authenticatorWords, trustSettings } from "./trust-settings.ts";

/** The same requests, and the routes that they meet in each policy. */
export interface RouteDifference extends AccessChanges {
  readonly labels: readonly string[];
  readonly before?: Route;
  readonly after?: Route;
  readonly changes: readonly Change[];
}

/** What changes for everything under a name: `gateway`, `service pie`, `authenticator people of pie`. */
export interface GeneralDifference {
  readonly of: string;
  readonly changes: readonly Change[];
}

export interface Difference {
  readonly routes: readonly RouteDifference[];
  readonly general: readonly GeneralDifference[];
}

/** Compares by the rules of both; `now` in epoch milliseconds. Neither order nor names that mean nothing to a request count. */
export function differenceOf(before: Policy, after: Policy, now: number): Difference {
  return new Comparison(before, after, now).run();
}

export function isWideningRoute({ gained, changes }: RouteDifference): boolean {
  return gained.length > 0 || changes.some(isWidening);
}

export function widens({ routes, general }: Difference): boolean {
  return routes.some(isWideningRoute) || general.some(({ changes }) => changes.some(isWidening));
}

interface View {
  readonly policy: Policy;
  readonly places: ReadonlyMap<Service, readonly Place[]>;
  readonly context: Context;
  readonly sides: ReadonlyMap<Service, Side>;
}

class Comparison {
  readonly #pairs: readonly ServicePair[];
  readonly #before: View;
  readonly #after: View;
  readonly #targets = new Map<Route, Target | undefined>();
  readonly #access = new Map<string, AccessChanges>();

  constructor(before: Policy, after: Policy, now: number) {
    this.#pairs = servicePairs(before, after);
    const names = new Map(
      this.#pairs.flatMap(({ before: service, authenticators }) => (service ? [[service, oldNames(authenticators)] as const] : [])),
    );
    this.#before = viewOf(before, now, (service, name) => names.get(service)?.get(name) ?? name);
    this.#after = viewOf(after, now, (_, name) => name);
  }

  run(): Difference {
    const sides = [this.#before, this.#after].map(({ policy, places }) => ({ policy, places: [...places.values()].flat() }));
    const pairs = pairsOf([sides[0]!, sides[1]!], (before, after) => !this.#compare(before, after));
    const routes = pairs.flatMap(({ before, after, labels }) => {
      const difference = this.#compare(before, after);
      return difference ? [{ ...difference, labels, ...(before && { before }), ...(after && { after }) }] : [];
    });
    return { routes, general: this.#general().filter(({ changes }) => changes.length > 0) };
  }

  /** Undefined: the same to everybody. */
  #compare(before: Route | undefined, after: Route | undefined): (AccessChanges & { readonly changes: readonly Change[] }) | undefined {
    const [was, is] = [this.#targetOf(this.#before, before), this.#targetOf(this.#after, after)];
    const changes = was && is ? this.#changesOf(was, is) : [];
    const access = this.#accessOf(was, is);
    return changes.length + access.gained.length + access.lost.length === 0 ? undefined : { ...access, changes };
  }

  #changesOf(was: Target, is: Target): readonly Change[] {
    if (was.route.access.kind === "denied" || is.route.access.kind === "denied") return [];
    const settings = (view: View, target: Target) => routeSettings(target.route, target.naming, this.#contextOf(view, target));
    const changes = changesBetween(settings(this.#before, was), settings(this.#after, is));
    const isOpened = was.route.access.kind === "public" || is.route.access.kind === "public";
    return isOpened ? changes.filter(({ ofCallers }) => !ofCallers) : changes;
  }

  #contextOf({ context, sides }: View, { route: { service } }: Target): Context {
    const side = sides.get(service) as NamedSide;
    return { ...context, nameOf: side.nameOf };
  }

  #accessOf(was: Target | undefined, is: Target | undefined): AccessChanges {
    const key = JSON.stringify([was, is].map((target) => target && [target.side.service.name, accessKey(target)]));
    const known = this.#access.get(key) ?? this.#accessAnew(was, is);
    this.#access.set(key, known);
    return known;
  }

  /** Callers of one service are strangers to another, but what is open to everybody is open to them. */
  #accessAnew(was: Target | undefined, is: Target | undefined): AccessChanges {
    const stances = (name: string | undefined) => this.#pairs.find((pair) => pair.name === name)?.stances ?? [];
    const [old, current] = [was?.side.service.name, is?.side.service.name];
    if (old === undefined || current === undefined || old === current) return accessChanges(was, is, stances(old ?? current));
    const [left, right] = [accessChanges(was, undefined, stances(old)), accessChanges(undefined, is, stances(current))];
    return { gained: isOpen(was) ? [] : right.gained, lost: isOpen(is) ? [] : left.lost };
  }

  #targetOf(view: View, route: Route | undefined): Target | undefined {
    if (!route) return undefined;
    if (!this.#targets.has(route)) this.#targets.set(route, targetOf(view, route));
    return this.#targets.get(route);
  }

  #general(): readonly GeneralDifference[] {
    const [old, current] = [this.#before, this.#after];
    const gateway = {
      of: "gateway",
      changes: changesBetween(gatewaySettings(old.policy, old.context), gatewaySettings(current.policy, current.context)),
    };
    return [gateway, ...this.#pairs.flatMap((pair) => this.#generalOf(pair))];
  }

  #generalOf({ name, before, after, authenticators }: ServicePair): readonly GeneralDifference[] {
    const of = `service ${name}`;
    if (!before || !after) return [{ of, changes: [{ aspect: "service", [before ? "before" : "after"]: "there", effect: "neutral" }] }];
    const settings = changesBetween(serviceSettings(before, this.#before.context), serviceSettings(after, this.#after.context));
    return [
      { of, changes: settings },
      ...authenticators.map((pair) => ({ of: `authenticator ${pair.name} of ${name}`, changes: trustChanges(pair) })),
    ];
  }
}

function trustChanges({ before, after }: AuthenticatorPair): readonly Change[] {
  if (before && after) return changesBetween(trustSettings(before), trustSettings(after));
  if (after) return [{ aspect: "authenticator", after: authenticatorWords(after), effect: "wider" }];
  return before ? [{ aspect: "authenticator", before: authenticatorWords(before), effect: "narrower" }] : [];
}

/* ── services and their authenticators ────────────────────────────────── */

interface ServicePair {
  readonly name: string;
  readonly before: Service | undefined;
  readonly after: Service | undefined;
  readonly authenticators: readonly AuthenticatorPair[];
  readonly stances: readonly Stance[];
}

function servicePairs(before: Policy, after: Policy): readonly ServicePair[] {
  const [was, is] = [before, after].map((policy) => new Map(policy.services.map((service) => [service.name, service])));
  return [...new Set([...is!.keys(), ...was!.keys()])].map((name) => servicePair(name, was!.get(name), is!.get(name)));
}

function servicePair(name: string, before: Service | undefined, after: Service | undefined): ServicePair {
  const authenticators = pairAuthenticators(before?.authenticators ?? [], after?.authenticators ?? []);
  const services = [before, after].filter((service) => service !== undefined);
  const versions = authenticators.map((pair) => ({
    name: pair.name,
    authenticators: [pair.before, pair.after].filter((one): one is Authenticator => one !== undefined),
    services,
  }));
  return { name, before, after, authenticators, stances: stancesOf(versions) };
}

function oldNames(pairs: readonly AuthenticatorPair[]): ReadonlyMap<string, string> {
  return new Map(pairs.flatMap(({ name, before }) => (before ? [[before.name, name] as const] : [])));
}

interface NamedSide extends Side {
  readonly nameOf: (authenticator: string) => string;
}

/** `commonName` gives an authenticator the name under which both policies know it. */
function viewOf(policy: Policy, now: number, commonName: (service: Service, name: string) => string): View {
  const sides = new Map(policy.services.map((service) => [service, namedSide(service, now, commonName)]));
  return { policy, places: placesOf(policy), sides, context: { policy, nameOf: (name) => name } };
}

function namedSide(service: Service, now: number, commonName: (service: Service, name: string) => string): NamedSide {
  const nameOf = (name: string) => commonName(service, name);
  const known = new Map(service.authenticators.map((one) => [nameOf(one.name), one]));
  return { service, authenticator: (name) => known.get(name), now, nameOf };
}

const UNNAMED: Naming = { canName: false, canOmit: true };

/** Undefined: no request reaches the route. */
function targetOf({ policy, places, sides }: View, route: Route): Target | undefined {
  const side = sides.get(route.service)!;
  if (route.access.kind === "public" || route.access.kind === "denied") return { side, route, naming: UNNAMED };
  const reach = reachOf(policy, route, places.get(route.service) ?? []);
  return reach && { side, route, naming: reach.naming };
}

function isOpen(target: Target | undefined): boolean {
  return target?.route.access.kind === "public";
}
