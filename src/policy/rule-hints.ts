/** What to write where a route's rule is none: what newcomers write most often. */
import { nodeAt, type Path, type Tree } from "./tree.ts";

/** Keys that other gateways have for what `access` says. */
const MEANT_AS_ACCESS = new Set([
  "permission",
  "permissions",
  "scope",
  "scopes",
  "allow",
  "allowed",
  "auth",
  "authorize",
  "policy",
  "require",
  "required",
  "requires",
  "rule",
  "who",
]);
const COMBINATIONS = new Set(["anyOf", "allOf"]);
const WORDS = "`public`, `authenticated`, `denied` or a permission";

/** For a value that is no rule, or no `access`; undefined where the path leads to something else. */
export function ruleInstead(path: Path, node: Tree | undefined): string | undefined {
  const [block, route, key] = path;
  if (block !== "routes" || route === undefined || path.length > 3 || (path.length === 3 && key !== "access")) return undefined;
  const written = node && accessOf(node);
  const head = path.length === 3 ? "access" : String(route);
  if (node?.kind !== "list" || written === undefined) return `say who may call: ${WORDS}, as in \`${head}: notes.read\``;
  const isWord = node.items.length === 1;
  const value = isWord || path.length === 3 ? written : `{ access: ${written} }`;
  return `write \`${head}: ${value}\`${isWord ? "" : "; `allOf` where all of them are needed"}`;
}

/** For a key of a rule that stands in for `access`, or belongs below it. */
export function accessInstead(tree: Tree, path: Path): string | undefined {
  const [block, , key] = path;
  if (block !== "routes" || path.length !== 3) return undefined;
  const word = String(key);
  const node = nodeAt(tree, path);
  if (COMBINATIONS.has(word)) return `it belongs below \`access\`: \`access: { ${word}: ${listWords(node) ?? "[…]"} }\``;
  if (!MEANT_AS_ACCESS.has(word)) return undefined;
  return `write \`access: ${(node && accessOf(node)) ?? "notes.read"}\``;
}

/** The word, or the words of a list, as `access` takes them. */
function accessOf(node: Tree): string | undefined {
  if (node.kind === "leaf") return typeof node.value === "string" ? node.raw : undefined;
  const list = listWords(node);
  if (node.kind === "mapping" || list === undefined) return undefined;
  return node.items.length === 1 ? list.slice(1, -1) : `{ anyOf: ${list} }`;
}

function listWords(node: Tree | undefined): string | undefined {
  if (node?.kind !== "list" || node.items.length === 0) return undefined;
  const items = node.items.map((item) => (item.kind === "leaf" && typeof item.value === "string" ? item.raw : undefined));
  return items.every((item) => item !== undefined) ? `[${items.join(", ")}]` : undefined;
}
