/** Tree → what the schema makes of it. Every mistake is reported; what is left without them is checked further. */
import { createHash } from "node:crypto";
import type * as z from "zod";
import { findingsOf, type Finding, isWithin } from "./findings.ts";
import type { Report, Source } from "./source.ts";
import { standInWord } from "./variables.ts";
import { keysAt, type Leaf, nodeAt, type Path, plain, replaceNode, type Tree } from "./tree.ts";

/** A file's content as far as it is sound: `content` lacks the blocks and lines that were refused. */
export interface Draft<Content> {
  readonly source: Source;
  readonly tree: Tree;
  readonly content: Partial<Content>;
  /** Keys of the file that a misspelt one was meant to be: they are there, and what they hold is not known. */
  readonly meant: ReadonlySet<string>;
  readonly report: Report;
}

/** Maps whose entries stand for themselves: one refused line does not take the others along. */
const TABLES = new Set(["routes", "authenticators", "limits", "roles"]);
/** For a longer text it pays that the library writes code of its own for the schema. */
const LONG_TEXT = 100_000;
/** Each round makes one kind of value of a reference's text: list, then items. */
const MAX_ROUNDS = 4;

/** Parses the tree of `source` with the schema; `report` hears of every mistake. */
export function validate<Schema extends z.ZodObject>(schema: Schema, source: Source, report: Report): Draft<z.output<Schema>> | undefined {
  const { tree } = source;
  if (!tree) return undefined;
  if (tree.kind !== "mapping") {
    report([], "this file must be a map", "begin it with `version: 1`");
    return undefined;
  }
  const { content, findings } = parse(schema, tree, source);
  for (const finding of findings) reportFinding(finding, source, tree, report);
  return { source, tree, report, content, meant: new Set(findings.flatMap(({ meant }) => meant ?? [])) };
}

/** Parses once the texts of references have become what their places ask for. */
function parse(
  schema: z.ZodObject,
  tree: Tree,
  { text, secrets }: Source,
): { readonly content: object; readonly findings: readonly Finding[] } {
  for (let round = 0; ; round++) {
    const result = schema.safeParse(plain(tree), { jitless: text.length < LONG_TEXT });
    if (result.success) return { content: result.data, findings: [] };
    const findings = findingsOf(result.error.issues, { tree, schema, secrets });
    const changed = round < MAX_ROUNDS && findings.filter((finding) => retype(tree, finding)).length > 0;
    if (!changed) return { content: soundPart(schema, tree, findings), findings };
  }
}

/** Makes of a reference's text what was expected in its place; false where that cannot be. */
function retype(tree: Tree, { path, part, expected }: Finding): boolean {
  const node = nodeAt(tree, path);
  if (!expected || part === "key" || node?.kind !== "leaf" || !node.filling) return false;
  const made = node.filling.standIn ? standIn(node, expected) : converted(node, expected);
  if (!made || (made.kind === "leaf" && made.value === node.value)) return false;
  replaceNode(tree, path, made);
  return true;
}

type Expectation = NonNullable<Finding["expected"]>;

/** The text of an environment variable as a list (separated by commas), a number or a truth value. */
function converted(node: Leaf, expected: Expectation): Tree | undefined {
  const text = node.filling?.whole ? node.value : undefined;
  if (typeof text !== "string") return undefined;
  if (expected.kind === "list")
    return listOf(
      node,
      text.split(",").map((item) => item.trim()),
    );
  if (expected.kind === "number") return /^\d{1,15}$/.test(text) ? { ...node, value: Number(text) } : undefined;
  if (expected.kind === "boolean" && /^(?:true|false)$/.test(text)) return { ...node, value: text === "true" };
  return undefined;
}

function standIn(node: Leaf, expected: Expectation): Tree | undefined {
  const word = standInWord(node.filling!.name);
  switch (expected.kind) {
    case "list":
      return listOf(node, [word]);
    case "number":
      return { ...node, value: numberOf(word) };
    case "boolean":
      return { ...node, value: true };
    case "oneOf":
      return { ...node, value: expected.first };
    case "text":
      return { ...node, value: expected.standIn(word) };
    case "map":
      return undefined;
  }
}

/** Fit for a port and for a status. */
function numberOf(word: string): number {
  return 400 + (createHash("sha256").update(word).digest().readUInt32BE() % 200);
}

function listOf(node: Leaf, texts: readonly string[]): Tree {
  return { kind: "list", start: node.start, end: node.end, items: texts.map((value): Leaf => ({ ...node, value })) };
}

/** A secret is not shown, nor a reference's value, nor what they should have been: the line shows the reference. */
function reportFinding({ path, part, message, repair, rewrite, expected }: Finding, source: Source, tree: Tree, report: Report): void {
  const node = nodeAt(tree, path);
  if (node?.kind !== "leaf" || part === "key") return report(path, message, repairWords(repair, rewrite), part);
  // Whatever the variable holds, or will hold, is a text.
  if (node.filling && expected?.kind === "map")
    return report(path, `${message}, and \`\${${node.filling.name}}\` stands for a text`, repair, part);
  if (node.filling?.standIn) return;
  if (node.filling) return report(path, `the value of \`\${${node.filling.name}}\`: ${message}`, repair, part);
  report(path, message, isWithin(node, source.secrets) ? repair : repairWords(repair, rewrite), part);
}

function repairWords(repair: string | undefined, rewrite: string | undefined): string | undefined {
  if (rewrite === undefined) return repair;
  return `write \`${rewrite}\`${repair === undefined ? "" : `; ${repair}`}`;
}

/** The content without the entries that were refused. */
function soundPart(schema: z.ZodObject, tree: Tree, findings: readonly Finding[]): object {
  const content = plain(tree) as Record<string, unknown>;
  for (const { path } of findings) prune(content, path);
  const result = schema.partial().safeParse(content);
  return result.success ? result.data : {};
}

function prune(content: Record<string, unknown>, [block, entry]: Path): void {
  const table = content[String(block)];
  if (TABLES.has(String(block)) && entry !== undefined && typeof table === "object" && table !== null) {
    delete (table as Record<string, unknown>)[String(entry)];
  } else delete content[String(block)];
}

/** Names in a block as the file has them, refused entries too: to name one of those is no second mistake. */
export function namesIn(draft: Draft<unknown> | undefined, path: Path): readonly string[] {
  return draft ? keysAt(draft.tree, path) : [];
}
