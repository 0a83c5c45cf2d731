/** Issues of the schema library → findings, each with one path, one mistake and what was expected there. */
import type { $ZodIssue, $ZodIssueInvalidType, $ZodIssueInvalidUnion } from "zod/v4/core";
import type { IssueParams } from "./schema/parts.ts";
import { accessInstead, ruleInstead } from "./rule-hints.ts";
import { didYouMean, nearest } from "./suggest.ts";
import { nodeAt, type Path, type Tree } from "./tree.ts";

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
  | { readonly kind: "text"; readonly standIn: (word: string) => string };

/** All findings of one parse; `base` is put before every path. */
export function findingsOf(issues: readonly $ZodIssue[], tree: Tree, base: Path = []): readonly Finding[] {
  const findings = issues.flatMap((issue) => findingsOfIssue(issue, tree, [...base, ...(issue.path as Path)]));
  const meant = new Set(findings.flatMap((finding) => finding.meant ?? []));
  return findings.filter((finding) => !(finding.missing && meant.has(finding.path.join("\0"))));
}

function findingsOfIssue(issue: $ZodIssue, tree: Tree, path: Path): readonly Finding[] {
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => unknownKey([...path, key], key, issue.message.split(" "), tree));
    case "invalid_key":
      return findingsOf(issue.issues, tree, path).map((finding) => ({ ...finding, part: "key" }));
    case "invalid_union":
      return ofUnion(issue, tree, path);
    case "invalid_type":
      return [wrongType(path, issue, tree)];
    case "invalid_value":
      return [wrongValue(path, issue.values.map(String), tree)];
    case "too_small":
    case "too_big":
      return [outOfBounds(path, issue)];
    case "custom":
      return [custom(path, issue.message, issue.params as Partial<IssueParams> | undefined)];
    default:
      return [{ path, part: "value", message: "this value cannot stand here" }];
  }
}

function unknownKey(path: Path, key: string, known: readonly string[], tree: Tree): Finding {
  const access = accessInstead(tree, path);
  const repair = access ?? (key.includes(" ") ? COMMA_HINT : didYouMean(key, known));
  const near = access === undefined ? nearest(key, known) : "access";
  const meant = near !== undefined && [...path.slice(0, -1), near].join("\0");
  return { path, part: "key", message: `unknown key \`${key}\``, ...(repair !== undefined && { repair }), ...(meant && { meant }) };
}

/** No key of ours holds a space; inside braces a comma ends a text that is not quoted. */
const COMMA_HINT = "quote the text before it, if this belongs to it";

function custom(path: Path, message: string, params: Partial<IssueParams> | undefined): Finding {
  const { repair, rewrite, standIn } = params ?? {};
  return {
    path,
    part: "value",
    message,
    ...(repair !== undefined && { repair }),
    ...(rewrite !== undefined && { rewrite }),
    ...(standIn && { expected: { kind: "text", standIn } }),
  };
}

/** The branch that was meant is the one whose type fits; where none fits, all that would do is named. */
function ofUnion(issue: $ZodIssueInvalidUnion, tree: Tree, path: Path): readonly Finding[] {
  const branches = issue.errors as readonly (readonly $ZodIssue[])[];
  const node = nodeAt(tree, path);
  const meant = branches.filter((branch) => !branch.some(isForeign));
  if (meant.length > 0) {
    const fewest = meant.reduce((best, branch) => (branch.length < best.length ? branch : best));
    return findingsOf(fewest, tree, path);
  }
  if (!node || isEmpty(node)) return [missing(path, node)];
  return [
    wrongKind(
      path,
      node,
      branches.flatMap((branch) => branch.filter(isForeign)),
    ),
  ];
}

/** Whether an issue says that the branch is about something else altogether. */
function isForeign(issue: $ZodIssue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" || issue.code === "invalid_value");
}

/** None of what may stand here does. */
function wrongKind(path: Path, node: Tree, issues: readonly $ZodIssue[]): Finding {
  const words = issues.flatMap((issue) =>
    issue.code === "invalid_value" ? issue.values.map((value) => `\`${String(value)}\``) : wordsOf(issue),
  );
  const types = issues.flatMap((issue) => (issue.code === "invalid_type" ? [issue.expected] : []));
  const expected = types.map(expectedOf).find((one) => one !== undefined);
  const finding: Finding = {
    path,
    part: "value",
    message: `this must be ${alternatives(words)}${node.kind === "list" ? ", not a list" : ""}`,
    ...(expected && { expected }),
  };
  const rule = ruleInstead(path, node);
  return { ...finding, ...(rule === undefined ? instead(node, types, words) : { repair: rule }) };
}

function wrongType(path: Path, issue: $ZodIssueInvalidType, tree: Tree): Finding {
  const node = nodeAt(tree, path);
  if (issue.expected === "never") return { path, part: "key", message: issue.message };
  return !node || isEmpty(node) ? missing(path, node) : wrongKind(path, node, [issue]);
}

function missing(path: Path, node: Tree | undefined): Finding {
  const key = String(path.at(-1));
  const rule = ruleInstead(path, node);
  if (node) return { path, part: "key", message: `\`${key}\` has no value`, ...(rule !== undefined && { repair: rule }) };
  return { path, part: "key", message: `\`${key}\` is missing`, ...(rule !== undefined && { repair: rule }), missing: true };
}

/** What to write in place of a value of the wrong kind, where that can be told. */
function instead(node: Tree, types: readonly string[], words: readonly string[]): { readonly repair?: string } {
  if (node.kind !== "leaf" || node.filling) return {};
  const anyText = words.some((word) => word === "a text" || word === "a name");
  if (anyText && typeof node.value !== "string") return { repair: `quote it: "${node.raw}"` };
  if (types.includes("array")) return { repair: `write a list: [${node.raw}]` };
  if (types.includes("boolean") && /^(?:yes|on|no|off)$/i.test(node.raw)) return { repair: `write \`${/^(?:yes|on)$/i.test(node.raw)}\`` };
  return {};
}

function wrongValue(path: Path, allowed: readonly string[], tree: Tree): Finding {
  const node = nodeAt(tree, path);
  if (!node || isEmpty(node)) return missing(path, node);
  const words = allowed.map((word) => `\`${word}\``);
  const given = node.kind === "leaf" && !node.filling ? String(node.value) : "";
  const repair = allowed.length === 1 ? undefined : didYouMean(given, allowed);
  const message =
    words.length > 12 ? "this word is not known here" : `this must be ${words.length === 1 ? words[0] : `one of ${words.join(", ")}`}`;
  return { path, part: "value", message, ...(repair?.startsWith("did") && { repair }), expected: { kind: "oneOf", first: allowed[0]! } };
}

function outOfBounds(path: Path, issue: Extract<$ZodIssue, { code: "too_small" | "too_big" }>): Finding {
  if (issue.origin === "array")
    return { path, part: "key", message: "this list is empty", repair: "list at least one, or leave the key out" };
  const bound = issue.code === "too_small" ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
  return { path, part: "value", message: `this must be ${bound}`, expected: { kind: "number" } };
}

function isEmpty(node: Tree): boolean {
  return node.kind === "leaf" && node.value === null;
}

function expectedOf(type: string): Expected | undefined {
  if (type === "array") return { kind: "list" };
  if (type === "number" || type === "int") return { kind: "number" };
  return type === "boolean" ? { kind: "boolean" } : undefined;
}

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
