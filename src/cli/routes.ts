/** `sallyport routes`: the route table, and with `--expanded` where each part of a rule comes from. */
import type { Limit, Route, Service } from "../contract/policy.ts";
import { durationWords, rateWords, sizeWords } from "../contract/quantity-words.ts";
import { loadExpanded, type Expanded } from "../policy/load.ts";
import type { RouteOrigins } from "../policy/origins.ts";
import { type Command, configPath, flag } from "./command.ts";
import { refuseInvalid } from "./mistakes.ts";
import { paragraph } from "./paragraph.ts";
import { table } from "./table.ts";

type Valid = Extract<Expanded, { kind: "policy" }>;

export const routesCommand: Command = {
  name: "routes",
  summary: "shows the route table",
  usage: "[--expanded] [--config FILE] [--json]",
  help: `Shows the routes of each service: method (and whether it opens WebSockets),
path, access and, where a line has any, the tenant's place. Authenticators and
limits that hold for every line stand above the table; columns name those of
single lines. Needs no secret and no network.

  --expanded     each route in full, with where every part of its rule comes
                 from: route, service, gateway, built-in
  --config FILE  the gateway file (default config/sallyport.yaml)
  --json         for machines: { "revision", "routes" } or { "diagnostics" }

Exit code 0: done. 1: the policy is not valid.

  sallyport routes
  sallyport routes --expanded --json`,
  options: { expanded: { type: "boolean" }, json: { type: "boolean" } },
  positionals: [0, 0],
  run: (call) => {
    const { terminal } = call;
    const loaded = loadExpanded({ configPath: configPath(call), environment: terminal.environment, offline: true });
    if (loaded.kind === "invalid") return refuseInvalid(call, loaded.diagnostics);
    if (flag(call, "json")) terminal.out(`${JSON.stringify(asJson(loaded, flag(call, "expanded")), undefined, 2)}\n`);
    else terminal.out(flag(call, "expanded") ? expandedText(loaded, terminal.columns) : tableText(loaded, terminal.columns));
    return 0;
  },
};

/* ── the table ────────────────────────────────────────────────────────── */

function tableText({ policy }: Valid, columns: number): string {
  return policy.services.map((service) => `${heading(service)}\n${serviceTable(service, columns)}`).join("\n");
}

/** What holds for every line of the service that does not say otherwise. */
function heading(service: Service): string {
  const { name, prefixes, authenticators } = service;
  const prefix = prefixes.join("") === "" ? "" : `, under ${prefixes.join(" and ")}`;
  const lines = [`${name}${prefix}\n`];
  if (authenticators.length > 0) lines.push(`  authenticators  ${authenticatorWords(authenticators)}\n`);
  for (const limit of commonLimits(service))
    lines.push(`  limit           ${limit.name}: ${limitWords(limit, service.routes.find(readsCredentials))}\n`);
  return lines.join("");
}

const COLUMNS = ["METHOD", "PATH", "ACCESS", "AUTHENTICATORS", "TENANT", "OWN LIMITS"] as const;

/** Columns in which no line has anything to say are left out. */
function serviceTable(service: Service, columns: number): string {
  const common = new Set(commonLimits(service));
  const rows = service.routes.map((route) => rowWords(route, common));
  const shown = COLUMNS.map((_, column) => column < 3 || rows.some((row) => row[column] !== "" && row[column] !== "-"));
  const visible = (row: readonly string[]) => row.filter((_, column) => shown[column]);
  return table(visible(COLUMNS), rows.map(visible), columns);
}

function rowWords(route: Route, common: ReadonlySet<Limit>): readonly string[] {
  const proving = readsCredentials(route);
  const all = route.authenticators.length === route.service.authenticators.length;
  const limits = limitsOf(route).filter((limit) => !common.has(limit));
  return [
    route.websocket ? `${route.method} (WebSocket)` : route.method,
    route.pattern,
    route.rule,
    proving ? (all ? "" : authenticatorWords(route.authenticators)) : "-",
    tenantWords(route),
    limits.map((limit) => `${limit.name} ${rateWords(limit)}`).join(", "),
  ];
}

function authenticatorWords(authenticators: Route["authenticators"]): string {
  return authenticators.map((one) => one.name).join(", ");
}

/** Limits that every route has on which a credential counts. */
function commonLimits({ routes }: Service): readonly Limit[] {
  const [first, ...others] = routes.filter(readsCredentials).map((route) => limitsOf(route));
  return (first ?? []).filter((limit) => others.every((limits) => limits.includes(limit)));
}

function readsCredentials({ access }: Route): boolean {
  return access.kind !== "public" && access.kind !== "denied";
}

/** Where the tenant stands that must be the caller's. */
function tenantWords(route: Route): string {
  if (!readsCredentials(route)) return "-";
  if (route.tenant !== "match") return route.tenant;
  const places = route.service.tenant;
  if (!places) return "";
  const inPath = places.path !== undefined && route.pattern.split("/").includes(`{${places.path}}`);
  const found = [...(inPath ? ["path"] : []), ...(["query", "header", "host"] as const).filter((place) => places[place] !== undefined)];
  return found.join(", ");
}

function limitsOf(route: Route): readonly Limit[] {
  if (route.access.kind === "denied") return route.addressLimits;
  return [...route.addressLimits, ...(readsCredentials(route) ? route.failureLimits : []), ...route.callerLimits];
}

/* ── in full ──────────────────────────────────────────────────────────── */

function expandedText({ policy, originsOf }: Valid, columns: number): string {
  const blocks = policy.services.flatMap((service) => service.routes.map((route) => routeBlock(route, originsOf(route), columns)));
  return blocks.join("\n");
}

