/** The request target (RFC 9112 section 3.2): what of it is path, query and host. */

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
  if (!QUERY.test(query)) return { kind: "invalid", reason: "the query has a character that must not stand in one" };
  return { kind: "target", rawPath, query, ...(authority !== undefined && { authority }) };
}

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/;

/** Host name in lower case, without port; undefined when the value is no host (RFC 9110 section 7.2). */
export function hostName(value: string): string | undefined {
  if (!HOST.test(value)) return undefined;
  const name = value.replace(/:[0-9]{1,5}$/, "");
  return name.toLowerCase();
}
