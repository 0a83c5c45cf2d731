/** Single edits of a request. */
import type { Caller } from "../../contract/caller.ts";
import type { Match } from "../../contract/decision.ts";
import type { Route, Service, TenantPlaces } from "../../contract/policy.ts";
import { looseFieldName, queryFields } from "../../decision/query.ts";
import { allowedMethods } from "../../decision/match.ts";
import { encodeSegment } from "../../decision/upstream-path.ts";
import { serviceOf } from "../inquiry.ts";
import { type Edit, headerEdit, requestEdit, type Situation } from "./edit.ts";

type Seen = NonNullable<Situation["verdict"]["seen"]>;

/** Edits that leave the request what it is: tenant, origin, address, query, kind of connection, body. */
export function smallRequestEdits(situation: Situation, caller: Caller | undefined): readonly Edit[] {
  const { seen } = situation.verdict;
  if (!seen) return [];
  const service = serviceOf(seen.match);
  return [
    ...(service ? tenantEdits(situation, seen, service, caller) : []),
    ...(service ? originEdits(situation, service) : []),
    ...(seen.match.kind === "route" ? [...lineEdits(situation, seen.match.route), ...bodyEdits(situation, seen.match.route)] : []),
  ];
}

/** Edits that make another request of it: method, path, host. */
export function otherRequestEdits(situation: Situation): readonly Edit[] {
  const { seen } = situation.verdict;
  return seen ? [...methodEdits(situation, seen.match), ...hostEdits(situation), ...pathEdits(situation, seen)] : repairedPaths(situation);
}

/* ── tenant ───────────────────────────────────────────────────────────── */

function tenantEdits(situation: Situation, seen: Seen, { tenant: places }: Service, caller: Caller | undefined): readonly Edit[] {
  if (!places || seen.match.kind !== "route") return [];
  const mine = caller?.tenants ?? [];
  const others = mine.length > 0 ? mine : ["tenant"];
  return [
    ...unnamingEdits(situation, places),
    ...mine.flatMap((tenant) => pathTenant(situation, seen, places.path, tenant)),
    ...others.flatMap((tenant) => namingEdits(situation, places, tenant)),
  ];
}

/** Takes the tenant out of query and header, and out of one of them where both have it. */
function unnamingEdits(situation: Situation, { query, header }: TenantPlaces): readonly Edit[] {
  const { headers, target } = situation.inquiry.request;
  const withoutQuery = query === undefined ? target : withoutField(target, query);
  const rest = new Map(headers);
  const isInHeader = header !== undefined && rest.delete(header);
  const isInQuery = withoutQuery !== target;
  return [
    ...(isInQuery || isInHeader
      ? [requestEdit(situation, "name no tenant in query or header", { headers: rest, target: withoutQuery })]
      : []),
    ...(isInQuery && isInHeader ? [requestEdit(situation, `name no tenant in the header ${header}`, { headers: rest })] : []),
    ...(isInQuery && isInHeader ? [requestEdit(situation, "name no tenant in the query", { target: withoutQuery })] : []),
  ];
}

function namingEdits(situation: Situation, { query, header }: TenantPlaces, tenant: string): readonly Edit[] {
  const { target } = situation.inquiry.request;
  const said = `name the tenant \`${tenant}\` in the`;
  return [
    ...(header === undefined ? [] : [headerEdit(situation, `${said} header ${header}`, header, tenant)]),
    ...(query === undefined
      ? []
      : [requestEdit(situation, `${said} query`, { target: withField(withoutField(target, query), query, tenant) })]),
  ];
}

function pathTenant(situation: Situation, seen: Seen, placeholder: string | undefined, tenant: string): readonly Edit[] {
  if (placeholder === undefined || seen.match.kind !== "route") return [];
  const at = seen.match.route.pattern.slice(1).split("/").indexOf(`{${placeholder}}`);
  if (at === -1) return [];
  const segments = [...seen.request.path.segments];
  segments[seen.match.mount.prefixLength + at] = tenant;
  return [
    requestEdit(situation, `name the caller's own tenant \`${tenant}\` in the path`, { target: targetOf(segments, seen.request.query) }),
  ];
}

/* ── origin, address, query ───────────────────────────────────────────── */

function originEdits(situation: Situation, { cors }: Service): readonly Edit[] {
  const { headers, method } = situation.inquiry.request;
  // Only with an origin is an OPTIONS request a preflight.
  if (!headers.has("origin") && method !== "OPTIONS") return [];
  return [
    ...[...(cors?.origins ?? [])].map((origin) => headerEdit(situation, `send the listed origin ${origin}`, "origin", origin)),
    headerEdit(situation, "send no `Origin`", "origin", undefined),
  ];
}

function lineEdits(situation: Situation, route: Route): readonly Edit[] {
  const { target, websocket } = situation.inquiry.request;
  const query = target.includes("?") ? target.slice(target.indexOf("?") + 1) : "";
  const names = route.query ? new Set(queryFields(query).map((field) => field.name)) : new Set<string>();
  return [
    ...[...names].map((name) => requestEdit(situation, `leave \`${name}\` out of the query`, { target: withoutField(target, name) })),
    ...(names.size > 1 ? [requestEdit(situation, "send no query", { target: target.slice(0, target.indexOf("?")) })] : []),
    ...(route.from?.cidrs ?? []).map((cidr) =>
      requestEdit(situation, `come from an address in ${cidr}`, { address: cidr.replace(/\/\d+$/, "") }),
    ),
    ...(websocket ? [requestEdit(situation, "ask for no WebSocket", { websocket: false })] : []),
  ];
}