const PART = 16;

function routeBlock(route: Route, origins: RouteOrigins, columns: number): string {
  const { source, service } = route;
  const title = `${route.method} ${service.prefixes.map((prefix) => prefix + route.pattern).join(", ")}`;
  const lines = partsOf(route, origins).map(({ part, value, origin }) => {
    const words = origin === undefined ? value : `${value} (${origin})`;
    return `  ${part.padEnd(PART)}${paragraph(words, columns, PART + 2)}\n`;
  });
  return `${title}\n  ${"line".padEnd(PART)}${source.file}:${source.line}\n${lines.join("")}`;
}

interface Part {
  readonly part: string;
  readonly value: string;
  readonly origin?: string;
}

function partsOf(route: Route, origins: RouteOrigins): readonly Part[] {
  const access = { part: "access", value: route.rule, origin: "route" };
  if (route.access.kind === "denied") return [access];
  const proving = readsCredentials(route)
    ? [
        { part: "authenticators", value: authenticatorWords(route.authenticators), origin: origins.authenticators },
        { part: "tenant", value: tenantWords(route) || "-", origin: origins.tenant },
      ]
    : [];
  return [
    access,
    ...proving,
    ...limitParts(route),
    ...extraParts(route),
    ...bodyParts(route, origins),
    ...timeoutParts(route, origins),
    ...answerParts(route, origins),
  ];
}

function limitParts(route: Route): readonly Part[] {
  return limitsOf(route).map((limit) => ({
    part: `limit ${limit.name}`,
    value: limitWords(limit, route),
    origin: placeOrigin(limit, route),
  }));
}

function placeOrigin(limit: Limit, route: Route): string {
  if (limit.place === "gateway") return "gateway";
  return limit.place === route.service.name ? "service" : "route";
}

function extraParts(route: Route): readonly Part[] {
  const parts: Part[] = [];
  if (route.from) parts.push({ part: "from", value: route.from.cidrs.join(", "), origin: "route" });
  if (route.query) parts.push({ part: "query", value: `${route.query.kind} ${[...route.query.names].join(", ")}`, origin: "route" });
  if (route.encodedSlash) parts.push({ part: "encodedSlash", value: "keep", origin: "route" });
  if (route.websocket) parts.push({ part: "websocket", value: "true", origin: "route" });
  return parts;
}

function bodyParts({ body }: Route, origins: RouteOrigins): readonly Part[] {
  const types = body.types ? [{ part: "body.types", value: body.types.join(", "), origin: origins.body.types }] : [];
  return [{ part: "body.max", value: sizeWords(body.maxBytes), origin: origins.body.max }, ...types];
}

function timeoutParts({ timeouts }: Route, origins: RouteOrigins): readonly Part[] {
  return [
    { part: "connect", value: boundWords(timeouts.connectMs), origin: origins.timeouts.connect },
    { part: "headers", value: boundWords(timeouts.headersMs), origin: origins.timeouts.headers },
    { part: "idle", value: boundWords(timeouts.idleMs), origin: origins.timeouts.idle },
    { part: "total", value: boundWords(timeouts.totalMs), origin: origins.timeouts.total },
  ];
}

function answerParts({ service }: Route, origins: RouteOrigins): readonly Part[] {
  const cors = service.cors ? [{ part: "cors", value: [...service.cors.origins].join(", "), origin: origins.cors }] : [];
  return [...cors, { part: "errors", value: service.errors.format, origin: origins.errors }];
}

/* ── words ────────────────────────────────────────────────────────────── */

function limitWords(limit: Limit, route?: Route): string {
  const only = limit.methods ? `, ${[...limit.methods].join(" ")} only` : "";
  return `${rateWords(limit)} by ${limit.by}${route?.failureLimits.includes(limit) ? ", failures only" : ""}${only}`;
}

function boundWords(durationMs: number | undefined): string {
  return durationMs === undefined ? "none" : durationWords(durationMs);
}

/* ── for machines ─────────────────────────────────────────────────────── */

function asJson({ policy, originsOf }: Valid, expanded: boolean): object {
  const routes = policy.services.flatMap((service) =>
    service.routes.map((route) => ({ ...rowOf(route), ...(expanded && { ...fullRowOf(route), origins: originsOf(route) }) })),
  );
  return { revision: policy.revision, routes };
}

function rowOf(route: Route): object {
  const { service, method, pattern, rule, tenant, source } = route;
  return {
    service: service.name,
    method,
    paths: service.prefixes.map((prefix) => prefix + pattern),
    access: rule,
    authenticators: readsCredentials(route) ? route.authenticators.map((one) => one.name) : [],
    tenant: readsCredentials(route) ? tenant : null,
    limits: limitsOf(route).map((limit) => ({
      name: limit.name,
      place: limit.place,
      by: limit.by,
      rate: rateWords(limit),
      ...(limit.methods && { methods: [...limit.methods] }),
      ...(limit.authenticators && { authenticators: [...limit.authenticators] }),
      ...(route.failureLimits.includes(limit) && { of: "failures" }),
    })),
    source,
  };
}

function fullRowOf({ from, query, body, timeouts, encodedSlash, websocket, service }: Route): object {
  return {
    from: from?.cidrs ?? null,
    query: query ? { [query.kind]: [...query.names] } : null,
    body: { maxBytes: body.maxBytes ?? null, types: body.types ?? null },
    timeouts,
    encodedSlash,
    websocket,
    errors: service.errors.format,
    cors: service.cors ? [...service.cors.origins] : null,
  };
}
