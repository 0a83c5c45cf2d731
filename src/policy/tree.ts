/** A file's content as values that know where they stand: every later step finds the place of a mistake here. */

/** Offsets in the file's text; `end` is exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type Atom = string | number | boolean | null;
export type Path = readonly (string | number)[];

/** How a `${…}` made a leaf's value. */
export interface Filling {
  readonly name: string;
  /** The value is one reference and nothing else, so that it may stand for a list or a number. */
  readonly whole: boolean;
  /** The variable is not set; the value only keeps the checks going. */
  readonly standIn: boolean;
}

export interface Leaf extends Span {
  readonly kind: "leaf";
  readonly value: Atom;
  /** As written in the file. */
  readonly raw: string;
  readonly filling?: Filling;
}

export interface List extends Span {
  readonly kind: "list";
  readonly items: Tree[];
}

export interface Entry {
  readonly key: Span;
  value: Tree;
}

export interface Mapping extends Span {
  readonly kind: "mapping";
  readonly entries: Map<string, Entry>;
  /** Keys whose value was an optional reference that is not set. */
  readonly leftOut?: ReadonlySet<string>;
}

export type Tree = Leaf | List | Mapping;

/** The node at a path; undefined where nothing stands there. */
export function nodeAt(tree: Tree, path: Path): Tree | undefined {
  let node: Tree | undefined = tree;
  for (const step of path) {
    if (node?.kind === "mapping") node = node.entries.get(String(step))?.value;
    else if (node?.kind === "list") node = node.items[Number(step)];
    else return undefined;
  }
  return node;
}

/** Puts another node in the place of the one at the path, which must exist. */
export function replaceNode(tree: Tree, path: Path, node: Tree): void {
  const parent = nodeAt(tree, path.slice(0, -1));
  const last = path.at(-1)!;
  if (parent?.kind === "list") parent.items[Number(last)] = node;
  if (parent?.kind === "mapping") parent.entries.get(String(last))!.value = node;
}

/** Where a mistake at the path is shown: the value or its key; where neither stands, the nearest thing around it. */
export function spanAt(tree: Tree, path: Path, part: "key" | "value"): Span {
  const node = nodeAt(tree, path);
  const key = keySpan(tree, path);
  if (node && part === "value" && node.kind === "leaf") return node;
  if (key) return key;
  if (node && path.length > 0) return node;
  return path.length === 0 ? beginning(tree) : spanAt(tree, path.slice(0, -1), "key");
}

function keySpan(tree: Tree, path: Path): Span | undefined {
  const parent = path.length === 0 ? undefined : nodeAt(tree, path.slice(0, -1));
  return parent?.kind === "mapping" ? parent.entries.get(String(path.at(-1)))?.key : undefined;
}

function beginning(tree: Tree): Span {
  return { start: tree.start, end: tree.start + 1 };
}

/** The bare values; maps have no prototype, so that no key of a stranger's means anything. */
export function plain(tree: Tree): unknown {
  if (tree.kind === "leaf") return tree.value;
  if (tree.kind === "list") return tree.items.map(plain);
  const record = Object.create(null) as Record<string, unknown>;
  for (const [key, entry] of tree.entries) record[key] = plain(entry.value);
  return record;
}

/** Whether some leaf of it is there only because a variable is not set. */
export function holdsStandIn(tree: Tree | undefined): boolean {
  if (tree?.kind === "leaf") return tree.filling?.standIn === true;
  const parts = tree?.kind === "list" ? tree.items : [...(tree?.entries.values() ?? [])].map((entry) => entry.value);
  return parts.some(holdsStandIn);
}

/** The keys of a map at the path; none where no map stands there. */
export function keysAt(tree: Tree, path: Path): readonly string[] {
  const node = nodeAt(tree, path);
  return node?.kind === "mapping" ? [...node.entries.keys()] : [];
}
