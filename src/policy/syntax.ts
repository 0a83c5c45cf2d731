/** What the YAML parser complains of, in an operator's words. */
import type { YAMLParseError } from "yaml";
import type { Fault } from "./document.ts";

/** A file that is no YAML at all gives one error for each character. */
const MOST_ERRORS = 100;

/** One fault a line: what follows on the same line is nearly always the same mistake. */
export function syntaxFaults(text: string, errors: readonly YAMLParseError[]): readonly Fault[] {
  const faults = new Map<number, Fault>();
  for (const error of errors.slice(0, MOST_ERRORS)) {
    const fault = faultOf(text, error, lineStart(text, Math.min(error.pos[0], text.length)));
    const line = lineStart(text, fault.span.start);
    if (!faults.has(line)) faults.set(line, fault);
  }
  return [...faults.values()];
}

function faultOf(text: string, error: YAMLParseError, line: number): Fault {
  const reference = unquotedReference(text, error.pos[0], line);
  if (reference) return reference;
  const quote = /^Missing closing (["'])quote/.exec(error.message)?.[1];
  if (quote !== undefined) return unclosedQuote(text, error.pos[0], quote);
  const start = Math.min(error.pos[0], Math.max(0, text.length - 1));
  const span = { start, end: Math.max(start + 1, error.pos[1]) };
  const [message, repair] = WORDS.get(error.code) ?? [`this is no valid YAML: ${error.message}`, undefined];
  return { span, message, ...(repair !== undefined && { repair }) };
}

/** Inside `[…]` and `{…}` an unquoted `${NAME}` reads as the beginning of a map. */
function unquotedReference(text: string, position: number, line: number): Fault | undefined {
  const end = text.indexOf("\n", line);
  const words = text.slice(line, end === -1 ? text.length : end);
  for (const match of words.matchAll(/\$\{[^{}\n]*\}/g)) {
    const start = line + match.index;
    if (position < start || position > start + match[0].length) continue;
    return {
      span: { start, end: start + match[0].length },
      message: `\`${match[0]}\` is not quoted inside brackets`,
      repair: `quote it: "${match[0]}"`,
    };
  }
  return undefined;
}

/** The parser only notices at the end; the quote is the last one that opens a value. */
function unclosedQuote(text: string, position: number, quote: string): Fault {
  let start = text.lastIndexOf(quote, position - 1);
  for (let tries = 0; start > 0 && !/[\s:,[{]/.test(text[start - 1]!) && tries < MOST_ERRORS; tries++)
    start = text.lastIndexOf(quote, start - 1);
  start = Math.max(0, start);
  return { span: { start, end: start + 1 }, message: `this ${quote} is not closed`, repair: "close it on the same line" };
}

function lineStart(text: string, position: number): number {
  return text.lastIndexOf("\n", position - 1) + 1;
}

const WORDS = new Map<string, readonly [string, string | undefined]>([
  ["TAB_AS_INDENT", ["a tab cannot indent a line", "use spaces"]],
  ["MULTIPLE_DOCS", ["a second document begins here", "keep one document in a file; each service has a file of its own"]],
  [
    "BLOCK_AS_IMPLICIT_KEY",
    ["a second `:` on this line, or a line that is indented wrongly", "quote the value that holds a colon, or correct the indentation"],
  ],
  ["BAD_INDENT", ["this line is indented wrongly, or a bracket before it is not closed", "close the bracket, or correct the indentation"]],
  ["BAD_SCALAR_START", ["a value cannot begin with this character", "quote the value"]],
  ["BAD_DQ_ESCAPE", ["this escape does not exist", "use single quotes where a backslash is meant as such"]],
  ["BAD_ALIAS", ["this is no valid anchor or alias", "quote a value that begins with `*` or `&`"]],
]);
