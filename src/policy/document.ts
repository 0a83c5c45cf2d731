/** YAML text → tree. What two readers of YAML could read in two ways is refused: duplicate and merge keys, tags, directives. */
import {
  type Alias,
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  Parser,
  Scalar,
  type YAMLMap,
  YAMLParseError,
} from "yaml";
import { lexemesOf } from "./lexemes.ts";
import { lineAt, lineStartsOf } from "./lines.ts";
import type { Entry, Leaf, Mapping, Span, Tree } from "./tree.ts";
import { syntaxFaults } from "./syntax.ts";

export interface Fault {
  readonly span: Span;
  readonly message: string;
  readonly repair?: string;
}

/** `sound`: the text is YAML that the tree shows whole; otherwise the tree only helps to keep secrets out of excerpts. */
export interface ParsedDocument {
  readonly sound: boolean;
  readonly tree: Tree | undefined;
  readonly faults: readonly Fault[];
}

/** Aliases are expanded, up to this many in a file, and as long as they bring no more nodes than these. */
const MAX_ALIASES = 100;
const MAX_EXPANDED = 20_000;
const MAX_DEPTH = 40;
const DEPTH = `nest no deeper than ${MAX_DEPTH} levels`;

/** Parses one file as YAML 1.2. */
export function parseYaml(text: string): ParsedDocument {
  try {
    return parsed(text);
  } catch (error) {
    // The library walks a document by recursion, and blocks can be nested without brackets.
    if (!(error instanceof RangeError)) throw error;
    return {
      sound: false,
      tree: undefined,
      faults: [{ span: { start: 0, end: 1 }, message: "this file is nested too deeply", repair: DEPTH }],
    };
  }
}

function parsed(text: string): ParsedDocument {
  const cut = lexemesOf(text);
  if (cut.kind === "unfit") return { sound: false, tree: undefined, faults: [cut.fault] };
  const document = documentOf(cut.lexemes, text.length);
  const syntax = [...syntaxFaults(text, document.errors), ...directiveFaults(document)];
  const faults: Fault[] = [];
  const tree = document.contents ? new TreeBuilder(document, text, faults).build(document.contents) : undefined;
  if (syntax.length > 0) return { sound: false, tree, faults: syntax };
  return { sound: true, tree, faults };
}

const OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: false,
  // Its own check is quadratic; ours is in `#mapping`.
  uniqueKeys: false,
  prettyErrors: false,
} as const;

/** As the library's `parseDocument` makes it, of lexemes that are there already: cutting a text costs a quarter of reading it. */
function documentOf(lexemes: readonly string[], length: number): Document {
  const [document, second] = new Composer(OPTIONS).compose(tokensOf(lexemes), true, length);
  if (!document) throw new Error("the YAML library composed no document");
  if (second) document.errors.push(new YAMLParseError([second.range[0], second.range[1]], "MULTIPLE_DOCS", "a second document"));
  return document;
}

function* tokensOf(lexemes: readonly string[]): Generator<CST.Token> {
  const parser = new Parser();
  for (const lexeme of lexemes) yield* parser.next(lexeme);
  yield* parser.end();
}

function directiveFaults(document: Document): readonly Fault[] {
  if (document.directives?.yaml.explicit !== true) return [];
  return [{ span: { start: 0, end: 5 }, message: "a `%YAML` line changes how values are read", repair: "leave it out" }];
}

class TreeBuilder {
  readonly #document: Document;
  readonly #text: string;
  readonly #faults: Fault[];
  readonly #lineStarts: readonly number[];
  #aliases = 0;
  #isExpanding = false;
  /** Nodes that aliases brought. */
  #expanded = 0;

  constructor(document: Document, text: string, faults: Fault[]) {
    this.#document = document;
    this.#text = text;
    this.#faults = faults;
    this.#lineStarts = lineStartsOf(text);
  }

