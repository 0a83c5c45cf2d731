/** Parameters of queries and forms, each of them once. */

export type Parameters = ReadonlyMap<string, string>;

/** The parameters of a query or form (`application/x-www-form-urlencoded`); undefined when one is repeated (RFC 6749 §3.1). */
export function readParameters(text: string): Parameters | undefined {
  const pairs = [...new URLSearchParams(text)];
  const parameters = new Map(pairs);
  return parameters.size === pairs.length ? parameters : undefined;
}

/** What follows the `?` of a request target. */
export function queryOf(target: string): string {
  const at = target.indexOf("?");
  return at < 0 ? "" : target.slice(at + 1);
}

/** Value of a cookie; undefined when there is none of that name. */
export function cookie(header: string | undefined, name: string): string | undefined {
  const pairs = (header ?? "").split(";").map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** Scopes of a `scope` parameter (RFC 6749 §3.3); undefined when one is empty or not the client's. */
export function readScopes(text: string | undefined, allowed: readonly string[]): readonly string[] | undefined {
  if (text === undefined) return allowed;
  const scopes = text.split(" ");
  return scopes.every((scope) => allowed.includes(scope)) ? [...new Set(scopes)] : undefined;
}
