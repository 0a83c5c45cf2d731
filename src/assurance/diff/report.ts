/** The difference as items for a reader: what widens first, routes with the same difference together. */
import { gainWords, lossWords } from "./access-words.ts";
import { type Difference, type GeneralDifference, isWideningRoute, type RouteDifference } from "./diff.ts";
import { type Change, isWidening } from "./setting.ts";

export interface Item {
  /** Routes, or what else it is about. */
  readonly subjects: readonly string[];
  readonly isWider: boolean;
  readonly lines: readonly Line[];
}

export interface Line {
  readonly kind: "gained" | "lost" | "changed";
  readonly isWider: boolean;
  readonly words: string;
}

export function itemsOf({ routes, general }: Difference): readonly Item[] {
  const items = [...routesTogether(routes), ...general.map(generalItem)];
  return [...items.filter(({ isWider }) => isWider), ...items.filter(({ isWider }) => !isWider)];
}

function routesTogether(routes: readonly RouteDifference[]): readonly Item[] {
  const found = new Map<string, Item>();
  for (const route of routes) {
    const lines = routeLines(route);
    const key = JSON.stringify(lines);
    const subjects = [...(found.get(key)?.subjects ?? []), ...route.labels];
    found.set(key, { subjects, isWider: isWideningRoute(route), lines });
  }
  return [...found.values()];
}

function routeLines({ gained, lost, changes }: RouteDifference): readonly Line[] {
  return [
    ...gained.map((change): Line => ({ kind: "gained", isWider: true, words: gainWords(change) })),
    ...lost.map((change): Line => ({ kind: "lost", isWider: false, words: lossWords(change) })),
    ...changeLines(changes),
  ];
}

function generalItem({ of, changes }: GeneralDifference): Item {
  return { subjects: [of], isWider: changes.some(isWidening), lines: changeLines(changes) };
}

function changeLines(changes: readonly Change[]): readonly Line[] {
  const lines = changes.map((change): Line => ({ kind: "changed", isWider: isWidening(change), words: changeWords(change) }));
  return lines.toSorted((left, right) => Number(right.isWider) - Number(left.isWider));
}

function changeWords({ aspect, before, after, effect }: Change): string {
  const how = effect === "neutral" ? "" : effect === "mixed" ? " (not comparable: counts as wider)" : ` (${effect})`;
  if (before === undefined) return `${aspect}: new, ${after}${how}`;
  return after === undefined ? `${aspect}: gone, was ${before}${how}` : `${aspect}: ${before} → ${after}${how}`;
}

/** `3 wider, 1 other`. */
export function summaryWords(items: readonly Item[]): string {
  const wider = items.filter(({ isWider }) => isWider).length;
  if (items.length === 0) return "No difference: everybody may do what they could before.";
  return `${wider === 0 ? "Nothing widens" : `${wider} ${wider === 1 ? "difference widens" : "differences widen"}`}, ${items.length - wider} ${items.length - wider === 1 ? "does" : "do"} not.`;
}
