/** What the YAML parser complains of, in an operator's words. */
import type { YAMLParseError } from "yaml";
import type { Fault } from "./document.ts";
import { layoutFault } from "./layout.ts";

/** The first fault only: whatever the parser says of the rest of the file is a guess, and often about lines that are right. */
export function syntaxFaults(text: string, errors: readonly YAMLParseError[]): readonly Fault[] {
  const first = errors[0];
  return first === undefined ? [] : [faultOf(text, first)];
}

function faultOf(text: string, error: YAMLParseError): Fault {
  const position = Math.min(error.pos[0], text.length);
  const reference = isInFlow(error) ? unquotedReference(text, position, lineStart(text, position)) : undefined;
  if (reference) return reference;
  const quote = /^Missing closing (["'])quote/.exec(error.message)?.[1];
  if (quote !== undefined) return unclosedQuote(text, position, quote);
  const bracket = /must be sufficiently indented and end with a ([\]}])/.exec(error.message)?.[1];
  if (bracket !== undefined) return unclosedBracket(text, position, bracket);
  const start = Math.min(position, Math.max(0, text.length - 1));
  return layoutFault(text, start, error) ?? saidOf({ start, end: Math.max(start + 1, error.pos[1]) }, error);
}

function saidOf(span: Fault["span"], error: YAMLParseError): Fault {
  const [message, repair] = WORDS.get(error.code) ?? ANYTHING_ELSE;
  return { span, message, repair };
}

/** Elsewhere `${NAME}` is a text like any other, and what the parser stumbles over is something else. */
function isInFlow({ code, message }: YAMLParseError): boolean {
  return code === "UNEXPECTED_TOKEN" || code === "BLOCK_IN_FLOW" || message.includes("flow");
}

/** Inside `[…]` and `{…}` an unquoted `${NAME}` reads as the beginning of a map. */
function unquotedReference(text: string, position: number, line: number): Fault | undefined {
  const end = text.indexOf("\n", line);
  const words = text.slice(line, end === -1 ? text.length : end);
  for (const match of words.matchAll(/\$\{[^{}\n]*\}/g)) {
    const start = line + match.index;
    if (position < start || position > start + match[0].length || /["']/.test(text[start - 1]!)) continue;
    return {
      span: { start, end: start + match[0].length },
      message: `\`${match[0]}\` is not quoted inside brackets`,
      repair: `quote it: "${match[0]}"`,
    };
  }
  return undefined;
}

/** Before a quote or bracket that is looked for no more than this many others are. */
const MOST_TRIES = 100;

/** The parser only notices at the end; the quote is the last one that opens a value. */
function unclosedQuote(text: string, position: number, quote: string): Fault {
  let start = text.lastIndexOf(quote, position - 1);
  for (let tries = 0; start > 0 && !/[\s:,[{]/.test(text[start - 1]!) && tries < MOST_TRIES; tries++)
    start = text.lastIndexOf(quote, start - 1);
  start = Math.max(0, start);
  return { span: { start, end: start + 1 }, message: `this ${quote} is not closed`, repair: "close it on the same line" };
}

/** The last opening bracket of its kind that has no closing one before the place where the parser gave up. */
function unclosedBracket(text: string, position: number, closing: string): Fault {
  const opening = closing === "]" ? "[" : "{";
  let open = 0;
  let start = position - 1;
  for (; start > 0; start--) {
    if (text[start] === closing) open += 1;
    if (text[start] === opening && open-- === 0) break;
  }
  start = Math.max(0, start);
  return { span: { start, end: start + 1 }, message: `this \`${opening}\` is not closed`, repair: `close it with \`${closing}\`` };
}

function lineStart(text: string, position: number): number {
  return text.lastIndexOf("\n", position - 1) + 1;
}

const COMMA = "write a comma between the two, or quote the text that holds the colon";
const ANYTHING_ELSE = ["this is no valid YAML", "quote the value, or correct brackets and indentation before it"] as const;

const WORDS = new Map<string, readonly [message: string, repair: string]>([
  ["TAB_AS_INDENT", ["a tab cannot indent a line", "use spaces"]],
  ["MULTIPLE_DOCS", ["a second document begins here", "keep one document in a file; each service has a file of its own"]],
  [
    "BLOCK_AS_IMPLICIT_KEY",
    ["a second `:` on this line, or a line that is indented wrongly", "quote the value that holds a colon, or correct the indentation"],
  ],
  ["BAD_INDENT", ["this line is indented wrongly, or a bracket before it is not closed", "close the bracket, or correct the indentation"]],
  ["BLOCK_IN_FLOW", ["a second `:` before a comma", COMMA]],
  ["MISSING_CHAR", ["something is missing before this", COMMA]],
  [
    "UNEXPECTED_TOKEN",
    ["this stands behind a value that has ended", "quote the whole value, or write a comma before this inside brackets"],
  ],
  ["MULTILINE_IMPLICIT_KEY", ["a key stands on one line, with a colon behind it", "write `KEY: VALUE`"]],
  ["BAD_SCALAR_START", ["a value cannot begin with this character", "quote the value"]],
  ["BAD_DQ_ESCAPE", ["this escape does not exist", "use single quotes where a backslash is meant as such"]],
  ["BAD_ALIAS", ["this is no valid anchor or alias", "quote a value that begins with `*` or `&`"]],
  ["MULTIPLE_ANCHORS", ["this value has two anchors", "quote a value that begins with `&`, or keep one"]],
  ["MULTIPLE_TAGS", ["this value has two tags", "quote a value that begins with `!`"]],
]);
