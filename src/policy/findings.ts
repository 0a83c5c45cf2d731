/** Issues of the schema library → findings, each with one path, one mistake and what was expected there. */
import type { $ZodIssue, $ZodIssueInvalidType, $ZodIssueInvalidUnion, $ZodType } from "zod/v4/core";
import { insteadOfEmptiness, insteadOfKey, insteadOfKind, insteadOfNoItems, insteadOfNothing, insteadOfText } from "./instead.ts";
import type { IssueParams } from "./schema/parts.ts";
import { accessInstead, ruleInstead } from "./rule-hints.ts";
import { didYouMean, nearest } from "./suggest.ts";
import { keysAt, nodeAt, type Path, type Span, type Tree } from "./tree.ts";

export interface Finding {
  readonly path: Path;
  readonly part: "key" | "value";
  readonly message: string;
  readonly repair?: string;
  /** The text that was probably meant. */
  readonly rewrite?: string;
  readonly expected?: Expected;
  /** The key is not there. */
  readonly missing?: boolean;
  /** Path, joined, of the key that a misspelt one was meant to be: that it is missing is no second mistake. */
  readonly meant?: string;
}

/** What would have done, where a variable's text can still become it. */
export type Expected =
  | { readonly kind: "list" }
  | { readonly kind: "number" }
  | { readonly kind: "boolean" }
  | { readonly kind: "oneOf"; readonly first: string }
  | { readonly kind: "text"; readonly standIn: (word: string) => string }
  /** No text becomes one. */
  | { readonly kind: "map" };

/** What was parsed, and with what. */
export interface Parsed {
  readonly tree: Tree;
  readonly schema: $ZodType;
  /** What a repair must not repeat. */
  readonly secrets: readonly Span[];
}

/** All findings of one parse; `base` is put before every path. */
export function findingsOf(issues: readonly $ZodIssue[], parsed: Parsed, base: Path = []): readonly Finding[] {
  const paths = issues.map((issue): Path => [...base, ...(issue.path as Path)]);
  const wanted = new Set(paths.filter((path) => nodeAt(parsed.tree, path) === undefined).map((path) => path.join("\0")));
  const findings = issues.flatMap((issue, index) => findingsOfIssue(issue, parsed, paths[index]!, wanted));
  const meant = new Set(findings.flatMap((finding) => finding.meant ?? []));
  return findings.filter((finding) => !(finding.missing && meant.has(finding.path.join("\0"))));
}

/** `wanted`: paths that must be there, and are not. */
function findingsOfIssue(issue: $ZodIssue, parsed: Parsed, path: Path, wanted: ReadonlySet<string>): readonly Finding[] {
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey([...path, key], key, issue.message.split(" "), parsed.tree, wanted));
    case "invalid_key":
      return issue.issues.map((one) => custom(path, one, parsed, "key"));
    case "invalid_union":
      return ofUnion(issue, parsed, path);
    case "invalid_type":
      return [wrongType(path, issue, parsed)];
    case "invalid_value":
      return [wrongValue(path, issue.values.map(String), parsed)];
    case "too_small":
    case "too_big":
      return [outOfBounds(path, issue, parsed)];
    case "custom":
      return [custom(path, issue, parsed, "value")];
    default:
      return [{ path, part: "value", message: "this value cannot stand here", repair: "leave it out" }];
  }
}

function unknownKey(path: Path, key: string, known: readonly string[], tree: Tree, wanted: ReadonlySet<string>): Finding {
  const access = accessInstead(tree, path);
  const place = path.slice(0, -1);
  // What is written already is meant only where nothing else is near; of equally near ones, what must be there.
  const written = keysAt(tree, place);
  const isWanted = (one: string): number => Number(wanted.has([...place, one].join("\0")));
  const free = known.filter((one) => !written.includes(one)).toSorted((left, right) => isWanted(right) - isWanted(left));
  const choice = nearest(key, free) === undefined ? known : free;
  const repair = access ?? (key.includes(" ") ? COMMA_HINT : didYouMean(key, choice));
  const near = access === undefined ? nearest(key, choice) : "access";
  const meant = near !== undefined && [...place, near].join("\0");
  return { path, part: "key", message: `unknown key \`${key}\``, ...(repair !== undefined && { repair }), ...(meant && { meant }) };
}

/** No key of ours holds a space; inside braces a comma ends a text that is not quoted. */
const COMMA_HINT = "quote the text before it, if this belongs to it";

function custom(path: Path, issue: $ZodIssue, { schema, tree }: Parsed, part: "key" | "value"): Finding {
  const node = nodeAt(tree, path);
  const { repair, rewrite, standIn } = (issue.code === "custom" ? (issue.params as Partial<IssueParams> | undefined) : undefined) ?? {};
  // What a variable holds is not shown, nor what it should have held.
  const isRewritten = rewrite !== undefined && !(part === "value" && node?.kind === "leaf" && node.filling);
  const example = part === "key" ? insteadOfKey : insteadOfText;
  return {
    path,
    part,
    message: issue.message,
    ...withRepair(repair ?? (isRewritten ? undefined : example(schema, path))),
    ...(rewrite !== undefined && { rewrite }),
    ...(standIn && { expected: { kind: "text", standIn } }),
  };
}

function withRepair(repair: string | undefined): { readonly repair?: string } {
  return repair === undefined ? {} : { repair };
}

