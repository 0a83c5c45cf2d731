/** The request target (RFC 9112 section 3.2): what of it is path, query and host. */
import type { CanonicalPath, Denial } from "../contract/decision.ts";
import type { ErrorCode } from "../contract/errors.ts";
import { canonicalPath } from "./path.ts";

export type Target =
  | { readonly kind: "target"; readonly rawPath: string; readonly query: string; readonly authority?: string }
  /** `*`: the server as a whole. */
  | { readonly kind: "asterisk" }
  | { readonly kind: "invalid"; readonly reason: string }
  | { readonly kind: "tooLong" };

const LONGEST_TARGET = 8192;
/** Absolute-form; an authority with userinfo, or without path, is none. */
const ABSOLUTE = /^https?:\/\/([A-Za-z0-9.:[\]-]+)(\/.*)$/;
const QUERY = /^[\x21\x22\x24-\x7e]*$/;

/** Splits origin-form and absolute-form; of the other forms it knows `*`, and no authority-form. */
export function parseTarget(target: string): Target {
  if (target.length > LONGEST_TARGET) return { kind: "tooLong" };
  if (target.startsWith("/")) return split(target, undefined);
  if (target === "*") return { kind: "asterisk" };
  const absolute = ABSOLUTE.exec(target);
  return absolute
    ? split(absolute[2]!, absolute[1])
    : { kind: "invalid", reason: "the request target is neither a path nor an absolute URL" };
}

function split(target: string, authority: string | undefined): Target {
  const mark = target.indexOf("?");
  const rawPath = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? "" : target.slice(mark + 1);
  if (query !== "" && !QUERY.test(query)) return { kind: "invalid", reason: "the query has a character that must not stand in one" };
  return { kind: "target", rawPath, query, ...(authority !== undefined && { authority }) };
}

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;

/** Host name in lower case, without port; undefined when the value is no host (RFC 9110 section 7.2). */
function hostName(value: string): string | undefined {
  if (!HOST.test(value)) return undefined;
  // The colons of an address stand inside its brackets.
  const colon = value.endsWith("]") ? -1 : value.lastIndexOf(":");
  return (colon === -1 ? value : value.slice(0, colon)).toLowerCase();
}

/** What a request is about, by its target and its `Host`. */
export type Place =
  | { readonly kind: "place"; readonly path: CanonicalPath; readonly query: string; readonly host: string }
  | { readonly kind: "refused"; readonly denial: Denial };

/** Reads target and host, or says what is wrong with them. `hosts` are all values of the `Host` header. */
export function readPlace(method: string, target: string, hosts: readonly string[]): Place {
  const parsed = parseTarget(target);
  if (parsed.kind === "tooLong") return refused("TARGET_TOO_LONG", "the request target is too long");
  if (parsed.kind === "asterisk") return asteriskRefused(method);
  if (parsed.kind === "invalid") return refused("REQUEST_INVALID", parsed.reason);
  const host = requestHost(hosts, parsed.authority);
  if (host === undefined) return refused("REQUEST_INVALID", "Host is missing, repeated, malformed or not that of the target");
  const canonical = canonicalPath(parsed.rawPath);
  if (canonical.kind === "invalid") return refused("REQUEST_INVALID", canonical.reason);
  return { kind: "place", path: canonical.path, query: parsed.query, host };
}

/** RFC 9112 section 3.2.4: for OPTIONS alone; no line of any table is about the server as a whole. */
function asteriskRefused(method: string): Place {
  return method === "OPTIONS" ? refused("ROUTE_NOT_FOUND", "OPTIONS *") : refused("REQUEST_INVALID", "the request target is `*`");
}

function requestHost(values: readonly string[], authority: string | undefined): string | undefined {
  if (values.length !== 1) return undefined;
  if (authority !== undefined && authority.toLowerCase() !== values[0]!.toLowerCase()) return undefined;
  return hostName(values[0]!);
}

function refused(code: ErrorCode, reason: string): Place {
  return { kind: "refused", denial: { outcome: "deny", code, reason } };
}
