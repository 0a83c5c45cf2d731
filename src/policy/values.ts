/** The file that `values:` names: a map of typed values for `${NAME}`. */
import type { Span, Tree } from "./tree.ts";
import type { Value } from "./variables.ts";

type Refuse = (span: Span, message: string, repair?: string) => void;

/** Its values by name; what is none is refused. */
export function readValues(tree: Tree, refuse: Refuse): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  if (tree.kind !== "mapping") {
    refuse({ start: tree.start, end: tree.start + 1 }, "this file must be a map", "write `NAME: value`");
    return values;
  }
  for (const [name, entry] of tree.entries) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      refuse(entry.key, "the name of a value consists of letters, digits and `_`", "write it as in `NAME: value`");
    const value = valueOf(entry.value, refuse);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

function valueOf(tree: Tree, refuse: Refuse): Value | undefined {
  if (tree.kind === "leaf") return atomOf(tree, refuse);
  if (tree.kind === "mapping")
    return void refuse(
      { start: tree.start, end: tree.start + 1 },
      "a value is a text, a number, `true`, `false`, or a list of them",
      "give each value of the map a name of its own",
    );
  const atoms = tree.items.map((item) =>
    item.kind === "leaf" ? atomOf(item, refuse) : valueOf({ ...item, kind: "mapping", entries: new Map() }, refuse),
  );
  return atoms.filter((atom) => atom !== undefined && !Array.isArray(atom)) as Value;
}

function atomOf(tree: Extract<Tree, { kind: "leaf" }>, refuse: Refuse) {
  if (typeof tree.value !== "string" || !tree.value.includes("${")) return tree.value;
  return void refuse(tree, "a value cannot refer to another one", "write the value itself");
}
