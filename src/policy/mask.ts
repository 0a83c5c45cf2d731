/** Keeps secrets out of the lines that a diagnostic shows. */
import type { Span, Tree } from "./tree.ts";

const MASK = "•";
/** Blocks whose texts are secrets, whatever the key beneath is called: it may be misspelt. */
const SECRET_BLOCKS = new Set(["bearer", "tokens", "value", "sealing"]);
const OPEN_KEYS = new Set(["id", "access", "until"]);
/** A reference without a default shows nothing. */
const BARE_REFERENCE = /^["']?\$\{(?:file:[^{}]*|[A-Za-z_][A-Za-z0-9_]*\??)\}["']?$/;
/** What gives a secret away where the file could not be parsed, or where it stands in a place of no secrets. */
const TELLING = [
  /(?<=\b(?:value|password|secret)["']?\s*:\s*)(?:"[^"]*"|'[^']*'|\$\{[^}]*\}|[^\s"',}#$])[^,}]*/g,
  /-----BEGIN .*$/g,
  /eyJ[\w-]{4,}\.[\w-]+(?:\.[\w-]*)?/g,
  /(?<=\/\/)[^/@\s]+(?=@)/g,
];

/** Where the file's secrets stand. */
export function secretSpans(tree: Tree, allSecret: boolean): readonly Span[] {
  const spans: Span[] = [];
  collect(tree, allSecret, spans);
  return spans;
}

function collect(tree: Tree, secret: boolean, spans: Span[]): void {
  if (tree.kind === "leaf") {
    if (secret && !BARE_REFERENCE.test(tree.raw)) spans.push(tree);
    return;
  }
  if (tree.kind === "list") {
    for (const item of tree.items) collect(item, secret, spans);
    return;
  }
  for (const [key, entry] of tree.entries) {
    collect(entry.value, SECRET_BLOCKS.has(key) || (secret && !OPEN_KEYS.has(key)), spans);
  }
}

/** The line with every secret replaced, character by character, so that columns stay true. */
export function maskLine(line: string, lineStart: number, secrets: readonly Span[]): string {
  let masked = line;
  for (const { start, end } of secrets) masked = blot(masked, start - lineStart, end - lineStart);
  for (const pattern of TELLING) {
    masked = masked.replace(pattern, (found) => (BARE_REFERENCE.test(found.trim()) ? found : MASK.repeat(found.length)));
  }
  return masked;
}

function blot(line: string, start: number, end: number): string {
  const from = Math.max(0, start);
  const to = Math.min(line.length, end);
  return from >= to ? line : line.slice(0, from) + MASK.repeat(to - from) + line.slice(to);
}
