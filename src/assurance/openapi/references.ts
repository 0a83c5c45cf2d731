/** Records of a document that may be anything, and the references (`$ref`) between its parts. */

export type Fields = Readonly<Record<string, unknown>>;

/** A plain object of the document; lists and texts are none. */
export function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A property of the value's own: no name of a stranger's reaches a prototype. */
export function own(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function ownText(value: unknown, name: string): string | undefined {
  const text = own(value, name);
  return typeof text === "string" ? text : undefined;
}

export function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(value) ? Object.entries(value) : [];
}

export type Resolved = { readonly kind: "value"; readonly value: unknown } | { readonly kind: "unresolved"; readonly reason: string };

const LONGEST_CHAIN = 20;

/** The value itself, or what its reference leads to in the same document: RFC 6901 section 6, through at most 20 of them. */
export function resolve(document: unknown, value: unknown): Resolved {
  let found = value;
  for (let step = 0; step < LONGEST_CHAIN; step++) {
    const reference = own(found, "$ref");
    if (reference === undefined) return { kind: "value", value: found };
    if (typeof reference !== "string" || !reference.startsWith("#/"))
      return { kind: "unresolved", reason: "its `$ref` leads out of the document" };
    const next = pointed(document, reference);
    if (next === undefined) return { kind: "unresolved", reason: "its `$ref` leads nowhere" };
    found = next;
  }
  return { kind: "unresolved", reason: "its `$ref` leads through too many others, or back to itself" };
}

function pointed(document: unknown, reference: string): unknown {
  let found = document;
  for (const token of reference.slice(2).split("/")) {
    const name = unescaped(token);
    if (name === undefined) return undefined;
    found = Array.isArray(found) ? (found as readonly unknown[])[/^\d+$/.test(name) ? Number(name) : -1] : own(found, name);
  }
  return found;
}

function unescaped(token: string): string | undefined {
  try {
    return decodeURIComponent(token).replaceAll("~1", "/").replaceAll("~0", "~");
  } catch {
    return undefined;
  }
}

/** JSON pointer of a place, as a fragment that people read. */
export function pointer(...tokens: readonly string[]): string {
  return `#/${tokens.map((token) => token.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")}`;
}
