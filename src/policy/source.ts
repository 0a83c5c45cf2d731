/** One file of the policy as it was read: its text, its lines, its content. */
import type { Excerpt } from "../contract/policy-files.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { lineAt, lineStartsOf } from "./lines.ts";
import { maskLine, secretSpans } from "./mask.ts";
import { type Path, type Span, spanAt, type Tree } from "./tree.ts";

export interface Source {
  /** As the operator would name it. */
  readonly file: string;
  readonly text: string;
  readonly lineStarts: readonly number[];
  /** Undefined where the file could not be read or is no YAML. */
  readonly tree: Tree | undefined;
  /** What an excerpt must not show. */
  readonly secrets: readonly Span[];
}

/** Says what is wrong at a path of one file. `part` tells whether the key or the value is meant (default value). */
export type Report = (path: Path, message: string, repair?: string, part?: "key" | "value") => void;

/** `allSecret`: no value of the file may be shown. */
export function sourceOf(file: string, text: string, tree: Tree | undefined, allSecret = false): Source {
  return { file, text, lineStarts: lineStartsOf(text), tree, secrets: tree ? secretSpans(tree, allSecret) : [] };
}

/** Line and column of an offset, from 1. */
export function positionOf(source: Source, offset: number): { readonly line: number; readonly column: number } {
  const line = lineAt(source.lineStarts, offset);
  return { line, column: offset - source.lineStarts[line - 1]! + 1 };
}

/** Of a line longer than that only this much before and after the place is kept. */
const LONG_LINE = 1000;

/** A mistake at a span of the file, with the line that holds it. */
export function diagnose(source: Source, span: Span, message: string, repair?: string): Diagnostic {
  return { ...excerptAt(source, span), message, ...(repair !== undefined && { repair }) };
}

/** The line that holds a span, secrets masked. */
export function excerptAt(source: Source, span: Span): Excerpt {
  const { line, column } = positionOf(source, span.start);
  const lineStart = source.lineStarts[line - 1]!;
  const lineEnd = (source.lineStarts[line] ?? source.text.length + 1) - 1;
  const from = Math.max(lineStart, span.start - LONG_LINE);
  const excerpt = maskLine(source.text.slice(from, Math.min(lineEnd, span.start + LONG_LINE)).replace(/\r$/, ""), from, source.secrets);
  const width = Math.max(1, Math.min(span.end - span.start, excerpt.length - (span.start - from)));
  return { file: source.file, line, column, excerpt, excerptColumn: from - lineStart + 1, width };
}

/** A reporter for one file, whose reports go to `diagnostics`. */
export function reporter(source: Source, diagnostics: Diagnostic[]): Report {
  return (path, message, repair, part = "value") => {
    const span = source.tree ? spanAt(source.tree, path, part) : { start: 0, end: 0 };
    diagnostics.push(diagnose(source, span, message, repair));
  };
}
