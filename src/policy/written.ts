/** A draft as those see it who look at the operator's text: what is written where, and under which name. */
import type { FilePath, PolicyFile } from "../contract/policy-files.ts";
import type { Acceptances } from "./schema/accept.ts";
import { excerptAt, type Source } from "./source.ts";
import { nodeAt, spanAt, type Tree } from "./tree.ts";
import type { Draft } from "./validate.ts";

/** The file of a draft without a mistake. */
export function writtenFile({ source, tree, content }: Draft<{ readonly accept?: Acceptances | undefined }>): PolicyFile {
  const name = (path: FilePath) => nameOf(path, source, tree);
  return {
    acceptances: (content.accept ?? []).map(({ code, at, reason }, index) => ({ code, at, reason, path: ["accept", index] })),
    written: (path) => rawAt(tree, path),
    keys: (path) => keysOf(nodeAt(tree, path)),
    isUnknown: (path) => isUnknown(tree, path),
    nameOf: name,
    namesOfReferences: () => namesOfReferences(tree, name),
    show: (path, part) => excerptAt(source, spanAt(tree, path, part)),
  };
}

function rawAt(tree: Tree, path: FilePath): string | undefined {
  const node = nodeAt(tree, path);
  return node?.kind === "leaf" ? node.raw : undefined;
}

function keysOf(node: Tree | undefined): FilePath {
  if (node?.kind === "mapping") return [...node.entries.keys()];
  return node?.kind === "list" ? [...node.items.keys()] : [];
}

function isUnknown(tree: Tree, path: FilePath): boolean {
  const node = nodeAt(tree, path);
  if (node) return node.kind === "leaf" && node.filling?.standIn === true;
  const parent = nodeAt(tree, path.slice(0, -1));
  return parent?.kind === "mapping" && parent.leftOut?.has(String(path.at(-1))) === true;
}

/** The line of a route goes by its own name; an item of a list by its id or its text. */
function nameOf(path: FilePath, source: Source, tree: Tree): string {
  const isRoute = path[0] === "routes" && path.length > 1;
  const words = isRoute ? [String(path[1])] : [];
  let dotted = "";
  for (let length = isRoute ? 3 : 1; length <= path.length; length++) {
    const step = path[length - 1]!;
    if (typeof step === "string") dotted += dotted === "" ? step : `.${step}`;
    else {
      words.push(dotted, itemName(nodeAt(tree, path.slice(0, length)), step, source));
      dotted = "";
    }
  }
  return [...words, dotted].filter((word) => word !== "").join(" ");
}

/** A secret has no name but its place. */
function itemName(node: Tree | undefined, index: number, { secrets }: Source): string {
  const name = node?.kind === "mapping" ? node.entries.get("id")?.value : node;
  if (name?.kind !== "leaf" || secrets.some(({ start, end }) => start <= name.start && name.end <= end)) return String(index + 1);
  return name.raw.replace(/^(["'])(.*)\1$/s, "$2");
}

function namesOfReferences(tree: Tree, name: (path: FilePath) => string): ReadonlySet<string> {
  const names = new Set<string>();
  const walk = (node: Tree, path: FilePath): boolean => {
    const parts: (readonly [string | number, Tree])[] =
      node.kind === "mapping"
        ? [...node.entries].map(([key, entry]) => [key, entry.value] as const)
        : node.kind === "list"
          ? [...node.items.entries()]
          : [];
    const below = parts.map(([key, part]) => walk(part, [...path, key]));
    const leftOut = node.kind === "mapping" ? [...(node.leftOut ?? [])] : [];
    for (const key of leftOut) names.add(name([...path, key]));
    const isReference = node.kind === "leaf" && node.filling !== undefined;
    const holds = isReference || leftOut.length > 0 || below.includes(true);
    if (holds) names.add(name(path));
    return holds;
  };
  walk(tree, []);
  return names;
}
