/** Rules about single lines of the table. */
import { type Path, spanAt } from "../tree.ts";
import type { RoutePattern } from "../pattern.ts";
import type { RuleFile } from "../schema/service.ts";
import { positionOf } from "../source.ts";
import { ACCESS_WORDS } from "../names.ts";
import { didYouMean, nearest } from "../suggest.ts";
import { SegmentTree } from "../table.ts";
import { namesIn } from "../validate.ts";
import { checkLimits } from "./limits.ts";
import { routePatterns } from "./route-keys.ts";
import { authenticatorsOf, isRefused, knowsAllAuthenticators, type Scope } from "./scope.ts";

interface Line {
  readonly key: string;
  readonly path: Path;
  readonly pattern: RoutePattern;
  readonly rule: RuleFile;
}

export function checkRoutes(scope: Scope): void {
  const equal = checkEqualRoutes(scope);
  const lines = linesOf(scope);
  const isUnknown = isPlaceholderUnknown(lines, scope);
  for (const line of lines) {
    const { kind } = accessKind(line.rule);
    if (kind !== "denied") checkCredentials(line, scope);
    if (kind !== "denied" && !isUnknown && !equal.has(line.key)) checkTenantRule(line, scope);
    if (line.rule.websocket && line.pattern.method !== "GET")
      scope.report([...line.path, "websocket"], "an upgrade to WebSocket is a GET", `write the route as \`GET ${line.pattern.pattern}\``);
    if (line.rule.limits) checkLimits(line.rule.limits, [...line.path, "limits"], scope);
  }
}

function linesOf({ service }: Scope): readonly Line[] {
  const patterns = routePatterns(service);
  return Object.entries(service.content.routes ?? {}).flatMap(([key, rule]) => {
    const pattern = patterns.get(key);
    return pattern ? [{ key, path: ["routes", key], pattern, rule }] : [];
  });
}

function accessKind({ access }: RuleFile): { readonly kind: "public" | "authenticated" | "denied" | "permissions" } {
  return { kind: "word" in access ? access.word : "permissions" };
}

/* ── equal routes ─────────────────────────────────────────────────────── */

/** Refused lines take part too: what they match is known. Gives those that must go: whatever else they lack is no second mistake. */
function checkEqualRoutes({ service, report }: Scope): ReadonlySet<string> {
  const equal = new Set<string>();
  const trees = new Map<string, SegmentTree<string>>();
  for (const [key, { method, segments }] of routePatterns(service)) {
    const tree = trees.get(method) ?? new SegmentTree<string>();
    trees.set(method, tree);
    tree.add(segments, key);
  }
  for (const { kind, first, second } of [...trees.values()].flatMap((tree) => tree.collisions)) {
    const message =
      kind === "equal"
        ? `this is the same route as \`${first}\` in line ${lineOf(service, first)}`
        : `a careless reader takes this for \`${first}\` in line ${lineOf(service, first)}: two literals differ only in case or in form`;
    report(["routes", second], message, kind === "equal" ? "leave one out" : "spell the segment in one way", "key");
    if (kind === "equal") equal.add(second);
  }
  return equal;
}

function lineOf({ source, tree }: Scope["service"], key: string): number {
  return positionOf(source, spanAt(tree, ["routes", key], "key").start).line;
}

/* ── credentials ──────────────────────────────────────────────────────── */

function checkCredentials({ rule, path, key }: Line, scope: Scope): void {
  const known = namesIn(scope.service, ["authenticators"]);
  for (const [index, name] of (rule.authenticators ?? []).entries()) {
    if (!known.includes(name))
      scope.report(
        [...path, "authenticators", index],
        `\`${scope.name}\` has no authenticator \`${name}\``,
        didYouMean(name, known) ?? "add it to `authenticators:`",
      );
  }
  const isPublic = accessKind(rule).kind === "public";
  if (isPublic && rule.authenticators)
    scope.report([...path, "authenticators"], "a public route never reads a credential", "leave it out", "key");
  if (isPublic && rule.tenant) scope.report([...path, "tenant"], "a public route knows no tenant", "leave it out", "key");
  if (!isPublic && known.length === 0 && !isRefused(scope, "authenticators"))
    scope.report(
      path,
      `\`${key}\` needs a credential, and \`${scope.name}\` has no authenticators`,
      "add an `authenticators:` block, or let the route be `public`",
      "key",
    );
}

/* ── tenants ──────────────────────────────────────────────────────────── */

/** It has been said of the placeholder then, once. */
function isPlaceholderUnknown(lines: readonly Line[], { service }: Scope): boolean {
  const { path, host, query, header } = service.content.tenant ?? {};
  const isOnlyPlace = host === undefined && query === undefined && header === undefined;
  return path !== undefined && isOnlyPlace && !lines.some((line) => names(line, path));
}

function checkTenantRule(line: Line, scope: Scope): void {
  const { tenant } = scope.service.content;
  const { rule, path, key } = line;
  const isPublic = accessKind(rule).kind === "public";
  const inPath = tenant?.path !== undefined && names(line, tenant.path);
  if (isPublic && inPath)
    return scope.report(
      path,
      `a public route cannot hold \`{${tenant.path}}\`, which names a tenant`,
      "require a permission or `authenticated`, or rename the placeholder",
      "key",
    );
  if (isPublic) return;
  if (rule.tenant === "crossTenantOnly") return checkCrossTenant(line, scope);
  if (!tenant || rule.tenant === "unchecked" || tenant.query !== undefined || tenant.header !== undefined) return;
  if (inPath || (tenant.host !== undefined && everyHostNames(scope, tenant.host))) return;
  const word = tenant.path ?? tenant.host;
  if (word === undefined) return;
  const place = tenant.path === undefined ? "one of the service's hosts names none" : `\`{${word}}\` is not in its path`;
  const meant = meantWord(rule);
  const first = meant === undefined ? "" : `did you mean \`${meant}\`? Otherwise `;
  const inItsPath = tenant.path === undefined ? "" : `put \`{${word}}\` in its path, or `;
  scope.report(
    path,
    `\`${key}\` names no tenant: ${place}`,
    `${first}${inItsPath}say \`tenant: unchecked\`, or \`tenant: crossTenantOnly\`, in its rule: \`{ access: …, tenant: unchecked }\``,
    "key",
  );
}

/** The word that a permission without a dot was probably meant to be. */
function meantWord({ access }: RuleFile): string | undefined {
  return "permission" in access && !access.permission.includes(".") ? nearest(access.permission, ACCESS_WORDS) : undefined;
}

function names({ pattern }: Line, placeholder: string): boolean {
  return pattern.segments.some((segment) => segment.kind !== "literal" && segment.name === placeholder);
}

function everyHostNames({ service }: Scope, placeholder: string): boolean {
  const hosts = service.content.hosts ?? [];
  return hosts.length > 0 && hosts.every((host) => host.placeholder === placeholder);
}

function checkCrossTenant({ path, rule }: Line, scope: Scope): void {
  if (!knowsAllAuthenticators(scope)) return;
  const counting = authenticatorsOf(scope).filter(({ name }) => rule.authenticators?.includes(name) ?? true);
  if (counting.some(({ file }) => file.crossTenant)) return;
  scope.report(
    [...path, "tenant"],
    "nobody could call this route: no authenticator here says who may cross tenants",
    "add `crossTenant:` to an authenticator",
  );
}
