/** Rules about where things are: doors of the gateway, hosts and prefixes of services, places of tenants and identities. */
import { headerKey } from "../../contract/header-key.ts";
import { HOSTS } from "../compile/gateway.ts";
import { IDENTITY, prefixesOf } from "../compile/service.ts";
import type { Segment } from "../pattern.ts";
import type { GatewayFile } from "../schema/gateway.ts";
import { positionOf } from "../source.ts";
import { didYouMean } from "../suggest.ts";
import { prefixSegments, SegmentTree } from "../table.ts";
import { type Path, spanAt } from "../tree.ts";
import { type Draft, namesIn } from "../validate.ts";
import { routePatterns } from "./route-keys.ts";
import { authenticatorsOf, isRefused, type Scope } from "./scope.ts";

/* ── doors ────────────────────────────────────────────────────────────── */

const EVERY_ADDRESS = new Set(["0.0.0.0", "::"]);

export function checkDoors({ content, report }: Draft<GatewayFile>): void {
  const doors = (["listen", "health", "admin"] as const).flatMap((name) => {
    const door = content[name];
    return door && door.port !== 0 ? [{ name, port: door.port, host: door.host ?? HOSTS[name] }] : [];
  });
  for (const [index, second] of doors.entries()) {
    const first = doors.slice(0, index).find((one) => one.port === second.port && sameAddress(one.host, second.host));
    if (first) report([second.name, "port"], `\`${first.name}\` listens on this port too`, "give each door a port of its own");
  }
}

function sameAddress(left: string, right: string): boolean {
  return left === right || EVERY_ADDRESS.has(left) || EVERY_ADDRESS.has(right);
}

/* ── services ─────────────────────────────────────────────────────────── */

export function checkServiceNames(scopes: readonly Scope[]): void {
  const first = new Map<string, Scope>();
  for (const scope of scopes) {
    const { service } = scope.service.content;
    if (service === undefined) continue;
    const other = first.get(service);
    if (other)
      scope.report(
        ["service"],
        `\`${service}\` is the name of the service in ${other.service.source.file} too`,
        "give each service a name of its own",
      );
    else first.set(service, scope);
  }
}

interface Mounted {
  readonly scope: Scope;
  /** Key of the host table's entry. */
  readonly host: string;
  readonly prefix: string;
  readonly path: Path;
}

/** One entry for each host and prefix of each service. */
function mountsOf(scope: Scope): readonly Mounted[] {
  const { content, tree } = scope.service;
  if (isRefused(scope, "hosts") || isRefused(scope, "prefix") || tree.kind !== "mapping") return [];
  const prefixes = prefixesOf(content);
  const hosts = content.hosts?.map((host) => `${host.placeholder === undefined ? "=" : "*"}${host.name}`) ?? [""];
  return hosts.flatMap((host, hostIndex) =>
    prefixes.map((prefix, index) => {
      const path: Path =
        content.prefix === undefined
          ? content.hosts
            ? ["hosts", hostIndex]
            : ["service"]
          : Array.isArray(content.prefix)
            ? ["prefix", index]
            : ["prefix"];
      return { scope, host, prefix, path };
    }),
  );
}

/** Two services under one host and prefix, prefixes that differ only in form, and routes that another prefix hides. */
export function checkMounts(scopes: readonly Scope[]): void {
  const mounts = scopes.flatMap(mountsOf);
  const trees = new Map<string, SegmentTree<Mounted>>();
  for (const mount of mounts) {
    const tree = trees.get(mount.host) ?? new SegmentTree<Mounted>();
    trees.set(mount.host, tree);
    tree.add(
      prefixSegments(mount.prefix).map((text) => ({ kind: "literal", text })),
      mount,
    );
  }
  for (const { kind, first, second } of [...trees.values()].flatMap((tree) => tree.collisions)) {
    const words =
      kind === "equal"
        ? "stands under the same host and prefix"
        : `stands under \`${first.prefix}\`, which differs only in case or in form`;
    second.scope.report(second.path, `\`${first.scope.name}\` ${words}`, "give each service a host or a prefix of its own");
  }
  for (const scope of scopes) checkHiddenRoutes(scope, mounts);
}

