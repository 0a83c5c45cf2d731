/** The canonical request: what a signature is about, in the one form that both sides can write. */
import type { CanonicalPath } from "../../../contract/decision.ts";
import { type Reading, decoded } from "./claim.ts";

/**
 * The canonical path in the forms that a client may have signed. Clients encode the path that they send once more
 * before they sign it (S3 alone does not), and they differ in what they encode at first: all but the unreserved
 * characters, as AWS asks for, or only what RFC 3986 forbids in a path. Both are made from the path that was routed
 * and is forwarded, and no two paths share a form.
 */
export function canonicalUris({ segments }: CanonicalPath, encodedOnce: boolean): readonly string[] {
  const again = encodedOnce ? (text: string) => text : encoded;
  const strict = segments.map((segment) => `/${again(encoded(segment))}`).join("");
  const loose = segments.map((segment) => `/${again(encodedLoosely(segment))}`).join("");
  return strict === loose ? [strict] : [strict, loose];
}

const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;
/** What `encodeURIComponent` leaves and AWS encodes. */
const LEFT = /[!'()*]/g;
/** RFC 3986 section 3.3: sub-delims, `:` and `@`, which a path may hold as they are. */
const ALLOWED_IN_PATH = /%(?:21|24|26|27|28|29|2A|2B|2C|3A|3B|3D|40)/g;

/** AWS's `UriEncode`: every byte but the unreserved characters, in upper case. */
function encoded(text: string): string {
  if (UNRESERVED.test(text)) return text;
  return encodeURIComponent(text).replaceAll(LEFT, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function encodedLoosely(text: string): string {
  return encoded(text).replaceAll(ALLOWED_IN_PATH, decodeURIComponent);
}

/** All fields but the signature itself, encoded anew and sorted. `+` is a space, as everywhere in the gateway. */
export function canonicalQuery(query: string): Reading<{ readonly text: string }> {
  if (query === "") return { text: "" };
  const fields: (readonly [name: string, value: string])[] = [];
  for (const field of query.split("&")) {
    if (field === "") continue;
    const equals = field.indexOf("=");
    const name = reencoded(equals === -1 ? field : field.slice(0, equals));
    const value = reencoded(equals === -1 ? "" : field.slice(equals + 1));
    if (name === undefined || value === undefined) return { trouble: "the query has a broken percent-encoding" };
    if (name !== "X-Amz-Signature") fields.push([name, value]);
  }
  fields.sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue));
  return { text: fields.map(([name, value]) => `${name}=${value}`).join("&") };
}

function reencoded(text: string): string | undefined {
  const plain = decoded(text.replaceAll("+", " "));
  return plain === undefined ? undefined : encoded(plain);
}

/** By code point; both are ASCII. */
function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** Values of all headers by their name in lower case, in the order in which they were sent. */
export function headerValues(rawHeaders: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    const known = values.get(name);
    if (known === undefined) values.set(name, [rawHeaders[index + 1]!]);
    else known.push(rawHeaders[index + 1]!);
  }
  return values;
}

/** Lines of the signed headers: values as the parser trimmed them, runs of spaces as one, repeats joined. */
export function canonicalHeaders(signedHeaders: readonly string[], values: ReadonlyMap<string, readonly string[]>): string {
  return signedHeaders.map((name) => `${name}:${(values.get(name) ?? []).map(folded).join(",")}\n`).join("");
}

function folded(value: string): string {
  return value.replaceAll(/ {2,}/g, " ");
}
