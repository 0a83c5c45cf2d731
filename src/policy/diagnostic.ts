/** A mistake in the operator's files, and how a person reads it. */

/**
 * `line` and `column` count from 1. `excerpt` is the line, secrets masked, or the part of a very long one that begins
 * at `excerptColumn`; `width` is how much of it the caret underlines.
 */
export interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly excerpt: string;
  readonly excerptColumn: number;
  readonly width: number;
  readonly message: string;
  /** What to write instead. */
  readonly repair?: string;
}

const SHOWN = 100;
const LEAD = 40;

/** Place, what is wrong, the line with a caret under it, and the repair. */
export function formatDiagnostic(diagnostic: Diagnostic, { colour }: { readonly colour: boolean }): string {
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const place = `${diagnostic.file}:${diagnostic.line}:${diagnostic.column}`;
  const lines = [`${paint(1, place)}: ${paint(31, visible(diagnostic.message))}`];
  if (diagnostic.excerpt.trim() !== "") lines.push(...pointed(diagnostic, paint));
  if (diagnostic.repair !== undefined) lines.push(`    ${paint(32, `→ ${visible(diagnostic.repair)}`)}`);
  return lines.join("\n");
}

function pointed(diagnostic: Diagnostic, paint: (code: number, text: string) => string): string[] {
  const { excerpt, column, excerptColumn, width } = diagnostic;
  const place = column - excerptColumn;
  const from = place >= SHOWN - LEAD ? place - LEAD : 0;
  const shown = visible(excerpt.slice(from, from + SHOWN));
  const caret = " ".repeat(place - from) + "^".repeat(Math.max(1, Math.min(width, SHOWN - (place - from))));
  return [`    ${shown.trimEnd()}`, `    ${paint(31, caret)}`];
}

/** Control and direction characters of the file must not reach the terminal as such; the length stays. */
function visible(text: string): string {
  return text.replaceAll("\t", " ").replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "�");
}

/** Files in the order given, then by place; the same mistake is said once. */
export function inOrder(diagnostics: readonly Diagnostic[], files: readonly string[]): readonly Diagnostic[] {
  const rank = new Map(files.map((file, index) => [file, index]));
  const seen = new Set<string>();
  return diagnostics
    .filter((one) => {
      const key = `${one.file}\0${one.line}\0${one.column}\0${one.message}`;
      return seen.has(key) ? false : seen.add(key);
    })
    .toSorted((a, b) => (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) || a.line - b.line || a.column - b.column);
}
