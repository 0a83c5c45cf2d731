/**
 * The one canonical form of a request path (RFC 3986 section 3.3): decoded exactly once, segment by segment.
 * What two readers could read in two ways is refused, never repaired.
 */
import type { CanonicalPath } from "../contract/decision.ts";

export type PathResult = { readonly kind: "path"; readonly path: CanonicalPath } | { readonly kind: "invalid"; readonly reason: string };

/** A raw character of a segment that needs no second look: unreserved, sub-delims, ":" and "@", without "." and ";". */
const PLAIN_CHARACTER = /^[A-Za-z0-9_~!$&'()*+,=:@-]$/;
/** By code: whether it is one of them. */
const IS_PLAIN: readonly boolean[] = Array.from({ length: 0x80 }, (_, code) => PLAIN_CHARACTER.test(String.fromCharCode(code)));
const SLASH = 0x2f;
/** Printable ASCII except what a URL parser ends a path at or reads as another slash. */
const RAW_PATH = /^\/[\x21-\x22\x24-\x3e\x40-\x5b\x5d-\x7e]*$/;
const DECODABLE_AGAIN = /%[0-9A-Fa-f]{2}/;
// eslint-disable-next-line no-control-regex
const FORBIDDEN_DECODED = /[\u0000-\u001f\u007f-\u009f\\#]/;

/** Brings the part of a request target before the `?` into its canonical form. */
export function canonicalPath(rawPath: string): PathResult {
  const plain = plainSegments(rawPath);
  if (plain !== undefined) return { kind: "path", path: { segments: plain, encodedSlash: false, plain: true } };
  if (!RAW_PATH.test(rawPath)) return invalid("path has a character that must not stand in one");
  return decodeSegments(rawPath.slice(1).split("/"));
}

/** Of most paths there are, which everybody reads alike; undefined for any other. */
function plainSegments(rawPath: string): readonly string[] | undefined {
  if (rawPath.charCodeAt(0) !== SLASH) return undefined;
  const segments: string[] = [];
  let start = 1;
  for (let at = 1; at < rawPath.length; at++) {
    const code = rawPath.charCodeAt(at);
    if (IS_PLAIN[code] === true) continue;
    if (code !== SLASH || at === start) return undefined;
    segments.push(rawPath.slice(start, at));
    start = at + 1;
  }
  if (start === rawPath.length) return undefined;
  segments.push(rawPath.slice(start));
  return segments;
}

function decodeSegments(rawSegments: readonly string[]): PathResult {
  const segments: string[] = [];
  let encodedSlash = false;
  for (const [index, raw] of rawSegments.entries()) {
    const segment = decodeSegment(raw);
    if (segment === undefined) return invalid("path has a broken percent-encoding");
    const fault = segmentFault(segment, index === rawSegments.length - 1);
    if (fault !== undefined) return invalid(fault);
    encodedSlash ||= segment.includes("/");
    segments.push(segment);
  }
  return { kind: "path", path: { segments, encodedSlash } };
}

function decodeSegment(raw: string): string | undefined {
  if (!raw.includes("%")) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return undefined;
  }
}

/** Why a decoded segment is ambiguous; an empty one is a trailing slash at the end, and nowhere else. */
function segmentFault(segment: string, isLast: boolean): string | undefined {
  if (segment === "") return isLast ? undefined : "path has an empty segment";
  if (FORBIDDEN_DECODED.test(segment)) return "path has a control character, a backslash or a number sign";
  if (DECODABLE_AGAIN.test(segment)) return "path could be decoded a second time";
  if (!isLast && segment.includes("?")) return "path has a question mark inside it";
  if (segment.split("/").some(isDotOrEmpty)) return "path has a dot segment";
  return undefined;
}

/** "", "." and "..", also as seen by a reader that cuts parameters off or folds full-width forms. */
function isDotOrEmpty(part: string): boolean {
  const loose = looseSegment(part).trim();
  return loose === "" || loose === "." || loose === "..";
}

/**
 * A segment as the most careless upstream might read it: without case, in Unicode's compatibility form,
 * cut at path parameters, `?`, `#` and NUL. Two segments that differ only so must never lead to two routes.
 */
export function looseSegment(segment: string): string {
  if (LOOSE_ALREADY.test(segment)) return segment;
  return ASCII.test(segment) ? cut(segment).toLowerCase() : cut(cut(segment).normalize("NFKC")).toLowerCase();
}

/** What nobody reads in another way: most segments there are. */
const LOOSE_ALREADY = /^[a-z0-9_-]*$/;
/** Its own compatibility form. */
const ASCII = /^[\x00-\x7f]*$/;

function cut(segment: string): string {
  const end = segment.search(/[;?#\u0000]/);
  return end === -1 ? segment : segment.slice(0, end);
}

function invalid(reason: string): PathResult {
  return { kind: "invalid", reason };
}
