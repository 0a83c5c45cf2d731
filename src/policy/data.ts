/** YAML or JSON that is no policy → plain values, for documents that others wrote. */
import { Composer, type Document, isScalar, Parser, visit, type YAMLMap } from "yaml";
import { lexemesOf } from "./lexemes.ts";
import { lineAt, lineStartsOf } from "./lines.ts";
import { readText } from "./read.ts";
import { syntaxFaults } from "./syntax.ts";
import type { Span } from "./tree.ts";

/** `data` holds plain objects and lists; a key of any name is a property of its own. Aliases may make it circular. */
export type DataReading =
  | { readonly kind: "data"; readonly data: unknown }
  /** `line` counts from 1; undefined where the file as a whole is at fault. */
  | { readonly kind: "refused"; readonly line?: number; readonly reason: string; readonly repair?: string };

const LARGEST_BYTES = 64 * 1024 ** 2;
const MOST_ALIASES = 1000;
const OPTIONS = { version: "1.2", schema: "core", merge: true, uniqueKeys: false, prettyErrors: false } as const;

/** Reads a file of at most 64 MB: JSON where it is that, otherwise YAML 1.2 of at most a million parts. */
export function readDataFile(path: string): DataReading {
  const file = readText(path, LARGEST_BYTES);
  return file.kind === "text" ? readData(file.text) : file;
}

/** Merge keys (`<<`) count; of two equal keys YAML is refused, and JSON takes the last. */
export function readData(text: string): DataReading {
  return jsonOf(text) ?? readYaml(text);
}

function jsonOf(text: string): DataReading | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return { kind: "data", data: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

function readYaml(text: string): DataReading {
  try {
    return readSound(text);
  } catch (error) {
    if (error instanceof RangeError) return { kind: "refused", reason: "is nested too deeply" };
    if (error instanceof ReferenceError) return { kind: "refused", reason: `grows by more than ${MOST_ALIASES} aliases` };
    throw error;
  }
}

function readSound(text: string): DataReading {
  const cut = lexemesOf(text);
  if (cut.kind === "unfit") return refusedAt(text, cut.fault.span, cut.fault.message);
  const [document, second] = documentsOf(cut.lexemes, text.length);
  if (second) return refusedAt(text, { start: second.range[0], end: second.range[0] + 1 }, "a second document begins here");
  if (!document) return { kind: "data", data: null };
  const fault = syntaxFaults(text, document.errors)[0] ?? repeatedKey(document);
  if (fault) return refusedAt(text, fault.span, fault.message, fault.repair);
  return { kind: "data", data: document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown };
}

function documentsOf(lexemes: readonly string[], length: number): readonly Document.Parsed[] {
  const parser = new Parser();
  const tokens = function* () {
    for (const lexeme of lexemes) yield* parser.next(lexeme);
    yield* parser.end();
  };
  return [...new Composer(OPTIONS).compose(tokens(), true, length)];
}

/** In one pass: the library's own look-out for it is quadratic. */
function repeatedKey(document: Document): { readonly span: Span; readonly message: string; readonly repair?: string } | undefined {
  let found: { readonly span: Span; readonly message: string } | undefined;
  visit(document, {
    Map: (_, map) => {
      found = repeatedIn(map);
      return found ? visit.BREAK : undefined;
    },
  });
  return found;
}

function repeatedIn(map: YAMLMap): { readonly span: Span; readonly message: string } | undefined {
  const seen = new Set<string>();
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    const [start, end] = key.range ?? [0, 1];
    if (seen.has(name) && name !== "<<") return { span: { start, end }, message: `\`${name}\` stands twice in this map` };
    seen.add(name);
  }
  return undefined;
}

function refusedAt(text: string, span: Span, reason: string, repair?: string): DataReading {
  return { kind: "refused", line: lineAt(lineStartsOf(text), span.start), reason, ...(repair !== undefined && { repair }) };
}