/** The branch that was meant is the one whose type fits; where none fits, all that would do is named. */
function ofUnion(issue: $ZodIssueInvalidUnion, parsed: Parsed, path: Path): readonly Finding[] {
  const branches = issue.errors as readonly (readonly $ZodIssue[])[];
  const node = nodeAt(parsed.tree, path);
  const meant = branches.filter((branch) => !branch.some(isForeign));
  if (meant.length > 0) {
    const fewest = meant.reduce((best, branch) => (branch.length < best.length ? branch : best));
    return findingsOf(fewest, parsed, path);
  }
  if (!node || isEmpty(node)) return [missing(path, node, parsed)];
  return [
    wrongKind(
      path,
      node,
      branches.flatMap((branch) => branch.filter(isForeign)),
      parsed,
    ),
  ];
}

/** Whether an issue says that the branch is about something else altogether. */
function isForeign(issue: $ZodIssue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

/** None of what may stand here does. */
function wrongKind(path: Path, node: Tree, issues: readonly $ZodIssue[], parsed: Parsed): Finding {
  const literals = issues.flatMap((issue) => (issue.code === "invalid_value" ? issue.values.map(String) : []));
  const words = issues.flatMap((issue) =>
    issue.code === "invalid_value" ? issue.values.map((value) => `\`${String(value)}\``) : wordsOf(issue),
  );
  const types = issues.flatMap((issue) => (issue.code === "invalid_type" ? [issue.expected] : []));
  const expected = expectedOf(types, literals);
  return {
    path,
    part: "value",
    message: `this must be ${alternatives(words)}${node.kind === "list" ? ", not a list" : ""}`,
    ...(expected && { expected }),
    ...withRepair(ruleInstead(path, node) ?? kindInstead(path, node, parsed)),
  };
}

function kindInstead(path: Path, node: Tree, { schema, secrets }: Parsed): string | undefined {
  return insteadOfKind(schema, path, node, isWithin(node, secrets));
}

export function isWithin(node: Span, spans: readonly Span[]): boolean {
  return spans.some((span) => span.start <= node.start && node.end <= span.end);
}

function wrongType(path: Path, issue: $ZodIssueInvalidType, parsed: Parsed): Finding {
  const node = nodeAt(parsed.tree, path);
  if (issue.expected === "never") return unavailable(path, issue.message);
  return !node || isEmpty(node) ? missing(path, node, parsed) : wrongKind(path, node, [issue], parsed);
}

/** The message of such a key is the name that it goes by, and the key that stands for it until then. */
function unavailable(path: Path, message: string): Finding {
  const [name, instead] = message.split(" ");
  const meant = instead !== undefined && [...path.slice(0, -1), instead].join("\0");
  const repair = instead === undefined ? "leave it out" : `write \`${instead}\` in place of it`;
  return { path, part: "key", message: `\`${name}\` is not available in this version`, repair, ...(meant && { meant }) };
}

function missing(path: Path, node: Tree | undefined, { schema }: Parsed): Finding {
  const name = typeof path.at(-1) === "number" ? "this item" : `\`${path.at(-1)}\``;
  const rule = ruleInstead(path, node);
  if (node) return { path, part: "key", message: `${name} has no value`, ...withRepair(rule ?? insteadOfEmptiness(schema, path)) };
  return { path, part: "key", message: `${name} is missing`, ...withRepair(rule ?? insteadOfNothing(schema, path)), missing: true };
}

function wrongValue(path: Path, allowed: readonly string[], parsed: Parsed): Finding {
  const node = nodeAt(parsed.tree, path);
  if (!node || isEmpty(node)) return missing(path, node, parsed);
  const words = allowed.map((word) => `\`${word}\``);
  const message =
    words.length > 12 ? "this word is not known here" : `this must be ${words.length === 1 ? words[0] : `one of ${words.join(", ")}`}`;
  const expected: Expected = { kind: "oneOf", first: allowed[0]! };
  return { path, part: "value", message, ...withRepair(kindInstead(path, node, parsed)), expected };
}

function outOfBounds(path: Path, issue: Extract<$ZodIssue, { code: "too_small" | "too_big" }>, { schema }: Parsed): Finding {
  if (issue.origin === "array") return { path, part: "key", message: "this list is empty", repair: insteadOfNoItems(schema, path) };
  const isSmall = issue.code === "too_small";
  const bound = isSmall ? issue.minimum : issue.maximum;
  return {
    path,
    part: "value",
    message: `this must be ${isSmall ? "at least" : "at most"} ${bound}`,
    repair: `write \`${bound}\` or ${isSmall ? "more" : "less"}`,
    expected: { kind: "number" },
  };
}

function isEmpty(node: Tree): boolean {
  return node.kind === "leaf" && node.value === null;
}

/** The first of what a variable's text can become; a map only where nothing else may stand. */
function expectedOf(types: readonly string[], literals: readonly string[]): Expected | undefined {
  const open = types.flatMap((type) => EXPECTED.get(type) ?? [])[0];
  if (open) return open;
  if (literals[0] !== undefined) return { kind: "oneOf", first: literals[0] };
  return types.every((type) => type === "object" || type === "record") ? { kind: "map" } : undefined;
}

const EXPECTED = new Map<string, Expected>([
  ["array", { kind: "list" }],
  ["number", { kind: "number" }],
  ["int", { kind: "number" }],
  ["boolean", { kind: "boolean" }],
]);

function alternatives(words: readonly string[]): string {
  return [...new Set(words)].reduce((said, word) => `${said}${said.includes(",") ? "," : ""} or ${word}`);
}

/** What a text must be is the message of its own type; other types have their words here. */
function wordsOf(issue: $ZodIssue): readonly string[] {
  if (issue.code !== "invalid_type") return [];
  return [issue.expected === "string" ? issue.message : (TYPE_WORDS.get(issue.expected) ?? issue.expected)];
}

const TYPE_WORDS = new Map<string, string>([
  ["array", "a list"],
  ["object", "a map"],
  ["record", "a map"],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "`true` or `false`"],
]);