/* ── body ─────────────────────────────────────────────────────────────── */

const BODY_HEADERS = ["content-length", "transfer-encoding", "content-type"];

function bodyEdits(situation: Situation, { body: { types = [], maxBytes } }: Route): readonly Edit[] {
  const { headers } = situation.inquiry.request;
  if (!BODY_HEADERS.some((name) => headers.has(name))) return [];
  const rest = new Map([...headers].filter(([name]) => !BODY_HEADERS.includes(name)));
  return [
    ...types.map((type) => headerEdit(situation, `send a body of the type \`${type}\``, "content-type", type)),
    ...(maxBytes === undefined ? [] : [headerEdit(situation, `send at most ${maxBytes} bytes`, "content-length", String(maxBytes))]),
    requestEdit(situation, "send no body", { headers: rest }),
  ];
}

/* ── method, host, path ───────────────────────────────────────────────── */

function methodEdits(situation: Situation, found: Match): readonly Edit[] {
  const { request } = situation.verdict.seen!;
  const mount = found.mount;
  if (!mount) return [];
  return allowedMethods(mount, request.path).map((method) =>
    found.kind === "route" && found.preflight
      ? headerEdit(situation, `ask for the method ${method}`, "access-control-request-method", method)
      : requestEdit(situation, `use the method ${method}, which the table has for this path`, { method }),
  );
}

function hostEdits(situation: Situation): readonly Edit[] {
  const { exact, suffix } = situation.policy.hosts;
  const hosts = [...exact.keys(), ...[...suffix.keys()].map((rest) => `tenant.${rest}`)];
  return hosts.slice(0, 20).map((host) => headerEdit(situation, `use the host ${host}`, "host", host));
}

/** Paths of lines that differ in one segment, or in their prefix or last slash. */
function pathEdits(situation: Situation, { request, match: found }: Seen): readonly Edit[] {
  const { segments } = request.path;
  const services = found.mount ? [found.mount.service] : situation.policy.services;
  const paths = new Set<string>();
  for (const service of services)
    for (const prefix of service.prefixes) for (const route of service.routes) addNear(paths, segments, prefix, route);
  for (const service of situation.policy.services)
    for (const prefix of service.prefixes) if (prefix !== "") paths.add(prefix + targetOf(segments, ""));
  const other = segments.at(-1) === "" ? segments.slice(0, -1) : [...segments, ""];
  return [targetOf(other, ""), ...paths].map((path) =>
    requestEdit(situation, `use the path ${path}`, { target: request.query === "" ? path : `${path}?${request.query}` }),
  );
}

const MOST_PATHS = 200;

function addNear(paths: Set<string>, segments: readonly string[], prefix: string, { pattern, access }: Route): void {
  if (paths.size >= MOST_PATHS || access.kind === "denied") return;
  const wanted = (prefix + pattern).slice(1).split("/");
  if (wanted.length !== segments.length) return;
  const off = wanted.flatMap((want, index) => (want.startsWith("{") || want === segments[index] ? [] : [index]));
  if (off.length !== 1) return;
  paths.add(
    targetOf(
      segments.map((segment, index) => (index === off[0] ? wanted[index]! : segment)),
      "",
    ),
  );
}

/** For a target that the edge refuses: as a browser would have sent it, and without empty segments. */
function repairedPaths(situation: Situation): readonly Edit[] {
  const { target } = situation.inquiry.request;
  const mark = target.indexOf("?");
  const path = mark === -1 ? target : target.slice(0, mark);
  const rest = mark === -1 ? "" : target.slice(mark);
  const url = URL.parse(path, "http://gateway.example")?.pathname;
  const candidates = [path.replaceAll(/\/{2,}/g, "/"), url, url?.replaceAll(/\/{2,}/g, "/")].filter(
    (one) => one !== undefined && one !== path,
  );
  const hosts =
    (situation.inquiry.request.headers.get("host") ?? []).length === 1
      ? []
      : [headerEdit(situation, "send one `Host`", "host", "gateway.example")];
  return [...new Set(candidates)]
    .map((one) => requestEdit(situation, `write the path as ${one}`, { target: `${one}${rest}` }))
    .concat(hosts);
}

function targetOf(segments: readonly string[], query: string): string {
  const path = `/${segments.map(encodeSegment).join("/")}`;
  return query === "" ? path : `${path}?${query}`;
}

function withoutField(target: string, name: string): string {
  const mark = target.indexOf("?");
  if (mark === -1) return target;
  const loose = looseFieldName(name);
  const rest = target
    .slice(mark + 1)
    .split("&")
    .filter((text) => !queryFields(text).some((field) => field.name === name || looseFieldName(field.name) === loose))
    .join("&");
  return rest === "" ? target.slice(0, mark) : `${target.slice(0, mark)}?${rest}`;
}

function withField(target: string, name: string, value: string): string {
  return `${target}${target.includes("?") ? "&" : "?"}${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
}
