/** L501 to L504: limits that never bind, count nothing, or are looser than what they stand in for. */
import type { Limit, Route } from "../../../contract/policy.ts";
import { limitSpot, type Observation, type PolicyRule, type ServiceRule, type ServiceSubject, type Subject } from "../observation.ts";

export const limits: ServiceRule = (subject) => {
  const known = new KnownLimits(subject);
  return [...neverBinding(subject, known), ...looser(subject, known), ...idleLimits(subject, known), ...withoutBrake(subject)];
};

/** Limits of one service with the routes where they count. */
class KnownLimits {
  /** Each with one of its routes, where it is of one. */
  readonly routeOf = new Map<Limit, Route | undefined>();
  /** By place and name. */
  readonly byName = new Map<string, Limit>();
  /** Those that count wherever the limit does, and are used up before it. */
  readonly tighter = new Map<Limit, readonly Limit[]>();

  constructor({ service }: ServiceSubject) {
    this.#see(service.addressLimits, undefined);
    for (const route of service.routes) for (const counting of countingOn(route)) this.#see(counting, route);
  }

  #see(counting: readonly Limit[], route: Route | undefined): void {
    for (const limit of counting) {
      if (!this.routeOf.has(limit)) this.routeOf.set(limit, route);
      this.byName.set(`${limit.place}\0${limit.name}`, limit);
      const before = this.tighter.get(limit) ?? counting.filter((other) => isUsedUpBefore(other, limit, counting));
      this.tighter.set(
        limit,
        before.filter((other) => counting.includes(other)),
      );
    }
  }
}

/** Lists of limits that count together, by what they count. */
function countingOn({ access, addressLimits, callerLimits, failureLimits }: Route): readonly (readonly Limit[])[] {
  if (access.kind === "denied") return [addressLimits];
  return access.kind === "public" ? [addressLimits, callerLimits] : [addressLimits, callerLimits, failureLimits];
}

/* ── never binding ────────────────────────────────────────────────────── */

function neverBinding(subject: ServiceSubject, { tighter, routeOf }: KnownLimits): readonly Observation[] {
  return [...tighter].flatMap(([limit, [first]]): readonly Observation[] => {
    // a limit of the gateway's may bind in another service
    if (!first || limit.place === "gateway") return [];
    const where = first.place === "gateway" ? "the gateway's" : first.place === subject.service.name ? "the service's" : "the route's";
    const message = `${rateWords(limit)} is never reached: ${where} \`${first.name}\` lets ${rateWords(first)} through`;
    return [{ code: "L501", ...limitSpot(subject, limit, routeOf.get(limit)), part: "key", message }];
  });
}

/** Whether whoever is counted by the limit is counted by the other too, which lets no more through in any window of the limit's. */
function isUsedUpBefore(other: Limit, limit: Limit, counting: readonly Limit[]): boolean {
  if (other === limit || other.by !== limit.by || !spansAll(other, limit)) return false;
  const most = Math.ceil(limit.windowMs / other.windowMs) * other.count;
  const isSame = other.count === limit.count && other.windowMs === limit.windowMs;
  // of two equal ones the first stays
  return most <= limit.count && (!isSame || counting.indexOf(other) < counting.indexOf(limit));
}

/** A bucket of a nearer place holds fewer requests than one of a farther place. */
function spansAll(other: Limit, limit: Limit): boolean {
  if (depthOf(other) > depthOf(limit)) return false;
  return (
    isSuperset(other.authenticators, limit.authenticators) && (other.place !== limit.place || isSuperset(other.methods, limit.methods))
  );
}

function depthOf({ place }: Limit): number {
  return place === "gateway" ? 0 : place.includes(" ") ? 2 : 1;
}

/** Undefined: all. */
function isSuperset(left: ReadonlySet<string> | undefined, right: ReadonlySet<string> | undefined): boolean {
  return !left || (right !== undefined && right.isSubsetOf(left));
}

/* ── looser than what it stands in for ────────────────────────────────── */

function looser(subject: ServiceSubject, { byName, routeOf }: KnownLimits): readonly Observation[] {
  return [...routeOf].flatMap(([limit, route]): readonly Observation[] => {
    const around = limit.place === "gateway" ? [] : limit.place === subject.service.name ? ["gateway"] : [subject.service.name, "gateway"];
    const replaced = around
      .map((place) => byName.get(`${place}\0${limit.name}`) ?? gatewayLimit(subject, place, limit.name))
      .find((one) => one !== undefined);
    if (!replaced || replaced.by !== limit.by || limit.count / limit.windowMs <= replaced.count / replaced.windowMs) return [];
    const whose = replaced.place === "gateway" ? "the gateway's" : "the service's";
    const message = `${rateWords(limit)} stands in for ${whose} ${rateWords(replaced)}`;
    return [{ code: "L503", ...limitSpot(subject, limit, route), part: "key", message }];
  });
}

function gatewayLimit({ policy }: Subject, place: string, name: string): Limit | undefined {
  return place === "gateway" ? policy.addressLimits.find((limit) => limit.name === name) : undefined;
}

/* ── counting nothing ─────────────────────────────────────────────────── */

function idleLimits({ service, file }: ServiceSubject, { byName }: KnownLimits): readonly Observation[] {
  const idle = (place: string, path: readonly string[]): readonly Observation[] =>
    file
      .keys([...path, "limits"])
      .filter((name) => !byName.has(`${place}\0${name}`))
      .map((name) => ({ code: "L502", file, path: [...path, "limits", name], part: "key", message: `\`${name}\` counts no request` }));
  return [...idle(service.name, []), ...service.routes.flatMap((route) => idle(`${service.name} ${route.name}`, ["routes", route.name]))];
}

/** A limit for every service is no mistake where there happens to be nothing for it to count yet, unless it can never count. */
export const gatewayLimits: PolicyRule = ({ policy, files }) => {
  const lists = policy.services.flatMap(({ routes }) =>
    routes.flatMap(({ addressLimits, callerLimits, failureLimits }) => [addressLimits, callerLimits, failureLimits]),
  );
  const counting = new Set(
    [policy.addressLimits, ...lists].flatMap((list) => list.filter(({ place }) => place === "gateway").map(({ name }) => name)),
  );
  const path = ["defaults", "limits"];
  return files.gateway
    .keys(path)
    .filter((name) => !counting.has(String(name)))
    .map((name) => ({ code: "L502", file: files.gateway, path: [...path, name], part: "key", message: `\`${name}\` counts no request` }));
};

/* ── no brake ─────────────────────────────────────────────────────────── */

function withoutBrake({ service, file }: ServiceSubject): readonly Observation[] {
  const reading = service.routes.filter(({ access }) => access.kind !== "public" && access.kind !== "denied");
  const open = reading.filter(
    ({ failureLimits, authenticators }) => failureLimits.length === 0 && authenticators.some(({ kind }) => kind !== "mtls"),
  );
  if (open.length === 0) return [];
  const message =
    open.length === reading.length
      ? "nothing counts failed credentials"
      : `${open.length} of ${reading.length} routes do not count failed credentials`;
  return [{ code: "L504", file, path: ["authenticators"], part: "key", message }];
}

const WINDOWS = new Map([
  [1000, "second"],
  [60_000, "minute"],
  [3_600_000, "hour"],
  [86_400_000, "day"],
]);

function rateWords({ count, windowMs }: Limit): string {
  return `${count}/${WINDOWS.get(windowMs) ?? `${windowMs} ms`}`;
}
