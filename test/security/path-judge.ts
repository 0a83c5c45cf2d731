/** Judges one request: where the gateway forwards it to, and whether every upstream reading finds the same route and tenant there. */
import type { CanonicalPath, Matched, RequestFacts } from "../../src/contract/decision.ts";
import type { Route, Service } from "../../src/contract/policy.ts";
import { decide } from "../../src/decision/decide.ts";
import { match } from "../../src/decision/match.ts";
import { canonicalPath } from "../../src/decision/path.ts";
import { parseTarget } from "../../src/decision/target.ts";
import { encodeSegment, rebuildPath } from "../../src/decision/upstream-path.ts";
import type { Segment } from "../../src/policy/pattern.ts";
import { decode, READINGS, SEGMENT_READINGS, type UpstreamReading } from "./path-readings.ts";
import type { Table, TableRoute } from "./path-tables.ts";
import type { Asked } from "./path-targets.ts";

export type Judgement =
  | { readonly kind: "refused" }
  /** `plain`: the target needed no decoding, so that nothing was tried. */
  | { readonly kind: "holds"; readonly plain: boolean }
  | {
      readonly kind: "escape";
      readonly forwarded: string;
      readonly reading: string;
      readonly asUpstreamReads: string;
      readonly route: string;
    };

/** Asks the gateway's own edge, matcher, decision and forwarder; judges by a matcher of its own. */
export function judge(table: Table, asked: Asked): Judgement {
  const allowed = allowedBy(table, asked);
  if (!allowed) return { kind: "refused" };
  const { matched, path } = allowed;
  const forwarded = rebuildPath(matched.mount, path);
  const keepsSlash = path.encodedSlash && matched.route.encodedSlash;
  const readings = keepsSlash ? SEGMENT_READINGS : READINGS;
  for (const reading of readings) {
    const asUpstreamReads = reading.read(forwarded);
    if (leadsTo(table, matched, reading, asUpstreamReads)) continue;
    return { kind: "escape", forwarded, reading: reading.name, asUpstreamReads, route: matched.route.name };
  }
  if (keepsSlash && climbs(forwarded)) {
    return {
      kind: "escape",
      forwarded,
      reading: "decodes before it splits",
      asUpstreamReads: decode(forwarded),
      route: matched.route.name,
    };
  }
  return { kind: "holds", plain: asked.target === forwarded };
}

function allowedBy({ policy }: Table, { method, target }: Asked): { readonly matched: Matched; readonly path: CanonicalPath } | undefined {
  const parsed = parseTarget(target);
  const canonical = parsed.kind === "target" ? canonicalPath(parsed.rawPath) : undefined;
  if (parsed.kind !== "target" || canonical?.kind !== "path") return undefined;
  const { path } = canonical;
  const request: RequestFacts = { method, path, query: parsed.query, host: "", address: "192.0.2.1", websocket: false, header: () => [] };
  const decision = decide(policy, { request, proof: { kind: "secret", authenticator: "anyone", id: "anyone" }, now: 0 });
  return decision.outcome === "allow" ? { matched: match(policy, request) as Matched, path } : undefined;
}

/** An upstream that decodes first must at least find no segment that leads out of the path, or to nothing. */
function climbs(forwarded: string): boolean {
  const segments = decode(forwarded).slice(1).split("/");
  return segments.some((segment, index) => segment === "." || segment === ".." || (segment === "" && index < segments.length - 1));
}

/* ── the judge's own matcher: all lines that fit, of which the most specific ── */

interface UpstreamLine {
  readonly route: Route;
  /** Base path and prefix: they come before what the line itself says, and the longest of them first. */
  readonly before: readonly string[];
  readonly segments: readonly Segment[];
}

function leadsTo(table: Table, matched: Matched, { read }: UpstreamReading, path: string): boolean {
  const segments = path.slice(1).split("/");
  const fitting = linesFor(table, matched.route.service)
    .filter((line) => line.before.every((text, index) => read(encodeSegment(text)) === segments[index]))
    .filter((line, _index, all) => line.before.length === Math.max(...all.map(({ before }) => before.length)))
    .filter((line) => line.route.method === matched.route.method && fits(line, segments.slice(line.before.length), read));
  const [best, next] = fitting.toSorted((left, right) => compareText(rank(left), rank(right)));
  if (!best || best.route !== matched.route) return false;
  if (next && rank(next) === rank(best)) return false;
  return sameTenant(best, matched, segments, read);
}

/** The lines that share an upstream: all that keep their prefix; a service that strips it has the upstream to itself. */
function linesFor(table: Table, asked: Service): readonly UpstreamLine[] {
  const services = asked.stripPrefix ? [asked] : [...table.routesOf.keys()].filter((one) => sharesUpstream(one, asked));
  return services.flatMap((service) => (table.routesOf.get(service) ?? []).map((line) => upstreamLine(service, line)));
}

function sharesUpstream(service: Service, asked: Service): boolean {
  return !service.stripPrefix && service.upstream.basePath === asked.upstream.basePath;
}

function upstreamLine(service: Service, { route, segments }: TableRoute): UpstreamLine {
  const { upstream, prefixes, stripPrefix } = service;
  const texts = upstream.basePath + (stripPrefix ? "" : (prefixes[0] ?? ""));
  return { route, before: texts.split("/").slice(1), segments };
}

function fits({ segments }: UpstreamLine, asked: readonly string[], read: UpstreamReading["read"]): boolean {
  const rest = segments.at(-1)?.kind === "rest";
  if (rest ? asked.length < segments.length : asked.length !== segments.length) return false;
  return segments.every((segment, index) =>
    segment.kind === "literal" ? read(encodeSegment(segment.text)) === asked[index] : asked[index] !== "",
  );
}

const RANKS = { literal: "0", placeholder: "1", rest: "2" } as const;

function rank({ segments }: UpstreamLine): string {
  return segments.map(({ kind }) => RANKS[kind]).join("");
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}

function sameTenant(line: UpstreamLine, matched: Matched, asked: readonly string[], read: UpstreamReading["read"]): boolean {
  const name = matched.route.service.tenant?.path;
  const tenant = name === undefined ? undefined : matched.params.get(name);
  if (tenant === undefined) return true;
  const index = line.segments.findIndex((segment) => segment.kind === "placeholder" && segment.name === name);
  return asked[line.before.length + index] === read(encodeSegment(tenant));
}
