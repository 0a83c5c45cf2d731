/** Reads a file that may be anything: what is no reasonable text is refused with the reason. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs";

export type ReadResult =
  { readonly kind: "text"; readonly text: string } | { readonly kind: "refused"; readonly reason: string; readonly repair?: string };

const MEGABYTE = 1024 * 1024;

/** The file's text without byte order mark; refused when larger than `maxBytes`, binary, or no plain file. */
export function readText(path: string, maxBytes: number): ReadResult {
  try {
    // O_NONBLOCK: a named pipe without a writer must not hold the start up.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(descriptor);
      if (stat.isDirectory()) return { kind: "refused", reason: "is a folder, not a file", repair: "name a file in it" };
      if (!stat.isFile()) return { kind: "refused", reason: "is no plain file", repair: "name a plain file" };
      if (stat.size > maxBytes) return { kind: "refused", reason: `is larger than ${sizeText(maxBytes)}`, repair: "divide it" };
      return decode(readFileSync(descriptor));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    return { kind: "refused", reason: codeOf(error) === "ENOENT" && isLink(path) ? NOWHERE : reasonOf(error) };
  }
}

function sizeText(bytes: number): string {
  return bytes >= MEGABYTE ? `${bytes / MEGABYTE} MB` : `${bytes / 1024} KB`;
}

function decode(bytes: Buffer): ReadResult {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { kind: "refused", reason: "is UTF-16", repair: "save it as UTF-8" };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { kind: "refused", reason: "is UTF-16", repair: "save it as UTF-8" };
  if (bytes.includes(0)) return { kind: "refused", reason: "is no text: it holds a NUL byte", repair: "save it as UTF-8" };
  try {
    return { kind: "text", text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { kind: "refused", reason: "is no text: it is not valid UTF-8", repair: "save it as UTF-8" };
  }
}

const NOWHERE = "is a link that leads nowhere";

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const known = new Map([
    ["ENOENT", "does not exist"],
    ["ENOTDIR", "does not exist"],
    ["EACCES", "may not be read by this user"],
    ["ELOOP", NOWHERE],
  ]);
  return known.get(code) ?? `cannot be read (${code || "unknown error"})`;
}
