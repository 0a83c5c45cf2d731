/**
 * A first look at a text, before it is parsed: what would cost the YAML library its memory or its stack is refused here.
 * It builds a tree of everything, mistakes included, and walks it by recursion.
 */
import { Lexer } from "yaml";
import type { Fault } from "./document.ts";

const MAX_DEPTH = 40;
const MAX_LEXEMES = 1_000_000;
/** Marks that the lexer puts between pieces of the text: document, end of flow, scalar. */
const MARKS = new Set(["\u0002", "\u0018", "\u001f"]);

/** The pieces of a text, marks included, or the first thing that makes it unfit to be parsed. */
export type Lexemes = { readonly kind: "lexemes"; readonly lexemes: readonly string[] } | { readonly kind: "unfit"; readonly fault: Fault };

/** Cuts the text into pieces, once for this look and for the parser. */
export function lexemesOf(text: string): Lexemes {
  const lexemes: string[] = [];
  let depth = 0;
  let offset = 0;
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    lexemes.push(lexeme);
    if (MARKS.has(lexeme)) continue;
    if (lexeme === "[" || lexeme === "{") depth += 1;
    if (lexeme === "]" || lexeme === "}") depth -= 1;
    count += 1;
    const words = faultWords(depth, count);
    if (words) return { kind: "unfit", fault: { span: { start: offset, end: offset + 1 }, ...words } };
    offset += lexeme.length;
  }
  return { kind: "lexemes", lexemes };
}

function faultWords(depth: number, count: number): Pick<Fault, "message" | "repair"> | undefined {
  if (depth > MAX_DEPTH) return { message: `brackets are nested more than ${MAX_DEPTH} deep`, repair: "close those before this one" };
  if (depth < 0) return { message: "this bracket closes none", repair: "leave it out" };
  return count > MAX_LEXEMES ? { message: "this file has too many parts", repair: "divide it into several files" } : undefined;
}
