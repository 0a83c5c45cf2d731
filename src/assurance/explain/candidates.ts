/** Lines of the table that a request comes near to, and why each is not the one. */
import type { Matched, RequestFacts } from "../../contract/decision.ts";
import type { Mount, Route } from "../../contract/policy.ts";

export interface Candidate {
  readonly route: Route;
  readonly why: string;
}

const MOST_CANDIDATES = 5;

/** The nearest first, without the line that matched. */
export function candidatesOf(mount: Mount, request: RequestFacts, matched: Matched | undefined): readonly Candidate[] {
  const segments = request.path.segments.slice(mount.prefixLength);
  const method = matched?.route.method ?? (request.method === "HEAD" ? "GET" : request.method);
  const near = mount.service.routes
    .filter((route) => route !== matched?.route)
    .flatMap((route) => {
      const distance = misfit(route, segments, method);
      // Where a line matched, those for other paths say nothing.
      return distance && (!matched || distance.rank < 2) ? [{ route, ...distance }] : [];
    });
  return near
    .toSorted((left, right) => left.rank - right.rank)
    .slice(0, MOST_CANDIDATES)
    .map(({ route, why }) => ({ route, why }));
}

/** How far a line is from the request; undefined where it is not near at all. */
function misfit(route: Route, segments: readonly string[], method: string): { readonly rank: number; readonly why: string } | undefined {
  const wanted = route.pattern.slice(1).split("/");
  const fault = pathFault(wanted, segments);
  if (fault && fault.rank > 1) return undefined;
  if (!fault)
    return route.method === method
      ? { rank: 1, why: "matches too, but is less specific" }
      : { rank: 0, why: `is for the method ${route.method}` };
  return route.method === method ? { rank: 2, why: fault.why } : undefined;
}

function pathFault(wanted: readonly string[], segments: readonly string[]): { readonly rank: number; readonly why: string } | undefined {
  const isRest = wanted.at(-1)?.endsWith("...}") === true;
  if (isRest ? segments.length < wanted.length : segments.length !== wanted.length) return lengthFault(wanted, segments);
  const off = wanted.flatMap((want, index) => (fits(want, segments[index]!) ? [] : [index]));
  if (off.length === 0) return undefined;
  const first = off[0]!;
  return { rank: off.length, why: `segment ${first + 1} is \`${segments[first]}\`, not \`${wanted[first]}\`` };
}

function lengthFault(wanted: readonly string[], segments: readonly string[]): { readonly rank: number; readonly why: string } {
  const shared = Math.min(wanted.length, segments.length);
  const fitting = wanted.slice(0, shared).every((want, index) => fits(want, segments[index]!));
  const apart = Math.abs(wanted.length - segments.length);
  const slash = segments.at(-1) === "" || wanted.at(-1) === "";
  const why = slash && apart === 1 ? "a slash at the end makes another path" : segments.length > wanted.length ? "is shorter" : "is longer";
  return { rank: fitting && apart === 1 ? 1 : 2, why };
}

function fits(want: string, segment: string): boolean {
  return want.startsWith("{") ? segment !== "" : want === segment;
}
