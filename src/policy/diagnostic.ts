/** A mistake in the operator's files, and how a person reads it. */
import type { Excerpt } from "../contract/policy-files.ts";

export interface Diagnostic extends Excerpt {
  readonly message: string;
  /** What to write instead. */
  readonly repair?: string;
}

/** How much of the file's line is shown. */
const SHOWN = 100;

type Paint = (code: number, text: string) => string;

/** Text in an ANSI colour, where colours are wanted. */
export function painter(colour: boolean): Paint {
  return (code, text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
}

export interface Style {
  readonly colour: boolean;
  /** How much of the file's line is shown (default 100 characters). */
  readonly shown?: number;
  /** Fits running text that is indented by so many spaces into the terminal. */
  readonly wrap?: (words: string, indent: number) => string;
}

/** Place, what is wrong, the line with a caret under it, and the repair. */
export function formatDiagnostic(diagnostic: Diagnostic, { colour, shown = SHOWN, wrap = (words) => words }: Style): string {
  const paint = painter(colour);
  const lines = [`${paint(1, placeOf(diagnostic))}: ${paint(31, visible(diagnostic.message))}`, ...pointed(diagnostic, shown, paint)];
  if (diagnostic.repair !== undefined) lines.push(`    ${paint(32, `→ ${wrap(visible(diagnostic.repair), 6)}`)}`);
  return lines.join("\n");
}

/** More make no log line that anybody reads; `check` shows them all. */
const MOST_TEXTS = 100;

/** For log and health detail. */
export function diagnosticTexts(diagnostics: readonly Diagnostic[]): readonly string[] {
  const texts = diagnostics.slice(0, MOST_TEXTS).map((one) => formatDiagnostic(one, { colour: false }));
  const left = diagnostics.length - texts.length;
  return left > 0 ? [...texts, `and ${left} more mistakes, which \`sallyport check\` lists`] : texts;
}

/** `FILE:LINE:COLUMN`, as editors follow it. */
export function placeOf({ file, line, column }: Excerpt): string {
  return `${file}:${line}:${column}`;
}

/** The line with a caret under what is meant, each of at most `shown` characters behind the indent; none for an empty line. */
export function pointed({ excerpt, column, excerptColumn, width }: Excerpt, shown: number, paint: Paint): string[] {
  if (excerpt.trim() === "") return [];
  const lead = Math.floor(shown * 0.4);
  const place = column - excerptColumn;
  const from = Math.max(0, Math.min(place - lead, excerpt.length - shown));
  const line = visible(excerpt.slice(from, from + shown));
  const caret = " ".repeat(place - from) + "^".repeat(Math.max(1, Math.min(width, shown - (place - from))));
  return [`    ${line.trimEnd()}`, `    ${paint(31, caret)}`];
}

/** Control and direction characters of the file must not reach the terminal as such; the length stays. */
export function visible(text: string): string {
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
