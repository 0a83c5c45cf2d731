/** Names and values of a query string, read in every way that an upstream might read them. */

export interface QueryField {
  readonly name: string;
  readonly value: string;
}

/** All fields after decoding; where `;` stands in it, also as a reader that separates at `;` sees them. */
export function queryFields(query: string): readonly QueryField[] {
  if (query === "") return [];
  const fields = query.split("&").map(field);
  return query.includes(";") ? [...fields, ...query.split(/[&;]/).map(field)] : fields;
}

function field(text: string): QueryField {
  const equals = text.indexOf("=");
  if (equals === -1) return { name: decoded(text), value: "" };
  return { name: decoded(text.slice(0, equals)), value: decoded(text.slice(equals + 1)) };
}

function decoded(text: string): string {
  const spaced = text.replaceAll("+", " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Not UTF-8: readers that take bytes as they come still find the name.
    return spaced.replaceAll(/%([0-9A-Fa-f]{2})/g, (_escape, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  }
}

/**
 * A field's name as careless readers fold it: case, surrounding space, `tenant_id[]`, `[tenant_id]`, a second `?` before it, what
 * follows a bracket or a NUL, and `tenant.id` all mean the same name to some framework.
 */
export function looseFieldName(name: string): string {
  const start = name.search(/[^[\]?\s]/);
  if (start === -1) return name;
  const begun = name.slice(start);
  const end = begun.search(/[[\]\u0000]/);
  return (end === -1 ? begun : begun.slice(0, end)).trim().toLowerCase().replaceAll(/[ .-]/g, "_");
}
