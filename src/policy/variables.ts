/** `${…}` in a tree's texts and keys → their values. A variable that is missing is a fault, or offline a stand-in. */
import { createHash } from "node:crypto";
import { isAbsolute } from "node:path";
import { readText } from "./read.ts";
import type { SeenFiles } from "./seen.ts";
import type { Atom, Entry, Filling, Leaf, Mapping, Span, Tree } from "./tree.ts";

/** A typed value: from `values:` a text, a number, a boolean or a list of them; from the environment a text. */
export type Value = Atom | readonly Atom[];

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** From the file that `values:` names. */
  readonly values: ReadonlyMap<string, Value>;
  /** Missing variables are no fault. */
  readonly offline: boolean;
  /** Name → digest of the value, for the revision. */
  readonly resolved: Map<string, string>;
  /** Variables that must be set and are not. */
  readonly unset: Set<string>;
  /** Told of the files that `${file:…}` reads, before it does. */
  readonly files: Pick<SeenFiles, "add">;
  /** Hears of every reference to something that is not set, and where it stands. */
  readonly missed?: (name: string, span: Span, optional: boolean) => void;
}

type Refuse = (span: Span, message: string, repair?: string) => void;

type Found =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "unset" }
  | { readonly kind: "wrong"; readonly message: string; readonly repair?: string };

type Reference =
  | { readonly kind: "variable"; readonly name: string; readonly optional: boolean; readonly fallback?: string }
  | { readonly kind: "file"; readonly path: string };

const REFERENCE = /\$\{([^{}]*)\}/g;
const NAME = /^([A-Za-z_][A-Za-z0-9_]*)(\?|:-.*)?$/s;
const MAX_FILE_BYTES = 64 * 1024;

/** The tree with every reference filled in; `undefined` where an unset `${NAME?}` drops it whole. */
export function fillIn(tree: Tree, surroundings: Surroundings, refuse: Refuse): Tree | undefined {
  if (tree.kind === "leaf") return new LeafFiller(tree, surroundings, refuse).fill();
  if (tree.kind === "mapping") return fillMapping(tree, surroundings, refuse, false);
  const items = tree.items.map((item) =>
    item.kind === "mapping" ? fillMapping(item, surroundings, refuse, true) : fillIn(item, surroundings, refuse),
  );
  return { ...tree, items: items.filter((item) => item !== undefined) };
}

/** Most maps, and all rules but a few: they stay as they are. */
function holdsReference(tree: Tree): boolean {
  if (tree.kind === "leaf") return typeof tree.value === "string" && tree.value.includes("${");
  if (tree.kind === "list") return tree.items.some(holdsReference);
  for (const [key, { value }] of tree.entries) if (key.includes("${") || holdsReference(value)) return true;
  return false;
}

/** A dropped value takes its key along, or the whole list item where the map is one. */
function fillMapping(tree: Mapping, surroundings: Surroundings, refuse: Refuse, isItem: boolean): Mapping | undefined {
  if (!holdsReference(tree)) return tree;
  const entries = new Map<string, Entry>();
  const leftOut = new Set<string>();
  for (const [written, entry] of tree.entries) {
    const key = fillKey(written, entry, surroundings, refuse);
    const value = fillIn(entry.value, surroundings, refuse);
    if (key !== undefined && value) {
      if (entries.has(key)) refuse(entry.key, "two keys of this map have the same value", "leave one out");
      entries.set(key, { key: entry.key, value });
    } else if (isItem) return undefined;
    else if (key !== undefined) leftOut.add(key);
  }
  return { ...tree, entries, ...(leftOut.size > 0 && { leftOut }) };
}

function fillKey(written: string, entry: Entry, surroundings: Surroundings, refuse: Refuse): string | undefined {
  if (!written.includes("${")) return written;
  const leaf: Leaf = { kind: "leaf", ...entry.key, value: written, raw: written };
  const filled = new LeafFiller(leaf, surroundings, refuse).fill();
  return filled === undefined ? undefined : filled.kind === "leaf" ? String(filled.value) : written;
}

class LeafFiller {
  readonly #leaf: Leaf;
  readonly #surroundings: Surroundings;
  readonly #refuse: Refuse;

  constructor(leaf: Leaf, surroundings: Surroundings, refuse: Refuse) {
    this.#leaf = leaf;
    this.#surroundings = surroundings;
    this.#refuse = refuse;
  }

  fill(): Tree | undefined {
    const text = this.#leaf.value;
    if (typeof text !== "string" || !text.includes("${")) return this.#leaf;
    const matches = [...text.matchAll(REFERENCE)];
    if (text.replaceAll(REFERENCE, "").includes("${")) return this.#broken("a `${` is not closed", "${");
    const whole = matches.length === 1 && matches[0]![0] === text;
    return whole ? this.#fillWhole(text) : this.#fillParts(text, matches);
  }