function checkHiddenRoutes(scope: Scope, mounts: readonly Mounted[]): void {
  const own = mounts.filter((mount) => mount.scope === scope);
  const hidings = own.map((mount) => ({ mount, deeper: mounts.filter((other) => liesBelow(other, mount)) }));
  if (own.length === 0 || hidings.some(({ deeper }) => deeper.length === 0)) return;
  for (const [key, { segments }] of routePatterns(scope.service)) {
    const hiders = hidings.map(({ mount, deeper }) => deeper.find((other) => hides(other, mount, segments)));
    const hider = hiders[0];
    if (hider && hiders.every((one) => one))
      scope.report(
        ["routes", key],
        `this route is never reached: \`${hider.prefix}\` belongs to \`${hider.scope.name}\``,
        "move it to that service",
        "key",
      );
  }
}

function liesBelow(deeper: Mounted, mount: Mounted): boolean {
  return deeper.host === mount.host && deeper.prefix.length > mount.prefix.length && deeper.prefix.startsWith(`${mount.prefix}/`);
}

function hides(deeper: Mounted, mount: Mounted, segments: readonly Segment[]): boolean {
  const between = prefixSegments(deeper.prefix.slice(mount.prefix.length));
  return between.every((text, index) => {
    const segment = segments[index];
    return segment?.kind === "literal" && segment.text === text;
  });
}

/* ── tenants ──────────────────────────────────────────────────────────── */

export function checkTenantPlaces(scope: Scope): void {
  const { tenant, hosts } = scope.service.content;
  if (!tenant) return;
  if ([tenant.path, tenant.query, tenant.header, tenant.host].every((place) => place === undefined)) {
    scope.report(
      ["tenant"],
      "this block names no place where a request names its tenant",
      "add `path`, `query`, `header` or `host`",
      "key",
    );
  }
  if (tenant.path !== undefined) checkTenantPlaceholder(scope, tenant.path, tenant.query !== undefined || tenant.header !== undefined);
  const inHosts = (hosts ?? []).flatMap((host) => host.placeholder ?? []);
  if (tenant.host !== undefined && !inHosts.includes(tenant.host))
    scope.report(
      ["tenant", "host"],
      `no host has the placeholder \`{${tenant.host}}\``,
      inHosts.length === 0 ? "write it in `hosts:`" : didYouMean(tenant.host, inHosts),
    );
}

/** Where a request can name its tenant elsewhere, a placeholder that no route has yet is no mistake. */
function checkTenantPlaceholder(scope: Scope, placeholder: string, elsewhere: boolean): void {
  const found = new Set<string>();
  const patterns = routePatterns(scope.service);
  for (const [key, { segments }] of patterns) {
    for (const segment of segments) {
      if (segment.kind === "literal") continue;
      found.add(segment.name);
      if (segment.kind === "rest" && segment.name === placeholder)
        scope.report(
          ["routes", key],
          `\`{${placeholder}...}\` cannot name a tenant: it takes several segments`,
          `write \`{${placeholder}}\``,
          "key",
        );
    }
  }
  // It has been said of a table that is none, or of a line that cannot be read.
  if (scope.service.content.routes === undefined || patterns.size < namesIn(scope.service, ["routes"]).length) return;
  const meant = didYouMean(placeholder, [...found]);
  if (!found.has(placeholder) && !(elsewhere && !meant?.startsWith("did")))
    scope.report(
      ["tenant", "path"],
      `no route has the placeholder \`{${placeholder}}\``,
      meant ?? `write it in a route: \`GET /{${placeholder}}\``,
    );
}

/* ── identity headers ─────────────────────────────────────────────────── */

export function checkIdentity(scope: Scope): void {
  const own = scope.service.content.upstream?.identity ?? {};
  const taken = new Map(
    authenticatorsOf(scope).flatMap(({ file, name }) => (file.apiKey ? [[headerKey(file.apiKey.header), `the key of \`${name}\``]] : [])),
  );
  const headers = { ...IDENTITY, ...Object.fromEntries(Object.entries(own).filter(([, header]) => header !== undefined)) };
  for (const [meaning, header] of Object.entries(headers)) {
    const other = taken.get(headerKey(header));
    if (other !== undefined)
      scope.report(["upstream", "identity", meaning], `\`${header}\` carries ${other} already`, "choose another header");
    taken.set(headerKey(header), `the ${meaning}`);
  }
}

/** `FILE:LINE` of a path, for messages about two places. */
export function placeWords(draft: Draft<unknown>, path: Path): string {
  return `${draft.source.file}:${positionOf(draft.source, spanAt(draft.tree, path, "value").start).line}`;
}
