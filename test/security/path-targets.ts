/** Targets that try to be read as something else than they are. */
import fc from "fast-check";
import type { Service } from "../../src/contract/policy.ts";
import { prefixSegments } from "../../src/policy/table.ts";
import { anyLiteral, type Table, type TableRoute } from "./path-tables.ts";

const TRICKS = [
  ["/", "//", "/./", "/../", "..", ".", ";", ";x=1", "..;", "\\", "?", "#"],
  ["%", "%25", "%2525", "\u0000", "\t", " ", "~", "+", "*", ":"],
  ["%2e", "%2E%2e", "%252e", "%2f", "%2F", "%252f", "%5c", "%255c", "%3b", "%3f", "%23", "%00", "%09", "%0a", "%0d%0a", "%7f", "%20"],
  ["%c0%ae", "%c0%af", "%e0%80%af", "%ff", "%u002e", "%zz", "%a", "%25u002e", "%25%32%65", "%2%35", "%c2%85", "%c2%a0", "%e2%80%8b"],
  ["%ef%bc%8e", "%ef%bc%8f", "%ef%bc%bb", "%ef%bc%9b", "%ef%bc%9f", "%ef%bc%83", "%ef%bc%85", "%e2%88%95", "%e2%a7%b5", "%cc%88"],
  ["%ef%bd%81", "%ef%bc%a1", "%ef%ac%81", "%c5%bf", "%e2%84%aa", "%c4%b0", "\u00fc", "%ed%a0%80", "%f0%9f%98%80"],
].flat();

type Mutation =
  | { readonly kind: "insert"; readonly at: number; readonly trick: string }
  | { readonly kind: "replace"; readonly at: number; readonly trick: string }
  | { readonly kind: "encode" | "encodeTwice" | "flipCase" | "remove"; readonly at: number };

const anyMutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant("insert"), at: fc.nat(40), trick: fc.constantFrom(...TRICKS) }),
  fc.record({ kind: fc.constant("replace"), at: fc.nat(40), trick: fc.constantFrom(...TRICKS) }),
  fc.record({ kind: fc.constantFrom("encode", "encodeTwice", "flipCase", "remove"), at: fc.nat(40) }),
);

/** What fills a placeholder: mostly a literal of the same table, so that a reading might take it for that literal. */
interface Filling {
  readonly literal: number;
  readonly disguise: (text: string) => string;
}

const DISGUISES: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => text.toLowerCase(),
  (text) => `${text};x`,
  (text) => `${text}?x`,
  (text) => `${text}#`,
  (text) => `${text}\u0000`,
  (text) => ` ${text}`,
  (text) => `${text}/..`,
  (text) => `${text}\\`,
  (text) => encodeURIComponent(text).replaceAll(/[a-z]/g, hex),
  (text) => text.replaceAll(/[a-z]/g, (letter) => String.fromCodePoint(letter.codePointAt(0)! + 0xfee0)),
  () => "acme",
  () => "..",
  () => ";",
  () => "@scope/name",
  () => "a%b",
];

const anyFilling: fc.Arbitrary<Filling> = fc.record({ literal: fc.nat(40), disguise: fc.constantFrom(...DISGUISES) });
const anyText = fc.string({ unit: "grapheme", maxLength: 5 }).map((text) => ({ literal: 0, disguise: () => text }));

const anyMutations: fc.Arbitrary<readonly Mutation[]> = fc.oneof(fc.constant([]), fc.array(anyMutation, { maxLength: 3 }));

/** A path that some line of the table has, mutated; or pieces put together at random. */
export const targetSketch = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("mutated"),
      line: fc.nat(20),
      fillings: fc.array(fc.oneof({ weight: 6, arbitrary: anyFilling }, anyText), { minLength: 4, maxLength: 4 }),
      mutations: anyMutations,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("pieces"),
      pieces: fc.array(fc.oneof(fc.constantFrom(...TRICKS), anyLiteral.map(encodeURIComponent), fc.constant("/")), { maxLength: 10 }),
    }),
  },
);
export type TargetSketch = typeof targetSketch extends fc.Arbitrary<infer Sketch> ? Sketch : never;

export interface Asked {
  readonly method: string;
  /** The raw request target. */
  readonly target: string;
}

/** The request that a sketch stands for in this table. */
export function askedIn(table: Table, sketch: TargetSketch): Asked {
  if (sketch.kind === "pieces") return { method: "GET", target: `/${sketch.pieces.join("")}` };
  const lines = [...table.routesOf.values()].flat();
  const line = lines[sketch.line % Math.max(1, lines.length)];
  if (!line) return { method: "GET", target: "/" };
  const start = prefixOf(line.route.service).length;
  const filled = line.segments.map((one, index) =>
    one.kind === "literal" ? one.text : fill(sketch.fillings[index % 4]!, literalsAt(lines, start + index)),
  );
  const plain = `/${[...prefixOf(line.route.service), ...filled].map(encoded).join("/")}`;
  return { method: line.route.method, target: sketch.mutations.reduce(mutated, plain) };
}

/** What stands in this place in some line of the table; anything of it where there is nothing. */
function literalsAt(lines: readonly TableRoute[], place: number): readonly string[] {
  const paths = lines.map(({ route, segments }) => [
    ...prefixOf(route.service),
    ...segments.map((one) => (one.kind === "literal" ? one.text : "")),
  ]);
  const there = paths.map((path) => path[place] ?? "").filter(Boolean);
  return there.length > 0 ? there : paths.flat().filter(Boolean);
}

function prefixOf({ prefixes }: Service): readonly string[] {
  return prefixSegments(prefixes[0] ?? "");
}

function fill({ literal: index, disguise }: Filling, literals: readonly string[]): string {
  return disguise(literals[index % Math.max(1, literals.length)] ?? "x");
}

function encoded(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : "x";
}

function mutated(target: string, mutation: Mutation): string {
  const at = 1 + (mutation.at % Math.max(1, target.length));
  const [before, character, after] = [target.slice(0, at), target.slice(at, at + 1), target.slice(at + 1)];
  switch (mutation.kind) {
    case "insert":
      return before + mutation.trick + character + after;
    case "replace":
      return before + mutation.trick + after;
    case "encode":
      return before + hex(character) + after;
    case "encodeTwice":
      return before + hex(character).replaceAll("%", "%25") + after;
    case "flipCase":
      return before + (character === character.toLowerCase() ? character.toUpperCase() : character.toLowerCase()) + after;
    case "remove":
      return before + after;
  }
}

function hex(character: string): string {
  return [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}
