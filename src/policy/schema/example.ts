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

/** The part as the file would say it; of a map all keys that it must have, or its first. `given` goes where it fits. */
export function exampleOf(part: Part, given?: Given): string {
  const ownWords = shown.get(part)?.example;
  const def = defOf(part);
  switch (def.type) {
    case "object":
      return ownWords ?? mapExample(def.shape, given) ?? firstKey(def.shape);
    case "array":
      return ownWords ?? `[${exampleOf(def.element)}]`;
    case "record":
      return ownWords ?? `{ ${exampleOfKey(part)}: ${exampleOf(def.valueType)} }`;
    case "union":
      return ownWords ?? exampleOf(likeliest(def.options));
    case "optional":
      return ownWords ?? exampleOf(def.innerType);
    default:
      return ownWords ?? wordExample(part);
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

/** Undefined: no key must be there, and none takes what is given. */
function mapExample(keys: Keys, given: Given | undefined): string | undefined {
  const needed = Object.keys(keys).filter((key) => defOf(keys[key]!).type !== "optional");
  const taker = given && takerOf(keys, needed, given);
  const told = taker === undefined || needed.includes(taker.key) ? needed : [...needed, taker.key];
  if (told.length === 0) return undefined;
  return inBraces(told.map((key) => [key, key === taker?.key ? taker.text : exampleOf(keys[key]!)]));
}

function firstKey(keys: Keys): string {
  const [key, part] = Object.entries(keys)[0]!;
  return inBraces([[key, exampleOf(part)]]);
}

function inBraces(entries: readonly (readonly [key: string, text: string])[]): string {
  return `{ ${entries.map(([key, text]) => `${key}: ${text}`).join(", ")} }`;
}

/** The key that was probably meant by one value in place of the map: a secret's for a reference, else the first that takes it. */
function takerOf(keys: Keys, needed: readonly string[], { value, raw }: Given): { key: string; text: string } | undefined {
  if (raw.includes("${")) {
    const key = needed.find((one) => exampleOf(keys[one]!).includes("${")) ?? needed[0] ?? Object.keys(keys)[0]!;
    return { key, text: quoted(raw) };
  }
  for (const [key, part] of Object.entries(keys)) {
    if (z.safeParse(part, value).success) return { key, text: quoted(raw) };
    if (z.safeParse(part, [value]).success) return { key, text: `[${quoted(raw)}]` };
  }
  return undefined;
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
