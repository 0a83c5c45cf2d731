/** What a part of a schema looks like in a file. Only asked for a repair: a file without a mistake costs nothing here. */
import * as z from "zod";
import type { Path } from "../tree.ts";

/** An example where none can be made of the parts, or a poor one. Of the key of a record it is a key. */
export const shown = z.registry<{ readonly example: string }>();

/** A text of the file, and how it is written there. */
export interface Given {
  readonly value: unknown;
  readonly raw: string;
}

type Part = z.core.$ZodType;
type Keys = Readonly<Record<string, Part>>;

/** What may stand at a path, as it is declared; undefined where the path leads nowhere. */
export function partAt(root: Part, path: Path): Part | undefined {
  return path.reduce<readonly Part[]>((parts, step) => parts.flatMap(alternatives).flatMap((part) => stepInto(part, step)), [root])[0];
}

function stepInto(part: Part, step: string | number): readonly Part[] {
  const def = defOf(part);
  if (def.type === "array") return [def.element];
  if (def.type === "record") return [def.valueType];
  const child = keysOf(part)?.[String(step)];
  return child ? [child] : [];
}

export function isMap(part: Part): boolean {
  return defOf(part).type === "object";
}

export function isOptional(part: Part): boolean {
  return defOf(part).type === "optional";
}

/** Of a choice each thing that may stand there. */
export function alternatives(part: Part): readonly Part[] {
  const def = defOf(part);
  if (def.type === "union") return def.options.flatMap(alternatives);
  if (def.type === "optional") return alternatives(def.innerType);
  return def.type === "pipe" && !isText(part) ? alternatives(def.in) : [part];
}

/** A key of the record that the part is, or may be. */
export function keyExample(part: Part): string | undefined {
  return alternatives(part).flatMap((one) => (defOf(one).type === "record" ? [exampleOfKey(one)] : []))[0];
}

/** The part as the file would say it; of a map all keys that it must have, or its first. */
export function exampleOf(part: Part): string {
  const own = shown.get(part);
  if (own) return own.example;
  const def = defOf(part);
  switch (def.type) {
    case "object":
      return mapExample(def.shape);
    case "array":
      return `[${exampleOf(def.element)}]`;
    case "record":
      return `{ ${exampleOfKey(part)}: ${exampleOf(def.valueType)} }`;
    case "union":
      return exampleOf(likeliest(def.options));
    case "optional":
      return exampleOf(def.innerType);
    default:
      return wordExample(part);
  }
}

/** Single words such as `any` are the exception wherever something else may stand, too. */
function likeliest(parts: readonly Part[]): Part {
  return parts.find((part) => wordsOf(part).length === 0) ?? parts[0]!;
}

/** The words that a part consists of: none where it is open. */
export function wordsOf(part: Part): readonly string[] {
  const def = defOf(part);
  if (def.type === "literal") return def.values.map(String);
  return def.type === "enum" ? Object.values(def.entries).map(String) : [];
}

/** Whether a text may stand there, whatever it must say. */
export function isText(part: Part): boolean {
  const def = defOf(part);
  return def.type === "string" || (def.type === "pipe" && isText(def.in));
}

function wordExample(part: Part): string {
  const def = defOf(part);
  const about = z.globalRegistry.get(part);
  const [example] = Array.isArray(about?.["examples"]) ? (about["examples"] as readonly string[]) : [];
  if (example !== undefined) return quoted(example);
  if (def.type === "number") return leastOf(part);
  if (def.type === "boolean") return "true";
  if (def.type === "pipe" && about?.title === undefined) return exampleOf(def.in);
  return wordsOf(part)[0] ?? (about?.title ?? "text").toUpperCase();
}

function leastOf(part: Part): string {
  return String((part as z.ZodNumber).minValue ?? 1);
}

function exampleOfKey(part: Part): string {
  const def = defOf(part);
  if (def.type !== "record") return "NAME";
  return shown.get(def.keyType)?.example ?? wordsOf(def.keyType)[0] ?? "NAME";
}

/** The map with all keys that it must have, or with its first. */
function mapExample(keys: Keys): string {
  const needed = neededOf(keys);
  const told = needed.length > 0 ? needed : Object.keys(keys).slice(0, 1);
  return inBraces(told.map((key) => [key, exampleOf(keys[key]!)]));
}

/** The map that was meant by one value in its place; undefined where no key takes it. */
export function mapWith(part: Part, given: Given): string | undefined {
  const keys = keysOf(part);
  if (!keys || shown.get(part)) return undefined;
  const needed = neededOf(keys);
  const taker = takerOf(keys, needed, given);
  if (!taker) return undefined;
  const told = needed.includes(taker.key) ? needed : [...needed, taker.key];
  return inBraces(told.map((key) => [key, key === taker.key ? taker.text : exampleOf(keys[key]!)]));
}

function neededOf(keys: Keys): readonly string[] {
  return Object.keys(keys).filter((key) => !isOptional(keys[key]!));
}

function inBraces(entries: readonly (readonly [key: string, text: string])[]): string {
  return `{ ${entries.map(([key, text]) => `${key}: ${text}`).join(", ")} }`;
}

/** The key that was probably meant by one value in place of the map. */
function takerOf(keys: Keys, needed: readonly string[], { value, raw }: Given): { key: string; text: string } | undefined {
  if (raw.includes("${")) return takerOfReference(keys, needed, raw);
  for (const [key, part] of Object.entries(keys)) {
    if (z.safeParse(part, value).success) return { key, text: quoted(raw) };
    if (z.safeParse(part, [value]).success) return { key, text: `[${quoted(raw)}]` };
  }
  return undefined;
}

/** What it will hold is not known: a secret, where there is one, else the first value that is no map itself. */
function takerOfReference(keys: Keys, needed: readonly string[], raw: string): { key: string; text: string } | undefined {
  const plain = [...needed, ...Object.keys(keys)]
    .map((key) => ({ key, example: exampleOf(keys[key]!) }))
    .filter(({ example }) => !/[{[]/.test(example[0]!));
  const taker = plain.find(({ example }) => example.includes("${")) ?? plain[0];
  return taker && { key: taker.key, text: quoted(raw) };
}

/** As it can stand inside braces. */
function quoted(text: string): string {
  return /^["']/.test(text) || !/[[\]{},#&*!|>'"%@`]|:\s/.test(text) ? text : `"${text}"`;
}

function keysOf(part: Part): Keys | undefined {
  const def = defOf(part);
  return def.type === "object" ? def.shape : undefined;
}

type Definition = z.core.$ZodTypes["_zod"]["def"];

function defOf(part: Part): Definition {
  return (part as z.ZodType).def as Definition;
}
