/** The request target for the upstream, rebuilt from the canonical path; the raw target is never copied. */
import type { CanonicalPath, Matched, RequestFacts } from "../contract/decision.ts";
import type { Mount } from "../contract/policy.ts";
import { withoutSignatureFields } from "../contract/signed-query.ts";

/** RFC 3986 section 3.3: what a segment may hold unencoded. */
const PLAIN_SEGMENT = /^[\w.~!$&'()*+,;=:@-]*$/;
/** Of these, what `encodeURIComponent` encodes all the same. */
const NEEDLESSLY_ENCODED = /%(?:24|26|2B|2C|3A|3B|3D|40)/g;

/** One segment, percent-encoded as UTF-8 where RFC 3986 asks for it; `/` becomes `%2F`. */
export function encodeSegment(segment: string): string {
  if (PLAIN_SEGMENT.test(segment)) return segment;
  return encodeURIComponent(segment).replaceAll(NEEDLESSLY_ENCODED, decodeURIComponent);
}

/** The service's base path, then the segments: `/` where nothing is left. */
export function rebuildPath(mount: Mount, { segments, plain = false }: Pick<CanonicalPath, "segments" | "plain">): string {
  const { upstream, stripPrefix } = mount.service;
  let path = upstream.basePath;
  for (let index = stripPrefix ? mount.prefixLength : 0; index < segments.length; index++) {
    const segment = segments[index] as string;
    path += `/${plain ? segment : encodeSegment(segment)}`;
  }
  return path === "" ? "/" : path;
}

/** Path and query for the upstream: the query as the client sent it, but for a credential in it. */
export function upstreamTarget(match: Matched, request: RequestFacts): string {
  const path = rebuildPath(match.mount, request.path);
  const query = upstreamQuery(match, request);
  return query === "" ? path : `${path}?${query}`;
}

/**
 * A presigned request proves itself in its query: a credential, in a place that a service without `sigv4` does not read.
 * It passes as a credential in a header does: where the service reads it and says so, and never on a public route.
 */
function upstreamQuery({ route: { service, access } }: Matched, { query }: RequestFacts): string {
  const passes =
    service.upstream.forward.credential && access.kind !== "public" && service.authenticators.some(({ kind }) => kind === "sigv4");
  return passes ? query : withoutSignatureFields(query);
}
