/**
 * Which line of a broken file breaks its layout. The parser names the place where it gave up, which is often another one.
 * No repair repeats what stands on the line, which may be a secret.
 */
import type { YAMLParseError } from "yaml";
import type { Fault } from "./document.ts";

interface Line {
  readonly start: number;
  readonly indent: number;
  /** Without indentation, and without space at its end. */
  readonly text: string;
}

/** What the parser says of a line as soon as it meets it. */
const AT_ITS_BEGINNING = new Set(["BAD_INDENT", "MISSING_CHAR"]);
const ABOUT_LINES = new Set(["BAD_INDENT", "BLOCK_AS_IMPLICIT_KEY", "MULTILINE_IMPLICIT_KEY", "MISSING_CHAR"]);

/** The fault of the line at the position, or of the one beside it; undefined where the error is about something else. */
export function layoutFault(text: string, position: number, error: YAMLParseError): Fault | undefined {
  if (!ABOUT_LINES.has(error.code) || error.message.includes("flow")) return undefined;
  const lines = contentLines(text);
  // The parser may have given up in a comment before the line.
  const index = lines.findIndex(({ start, indent, text: { length } }) => start + indent + length > position);
  const line = lines[index];
  if (!line) return undefined;
  const elsewhere = mixture(lines, index) ?? colonFault(line);
  if (elsewhere) return elsewhere;
  return AT_ITS_BEGINNING.has(error.code) || isItem(line) ? badIndent(lines, index) : deeperLine(lines, index);
}

function contentLines(text: string): readonly Line[] {
  const lines: Line[] = [];
  let start = 0;
  for (const whole of text.split("\n")) {
    const trimmed = whole.trim();
    if (trimmed !== "" && !trimmed.startsWith("#")) lines.push({ start, indent: whole.search(/\S/), text: trimmed });
    start += whole.length + 1;
  }
  return lines;
}

/** A list item among the keys of a map, or a line without dash among the items of a list. */
function mixture(lines: readonly Line[], index: number): Fault | undefined {
  const [earlier, before, line] = [lines[index - 2], lines[index - 1], lines[index]!];
  if (!before || isItem(before) === isItem(line)) return undefined;
  if (isItem(line)) return isOpen(before) ? undefined : foreignItem(line);
  if (before.indent !== line.indent) return undefined;
  const isList = !hasColon(line) || (earlier !== undefined && isItem(earlier));
  if (!isList) return foreignItem(before);
  return faultAt(line, "this line stands in a list, and is no item of it", "begin it with `- `");
}

function foreignItem(line: Line): Fault {
  return faultAt(line, "a list item cannot stand among the keys of a map", "write it without the dash");
}

/** A key without its colon, or without the space behind it. */
function colonFault(line: Line): Fault | undefined {
  if (hasColon(line) || isItem(line)) return undefined;
  return line.text.includes(":")
    ? faultAt(line, "a colon is only read with a space behind it", "write `KEY: VALUE`, with that space")
    : faultAt(line, "this line has no colon behind its key", "write `KEY: VALUE`");
}

/** Where a line has its value already, nothing can stand deeper below it. */
function deeperLine(lines: readonly Line[], index: number): Fault | undefined {
  const [line, after] = [lines[index]!, lines[index + 1]];
  if (!after || after.indent <= line.indent || isOpen(line) || /:\s.*:\s/.test(line.text)) return undefined;
  return indentFault(after, line.indent);
}

/** The line itself, unless it is the first of its block that stands apart: from all others, or from whole steps of two. */
function badIndent(lines: readonly Line[], index: number): Fault {
  const [parent, before, line, after] = [lines[index - 2], lines[index - 1], lines[index]!, lines[index + 1]];
  const isFirst = before !== undefined && parent !== undefined && isOpen(parent) && parent.indent < Math.min(before.indent, line.indent);
  const isOdd = before !== undefined && before.indent % 2 === 1 && line.indent % 2 === 0;
  if (isFirst && (isOdd || after?.indent === line.indent)) return indentFault(before, line.indent);
  return indentFault(line, nearestIndent(line, after, openIndents(lines.slice(0, index))));
}

/** Of the indentations that the line may have; one with something below it must leave room for that. */
function nearestIndent(line: Line, after: Line | undefined, open: readonly number[]): number {
  const fitting = isOpen(line) && after ? open.filter((indent) => indent < after.indent) : open;
  const distance = (indent: number) => Math.abs(indent - line.indent);
  return fitting.toSorted((a, b) => distance(a) - distance(b) || b - a)[0] ?? 0;
}

/** Indentations of the maps and lists that a next line could go on with, outermost first. */
function openIndents(lines: readonly Line[]): readonly number[] {
  const open: number[] = [];
  for (const { indent, text } of lines) {
    while (open.length > 0 && open.at(-1)! >= indent) open.pop();
    open.push(indent);
    // The keys of an item begin behind its dash.
    if (/^-\s+\S+:/.test(text)) open.push(indent + text.search(/[^-\s]/));
  }
  return open;
}

function indentFault(line: Line, indent: number): Fault {
  const spaces = `${indent} ${indent === 1 ? "space" : "spaces"}`;
  return faultAt(line, "this line is indented wrongly", indent === 0 ? "begin it without a space" : `indent it by ${spaces}`);
}

function faultAt({ start, indent, text }: Line, message: string, repair: string): Fault {
  return { span: { start: start + indent, end: start + indent + text.length }, message, repair };
}

function isItem({ text }: Line): boolean {
  return /^-(?:\s|$)/.test(text);
}

/** Whether something may stand below the line: its key has no value of its own. */
function isOpen({ text }: Line): boolean {
  return /:(?:\s+[|>&!]\S*)?(?:\s+#.*)?$/.test(text);
}

function hasColon({ text }: Line): boolean {
  return /:(?:\s|$)/.test(text);
}
