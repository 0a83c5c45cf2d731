/** `Location` and `Content-Location` of an upstream's answer, mapped back to the public address. */
import type { Mount } from "../../contract/policy.ts";

const AUTHORITY = /^(?:([a-z][a-z\d+.-]*):)?\/\/([^/?#]*)/i;

/**
 * A reference to the upstream itself becomes an absolute path below the public address (RFC 9110 section 10.2.2 allows
 * a relative reference); a reference to anywhere else, and a relative one, stays as it is.
 * `publicHost` is the host that the upstream was told in `x-forwarded-host`.
 */
export function mapLocation(value: string, mount: Mount, publicHost: string): string {
  const { origin } = mount.service.upstream;
  const authority = AUTHORITY.exec(value);
  if (authority === null) return value.startsWith("/") ? (publicPath(value, mount) ?? value) : value;
  if (!pointsHome(authority, origin, publicHost)) return value;
  const rest = value.slice(authority[0].length);
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  // An address of the upstream's outside its base path has no public one; its inner host stays hidden all the same.
  return publicPath(path, mount) ?? path;
}

function pointsHome(authority: RegExpExecArray, origin: string, publicHost: string): boolean {
  const host = authority[2] as string;
  if (publicHost !== "" && host.toLowerCase() === publicHost) return true;
  const scheme = authority[1] === undefined ? new URL(origin).protocol : `${authority[1]}:`;
  return URL.parse(`${scheme}//${host}`)?.origin === new URL(origin).origin;
}

/** Base path off, prefix on; undefined when the path does not lie below the base path. */
function publicPath(path: string, mount: Mount): string | undefined {
  const { upstream, stripPrefix } = mount.service;
  const below = pathBelow(path, upstream.basePath);
  if (below === undefined) return undefined;
  const mapped = stripPrefix ? mount.prefix + below : below;
  return mapped.startsWith("/") ? mapped : `/${mapped}`;
}

function pathBelow(path: string, basePath: string): string | undefined {
  if (!path.startsWith(basePath)) return undefined;
  const rest = path.slice(basePath.length);
  return rest === "" || /^[/?#]/.test(rest) ? rest : undefined;
}