  build(node: Node | null, depth = 0, around: Span = { start: 0, end: 0 }): Tree {
    if (node === null) return { kind: "leaf", ...around, value: null, raw: "" };
    const span = spanOf(node, around);
    if (this.#isExpanding && (this.#expanded += 1) > MAX_EXPANDED) return this.#tooMuch(span);
    if (isAlias(node)) return this.#expand(node, span, depth);
    if (node.tag !== undefined) this.#refuse(tagSpan(this.#text, span), `a tag (\`${node.tag}\`) is not read`, "leave it out");
    if (depth > MAX_DEPTH) return this.#refused(span, "this is nested too deeply", DEPTH);
    if (isMap(node)) return this.#mapping(node, span, depth);
    if (isSeq(node)) return { kind: "list", ...span, items: node.items.map((item) => this.build(item as Node | null, depth + 1, span)) };
    return isScalar(node)
      ? this.#leaf(node, span)
      : this.#refused(span, "this is nothing that a policy can hold", "write a text, a number, a list or a map");
  }

  #leaf(node: Scalar, span: Span): Leaf {
    const raw = this.#text.slice(span.start, span.end);
    const { value } = node;
    if (value === null || typeof value === "string" || typeof value === "boolean") return { kind: "leaf", ...span, value, raw };
    return { kind: "leaf", ...span, value: typeof value === "number" ? value : raw, raw };
  }

  #expand(alias: Alias, span: Span, depth: number): Tree {
    this.#aliases += 1;
    if (this.#aliases === MAX_ALIASES + 1)
      this.#refuse(span, `with this alias the file grows by more than ${MAX_ALIASES} of them`, "write the values out");
    if (this.#aliases > MAX_ALIASES) return { kind: "leaf", ...span, value: null, raw: "" };
    const target = alias.resolve(this.#document);
    if (!target) return this.#refused(span, `there is no anchor \`&${alias.source}\` before this alias`, "write the value out");
    const outer = this.#isExpanding;
    this.#isExpanding = true;
    const tree = this.build(target, depth + 1, span);
    this.#isExpanding = outer;
    return tree;
  }

  #tooMuch(span: Span): Leaf {
    if (this.#expanded === MAX_EXPANDED + 1)
      this.#refuse(span, `aliases bring more than ${MAX_EXPANDED} values into this file`, "write the values out");
    return { kind: "leaf", ...span, value: null, raw: "" };
  }

  #mapping(node: YAMLMap, span: Span, depth: number): Mapping {
    const entries = new Map<string, Entry>();
    for (const pair of node.items) {
      const key = this.#key(pair as Pair<Node | null, Node | null>, span);
      if (!key) continue;
      const first = entries.get(key.name);
      const value = this.build(pair.value as Node | null, depth + 1, key.span);
      if (first)
        this.#refuse(
          key.span,
          `\`${key.name}\` stands twice in this map; first in line ${lineAt(this.#lineStarts, first.key.start)}`,
          "leave one out",
        );
      else entries.set(key.name, { key: key.span, value });
    }
    return { kind: "mapping", ...span, entries };
  }

  #key({ key }: Pair<Node | null, Node | null>, around: Span): { name: string; span: Span } | undefined {
    const span = spanOf(key, around);
    if (!isScalar(key) || key.value === null) {
      this.#refuse(span, "a key must be a word", "quote it");
      return undefined;
    }
    if (key.tag !== undefined) this.#refuse(span, `a tag (\`${key.tag}\`) is not read`, "leave it out");
    // A number or a boolean as a key counts as it is written.
    const name = typeof key.value === "string" ? key.value : this.#text.slice(span.start, span.end);
    if (name !== "<<" && name !== "__proto__") return { name, span };
    this.#refuse(span, name === "<<" ? "merge keys (`<<`) are not read" : "`__proto__` cannot be a key", "write the keys out");
    return undefined;
  }

  #refused(span: Span, message: string, repair: string): Leaf {
    this.#refuse(span, message, repair);
    return { kind: "leaf", ...span, value: null, raw: "" };
  }

  #refuse(span: Span, message: string, repair?: string): void {
    this.#faults.push({ span, message, ...(repair !== undefined && { repair }) });
  }
}

/** A tag stands before the node's own range. */
function tagSpan(text: string, span: Span): Span {
  const start = text.lastIndexOf("!", span.start);
  const first = text.lastIndexOf("!", start - 1) === start - 1 ? start - 1 : start;
  return start === -1 ? span : { start: first, end: Math.max(first + 1, span.start) };
}

function spanOf(node: Node | null, around: Span): Span {
  return node?.range ? { start: node.range[0], end: Math.max(node.range[1], node.range[0] + 1) } : around;
}
