import { isUtf8 } from "node:buffer";

/** A JSON object read from a stranger's bytes; values are untrusted. */
export type JsonObject = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 32;

/**
 * Reads a JSON object (RFC 8259) from UTF-8 bytes. Frozen throughout, with a null prototype at the top level.
 * Undefined for anything else, and for what two readers could read differently: invalid UTF-8, a byte order
 * mark, a name given twice in any object, nesting deeper than 32.
 */
export function parseJsonObject(bytes: Uint8Array): JsonObject | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  const written = countMembers(text);
  const value = written === undefined ? undefined : parse(text);
  if (!isRecord(value)) return undefined;
  Object.setPrototypeOf(value, null);
  // Of two members with one name JSON.parse keeps the last: fewer are left than were written.
  return freezeCounting(value) === written ? value : undefined;
}

/** True for an object that is no array. */
export function isRecord(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
/** Of `[` and `]`, which differ from `{` and `}` in this bit. */
const BRACE_BIT = 0x20;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/** Members of all objects in the text, by their colons; undefined where it is nested too deep. */
function countMembers(text: string): number | undefined {
  let depth = 0;
  let members = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COLON) members += 1;
    else if ((code | BRACE_BIT) === OPENING_BRACE) depth += 1;
    else if ((code | BRACE_BIT) === CLOSING_BRACE) depth -= 1;
    if (depth > MAX_DEPTH) return undefined;
  }
  return members;
}

/** Index of the quote that ends the string which starts at `start`; past the text where none does. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

/** Freezes the value and all inside it; returns how many members its objects have. */
function freezeCounting(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inside = Object.values(value);
  let members = Array.isArray(value) ? 0 : inside.length;
  for (const item of inside) members += freezeCounting(item);
  Object.freeze(value);
  return members;
}
