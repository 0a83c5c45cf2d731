/** Classes of caller that no route of the service tells apart, as one column, with words for each. */
import { type Grant, proverWords, roleWords } from "../classes/caller.ts";
import type { CallerClass } from "../classes/verdicts.ts";
import type { Cell, ServiceMatrix } from "./matrix.ts";

export interface Column {
  /** One for each authenticator: `people, role viewer or itsm_agent`. */
  readonly words: readonly string[];
  /** One for each row. */
  readonly cells: readonly Cell[];
}

/** In the order of the classes; nobody stands first. */
export function columnsOf({ classes, rows }: ServiceMatrix): readonly Column[] {
  const found = new Map<string, { readonly members: CallerClass[]; readonly cells: readonly Cell[] }>();
  for (const [index, one] of classes.entries()) {
    const cells = rows.map((row) => row.cells[index]!);
    const key = JSON.stringify(cells);
    const column = found.get(key) ?? { members: [], cells };
    column.members.push(one);
    found.set(key, column);
  }
  return [...found.values()].map(({ members, cells }) => ({ words: classWords(members, classes), cells }));
}

/** What the classes have in common comes first; `all` tells which roles there are. */
function classWords(members: readonly CallerClass[], all: readonly CallerClass[]): readonly string[] {
  const provers = [...new Set(members.map(({ stance }) => proverWords(stance)))];
  return provers.flatMap((prover) => {
    const own = members.filter(({ stance }) => proverWords(stance) === prover);
    const known = all.filter(({ stance }) => proverWords(stance) === prover);
    const roleCount = new Set(known.map(({ stance }) => stance.role)).size;
    return proverLines(prover, own, { roleCount, hasGrants: known.some(({ grants }) => grants.length > 0) });
  });
}

interface Known {
  readonly roleCount: number;
  readonly hasGrants: boolean;
}

function proverLines(prover: string, members: readonly CallerClass[], { roleCount, hasGrants }: Known): readonly string[] {
  const rolesByGrants = grouped(
    members,
    ({ grants }) => grantsWords(grants),
    ({ stance }) => stance.role,
  );
  const grantsByRoles = grouped(
    [...rolesByGrants],
    ([, roles]) => rolesWords(roles, roleCount),
    ([grants]) => grants,
  );
  return [...grantsByRoles].map(([roles, grants]) =>
    [prover, ...(hasGrants ? [grants.map((one) => one || "no grant").join(" | ")] : []), ...(roles === "" ? [] : [roles])].join(", "),
  );
}

function rolesWords(roles: readonly (string | undefined)[], count: number): string {
  if (roles[0] === undefined) return "";
  return roles.length === count ? "any role" : `role ${roles.map((role) => roleWords(role!)).join(" | ")}`;
}

/** `scope a + group b`. */
export function grantsWords(grants: readonly Grant[]): string {
  return grants.map(({ kind, name }) => `${kind === "scope" ? "scope" : "group"} ${name}`).join(" + ");
}

function grouped<Item, Value>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  valueOf: (item: Item) => Value,
): ReadonlyMap<string, readonly Value[]> {
  const groups = new Map<string, Value[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), valueOf(item)]);
  return groups;
}
