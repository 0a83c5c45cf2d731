/** The fields of a query by which a presigned request proves itself (SigV4): a credential, wherever the service reads one. */

/** Names in lower case: a careless reader takes any spelling for the same. */
const NAMES: ReadonlySet<string> = new Set([
  "x-amz-algorithm",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-expires",
  "x-amz-signedheaders",
  "x-amz-signature",
  "x-amz-security-token",
]);

/** What each of these names has, however it is encoded: nearly every other query is done with at a glance. */
const PERHAPS = /amz|%/i;

/** True when some field of the query, undecoded and without `?`, belongs to a signature. */
export function hasSignatureFields(query: string): boolean {
  return PERHAPS.test(query) && query.split("&").some(isSignatureField);
}

/** The query without those fields; all else stays as it was, byte for byte. */
export function withoutSignatureFields(query: string): string {
  if (query === "" || !PERHAPS.test(query)) return query;
  const fields = query.split("&");
  const others = fields.filter((field) => !isSignatureField(field));
  return others.length === fields.length ? query : others.join("&");
}

/** Whether one field of a query, undecoded, is of a signature. */
export function isSignatureField(field: string): boolean {
  const equals = field.indexOf("=");
  return NAMES.has(decoded(equals === -1 ? field : field.slice(0, equals)).toLowerCase());
}

function decoded(name: string): string {
  if (!name.includes("%")) return name;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
