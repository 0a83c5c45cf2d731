/** What a line of the table sets beside who may call it. */
import type { Limit, Policy, Route } from "../../contract/policy.ts";
import type { Naming } from "../classes/reach.ts";
import type { Setting } from "./setting.ts";
import { durationWords, listWords, rateWords, sizeWords } from "../../contract/quantity-words.ts";

/** `nameOf` gives an authenticator the name under which both policies know it. */
export interface Context {
  readonly policy: Policy;
  readonly nameOf: (authenticator: string) => string;
}

export function routeSettings(route: Route, naming: Naming, context: Context): readonly Setting[] {
  if (route.access.kind === "denied") return [];
  return [
    ...tenantSettings(route, naming),
    ...limitSettings(route, context),
    ...requestSettings(route),
    ...timeoutSettings(route),
    ...webSocketSettings(route),
  ];
}

/* ── tenants ──────────────────────────────────────────────────────────── */

/** Who gains or loses by it stands with the classes of caller. */
function tenantSettings(route: Route, naming: Naming): readonly Setting[] {
  if (route.access.kind === "public") return [];
  const places = naming.canName ? tenantPlaces(route) : [];
  const looked = route.tenant === "unchecked" ? [] : places;
  const words =
    route.tenant === "match" && places.length > 0
      ? `must be the caller's${route.service.tenant?.required === true ? ", required" : ""}`
      : route.tenant;
  return [
    {
      ofCallers: true,
      aspect: "tenant",
      words: words === "match" || (words === "unchecked" && places.length === 0) ? "not looked at" : words,
      measure: { kind: "word", change: "neutral" },
    },
    {
      ofCallers: true,
      aspect: "tenant named in",
      words: listWords(looked) || "nothing",
      // What is no place any more may hold anybody's tenant.
      measure: { kind: "set", values: looked, more: "narrower" },
    },
  ];
}

function tenantPlaces({ pattern, service: { tenant } }: Route): readonly string[] {
  const segment = pattern.split("/").indexOf(`{${tenant?.path}}`);
  return [
    ...(segment === -1 ? [] : [`segment ${segment} of the path`]),
    ...(tenant?.query === undefined ? [] : [`query ${tenant.query}`]),
    ...(tenant?.header === undefined ? [] : [`header ${tenant.header}`]),
    ...(tenant?.host === undefined ? [] : ["the host"]),
  ];
}

/* ── limits ───────────────────────────────────────────────────────────── */

function limitSettings(route: Route, context: Context): readonly Setting[] {
  const setting = (limit: Limit, what: string) => limitSetting(limit, what, context, route);
  const failures = new Set(route.failureLimits);
  const address = route.addressLimits.filter((limit) => !failures.has(limit)).map((limit) => setting(limit, "limit"));
  // Nobody is proved here: what counts callers counts addresses, and what counts those of one authenticator counts nobody.
  if (route.access.kind === "public") {
    const counting = route.callerLimits.filter(({ authenticators }) => authenticators === undefined);
    return [...address, ...counting.map((limit) => setting({ ...limit, by: "address" }, "limit"))];
  }
  const ofCallers = [
    ...route.failureLimits.map((limit) => setting(limit, "limit of failures")),
    ...route.callerLimits.map((limit) => setting(limit, "limit")),
  ];
  return [...address, ...ofCallers.map((one) => ({ ...one, ofCallers: true as const }))];
}

/** A limit that stands further out counts more requests in one bucket. */
export function limitSetting(limit: Limit, what: string, { policy, nameOf }: Context, route?: Route): Setting {
  const level =
    limit.place === "gateway" ? (policy.services.length === 1 ? "service" : "gateway") : limit.place.includes(" ") ? "route" : "service";
  const counting =
    limit.authenticators && route?.authenticators.filter(({ name }) => limit.authenticators!.has(name)).map(({ name }) => nameOf(name));
  const all = counting?.length === route?.authenticators.length;
  const only = counting && !all ? `, only ${listWords(counting.toSorted())}` : "";
  const where = level === "service" ? "" : `, counted for the ${level}`;
  return {
    aspect: `${what} \`${limit.name}\``,
    words: `${rateWords(limit)} by ${limit.by}${only}${where}`,
    measure: { kind: "rate", count: limit.count, windowMs: limit.windowMs, bucket: `${limit.by}${only}${where}` },
    presence: "narrower",
  };
}

/* ── requests ─────────────────────────────────────────────────────────── */

function requestSettings({ from, query, body, encodedSlash, method }: Route): readonly Setting[] {
  const denied = query?.kind === "deny" ? [...query.names].toSorted() : [];
  const allowed = query?.kind === "allow" ? [...query.names].toSorted() : "all";
  const types = body.types?.toSorted() ?? "all";
  return [
    { aspect: "client addresses", words: from ? listWords(from.cidrs) : "all", measure: { kind: "networks", cidrs: from?.cidrs ?? "all" } },
    { aspect: "query parameters denied", words: listWords(denied) || "none", measure: { kind: "set", values: denied, more: "narrower" } },
    { aspect: "query parameters allowed", words: setWords(allowed), measure: { kind: "set", values: allowed, more: "wider" } },
    { aspect: "body size", words: sizeWords(body.maxBytes), measure: { kind: "amount", amount: body.maxBytes ?? Infinity, more: "wider" } },
    { aspect: "body types", words: setWords(types), measure: { kind: "set", values: types, more: "wider" } },
    ...(method === "GET" ? [flag("GET with a body", body.explicit)] : []),
    flag("encoded slash kept", encodedSlash),
  ];
}

function setWords(values: "all" | readonly string[]): string {
  return values === "all" ? "all" : listWords(values) || "none";
}

/** More is let through where it is on. */
export function flag(aspect: string, on: boolean): Setting {
  return { aspect, words: on ? "yes" : "no", measure: { kind: "amount", amount: on ? 1 : 0, more: "wider" } };
}

function timeoutSettings({ timeouts }: Route): readonly Setting[] {
  const bounds = [
    ["connect", timeouts.connectMs],
    ["headers", timeouts.headersMs],
    ["idle", timeouts.idleMs],
    ["total", timeouts.totalMs],
  ] as const;
  return bounds.map(([name, bound]) => duration(`time-out ${name}`, bound));
}

function duration(aspect: string, bound: number | undefined): Setting {
  const words = bound === undefined ? "none" : durationWords(bound);
  return { aspect, words, measure: { kind: "amount", amount: bound ?? Infinity, more: "neutral" } };
}

function webSocketSettings({ websocket, webSocketBounds: bounds }: Route): readonly Setting[] {
  const own = bounds
    ? [
        {
          aspect: "WebSocket message size",
          words: sizeWords(bounds.maxMessageBytes),
          measure: { kind: "amount", amount: bounds.maxMessageBytes, more: "wider" } as const,
        },
        duration("WebSocket idle", bounds.idleMs),
      ]
    : [];
  return [flag("WebSocket", websocket), ...own];
}
