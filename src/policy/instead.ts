/** What to write in place of a mistake, as the schema has it. */
import * as z from "zod";
import { maskLine } from "./mask.ts";
import { alternatives, exampleOf, type Given, isMap, isOptional, isText, keyExample, mapWith, partAt, wordsOf } from "./schema/example.ts";
import { nearest } from "./suggest.ts";
import type { Leaf, Path, Tree } from "./tree.ts";

type Part = z.core.$ZodType;

/** For a key that is not there. */
export function insteadOfNothing(schema: Part, path: Path): string | undefined {
  const part = partAt(schema, path);
  return part && `add \`${lineOf(path, exampleOf(part))}\``;
}

/** For a key, or an item, without a value. */
export function insteadOfEmptiness(schema: Part, path: Path): string | undefined {
  const part = partAt(schema, path);
  const mayGo = typeof path.at(-1) === "number" || (part && isOptional(part));
  return part && `${asInExample(path, exampleOf(part))}${mayGo ? ", or leave it out" : ""}`;
}

/** For a value that is none of what may stand there. Repeats it, unless it is a secret. */
export function insteadOfKind(schema: Part, path: Path, node: Tree, isSecret: boolean): string | undefined {
  const part = partAt(schema, path);
  if (!part) return undefined;
  const parts = alternatives(part);
  const words = parts.flatMap(wordsOf);
  const leaf = node.kind === "leaf" && !isSecret ? node : undefined;
  const correction = leaf && !leaf.filling ? corrected(parts, words, leaf) : undefined;
  if (correction !== undefined) return correction;
  const map = parts.find(isMap);
  const given = leaf && givenOf(leaf);
  const example = exampleOf(part);
  const sure = map && given ? mapWith(map, given) : words.find((word) => words.length === 1 && word === example);
  return sure === undefined ? asInExample(path, example) : `write \`${lineOf(path, sure)}\``;
}

/** For a list with nothing in it. */
export function insteadOfNoItems(schema: Part, path: Path): string {
  const part = partAt(schema, path);
  return `list at least one${part && isOptional(part) ? ", or leave the key out" : ""}`;
}

/** For a text that does not say what it must. */
export function insteadOfText(schema: Part, path: Path): string | undefined {
  const part = partAt(schema, path);
  return part && asInExample(path, exampleOf(part));
}

/** For a key of a record that cannot be one. */
export function insteadOfKey(schema: Part, path: Path): string | undefined {
  const record = partAt(schema, path.slice(0, -1));
  const key = record && keyExample(record);
  return key === undefined ? undefined : `write a key such as \`${key}\``;
}

function asInExample(path: Path, example: string): string {
  const line = lineOf(path, example);
  return line === example ? `write one such as \`${example}\`` : `write it as in \`${line}\``;
}

/** An item of a list has no key. */
function lineOf(path: Path, example: string): string {
  const key = path.at(-1);
  return typeof key === "string" ? `${key}: ${example}` : example;
}

/** The value with the least change that makes it fit. */
function corrected(parts: readonly Part[], words: readonly string[], { value, raw }: Leaf): string | undefined {
  const fits = (tried: unknown) => parts.some((part) => z.safeParse(part, tried).success);
  const bare = typeof value === "string" ? unquoted(value) : undefined;
  if (bare !== undefined && fits(bare)) return `write \`${value}\`, without quotes`;
  const word = typeof value === "string" ? nearest(value, words) : undefined;
  if (word !== undefined) return `did you mean \`${word}\`?`;
  if (typeof value !== "string" && parts.some(isText) && fits(raw)) return `quote it: "${raw}"`;
  const isQuantity = typeof value === "number" && parts.some((part) => /^\d/.test(exampleOf(part)));
  const unit = isQuantity ? UNITS.find((one) => fits(`${raw}${one}`)) : undefined;
  if (unit !== undefined) return `write the unit: \`${raw}${unit}\``;
  if (/^(?:yes|on|no|off)$/i.test(raw) && fits(true)) return `write \`${/^(?:yes|on)$/i.test(raw)}\``;
  return fits([value]) ? `write a list: [${raw}]` : undefined;
}

/** What a text would be without its quotes, where that is no text. */
function unquoted(text: string): number | boolean | undefined {
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  return text === "true" || text === "false" ? text === "true" : undefined;
}

/** What is most often meant where the unit is left out. */
const UNITS = ["s", "B", "/minute"];
const LONGEST_GIVEN = 80;

/** Undefined: the value is not to be repeated, or not on one line. */
function givenOf({ value, raw, filling }: Leaf): Given | undefined {
  const isPlain = raw.length <= LONGEST_GIVEN && !/[\n\\]/.test(raw) && maskLine(raw, 0, []) === raw;
  return isPlain ? { value: filling ? undefined : value, raw } : undefined;
}