  #fillWhole(text: string): Tree | undefined {
    const reference = this.#parse(text);
    if (!reference) return this.#unreadable();
    const found = this.#find(reference, text);
    if (found.kind === "value") return this.#treeOf(found.value, { name: nameOf(reference), whole: true, standIn: false });
    if (isOptional(reference) && found.kind === "unset") return undefined;
    return this.#standIn(reference, true, standInWord(nameOf(reference)));
  }

  #fillParts(text: string, matches: readonly RegExpMatchArray[]): Tree | undefined {
    let filled = "";
    let end = 0;
    let missing: Reference | undefined;
    for (const match of matches) {
      const reference = this.#parse(match[0]);
      if (!reference) return this.#unreadable();
      const found = this.#find(reference, match[0]);
      if (found.kind === "unset" && isOptional(reference)) return undefined;
      if (found.kind !== "value") missing = reference;
      filled += text.slice(end, match.index) + this.#part(found, reference, match[0]);
      end = match.index! + match[0].length;
    }
    filled += text.slice(end);
    if (missing) return this.#standIn(missing, false, filled);
    return { ...this.#leaf, value: filled, filling: { name: nameOf(this.#parse(matches[0]![0])!), whole: false, standIn: false } };
  }

  #part(found: Found, reference: Reference, written: string): string {
    if (found.kind !== "value") return standInWord(nameOf(reference));
    if (!Array.isArray(found.value)) return String(found.value);
    this.#complain(written, `\`${nameOf(reference)}\` is a list`, "let it stand alone, without text around it");
    return standInWord(nameOf(reference));
  }

  /** What a variable or a file holds. Its fault is said here; an unset one's too, where it must be set. */
  #find(reference: Reference, written: string): Found {
    const found = reference.kind === "file" ? this.#readFile(reference.path) : this.#lookUp(reference);
    if (found.kind === "value") {
      this.#surroundings.resolved.set(written, createHash("sha256").update(JSON.stringify(found.value)).digest("hex"));
      return found;
    }
    if (found.kind === "wrong") this.#complain(written, found.message, found.repair);
    else this.#miss(reference, written);
    return found;
  }

  #lookUp(reference: Extract<Reference, { kind: "variable" }>): Found {
    const { environment, values } = this.#surroundings;
    const own = Object.hasOwn(environment, reference.name) ? environment[reference.name] : undefined;
    const value = own === undefined || own === "" ? values.get(reference.name) : own;
    if (value !== undefined && value !== "" && value !== null) return { kind: "value", value };
    return reference.fallback === undefined ? { kind: "unset" } : { kind: "value", value: reference.fallback };
  }

  #readFile(path: string): Found {
    this.#surroundings.files.add(path);
    const result = readText(path, MAX_FILE_BYTES);
    if (result.kind === "refused") {
      return this.#surroundings.offline
        ? { kind: "unset" }
        : {
            kind: "wrong",
            message: `the file that this names ${result.reason}`,
            repair: result.repair ?? "put it there, where this user may read it",
          };
    }
    const value = result.text.replace(/\r?\n$/, "");
    return value === ""
      ? { kind: "wrong", message: "the file that this names is empty", repair: "write the value into it" }
      : { kind: "value", value };
  }

  #parse(written: string): Reference | undefined {
    const inner = written.slice(2, -1);
    if (inner.startsWith("file:")) return this.#parseFile(inner.slice(5), written);
    const match = NAME.exec(inner);
    if (!match) return void this.#broken("this is no reference that can be read", written);
    const suffix = match[2] ?? "";
    if (suffix === ":-")
      return void this.#complain(
        written,
        "the default is empty",
        `write \`\${${match[1]}?}\` to leave the key out when the variable is unset`,
      );
    return { kind: "variable", name: match[1]!, optional: suffix === "?", ...(suffix.startsWith(":-") && { fallback: suffix.slice(2) }) };
  }

  #parseFile(path: string, written: string): Reference | undefined {
    if (isAbsolute(path)) return { kind: "file", path };
    return void this.#complain(written, "the path of a file must be absolute", "write it as `${file:/run/secrets/NAME}`");
  }

  #treeOf(value: Value, filling: Filling): Tree {
    const { start, end, raw } = this.#leaf;
    if (!Array.isArray(value)) return { kind: "leaf", start, end, raw, value: value as Atom, filling };
    const items = value.map((item: Atom): Leaf => ({ kind: "leaf", start, end, raw, value: item, filling: { ...filling, whole: false } }));
    return { kind: "list", start, end, items };
  }

  #standIn(reference: Reference, whole: boolean, value: string): Leaf {
    return { ...this.#leaf, value, filling: { name: nameOf(reference), whole, standIn: true } };
  }

  #broken(message: string, written: string): Leaf {
    this.#complain(written, message, "write `${NAME}`, `${NAME:-default}`, `${NAME?}` or `${file:/run/secrets/NAME}`");
    return this.#unreadable();
  }

  /** The fault was said; what stands there now must not give another one. */
  #unreadable(): Leaf {
    return { ...this.#leaf, value: standInWord(""), filling: { name: "", whole: true, standIn: true } };
  }

  #miss(reference: Reference, written: string): void {
    const name = nameOf(reference);
    this.#surroundings.missed?.(name, this.#spanOf(written), isOptional(reference));
    if (isOptional(reference)) return;
    this.#surroundings.unset.add(name);
    if (this.#surroundings.offline) return;
    this.#complain(
      written,
      `\`${name}\` is not set, or empty`,
      `set it; \`\${file:/run/secrets/NAME}\` reads a secret from a file, and \`\${${name}:-…}\` has a default for what is none`,
    );
  }

  #complain(written: string, message: string, repair?: string): void {
    this.#refuse(this.#spanOf(written), message, repair);
  }

  #spanOf(written: string): Span {
    const { start, raw } = this.#leaf;
    const offset = raw.indexOf(written);
    return offset === -1 ? this.#leaf : { start: start + offset, end: start + offset + written.length };
  }
}

function isOptional(reference: Reference): boolean {
  return reference.kind === "variable" && reference.optional;
}

function nameOf(reference: Reference): string {
  return reference.kind === "variable" ? reference.name : reference.path.slice(reference.path.lastIndexOf("/") + 1);
}

/** A word that shows where it comes from, and that is fit to stand in a host name. */
export function standInWord(name: string): string {
  const word = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  return word === "" ? "variable" : word;
}
