/** What a policy sets beside access, in a form in which two policies can be compared: which way is wider is known of each. */
import { subtract } from "./networks.ts";

/**
 * `wider`: more is let through than before, or trusted. `mixed`: some more and some less, or it cannot be known; counts as widening.
 * `neutral`: nobody may do more or less.
 */
export type Effect = "wider" | "narrower" | "mixed" | "neutral";

export type Measure =
  /** `all`: no bound. */
  | { readonly kind: "set"; readonly values: "all" | readonly string[]; readonly more: Effect }
  /** Infinity: no bound. */
  | { readonly kind: "amount"; readonly amount: number; readonly more: Effect }
  | { readonly kind: "word"; readonly change: Effect }
  | { readonly kind: "networks"; readonly cidrs: "all" | readonly string[] }
  | { readonly kind: "rate"; readonly count: number; readonly windowMs: number; readonly bucket: string };

export interface Setting {
  /** What is set: `timeout connect`, `limit all`. Unique among the settings that are compared. */
  readonly aspect: string;
  /** The value as a person writes it. */
  readonly words: string;
  readonly measure: Measure;
  /** What it means that the setting is there. */
  readonly presence?: Effect;
  /** It belongs to another setting, and where it comes or goes with that one there is no more to say. */
  readonly isDetail?: true;
  /** It means nothing where no credential is read. */
  readonly ofCallers?: true;
}

export interface Change {
  readonly aspect: string;
  readonly before?: string;
  readonly after?: string;
  readonly effect: Effect;
  readonly ofCallers?: true;
}

/** What differs, in the order of the aspects. */
export function changesBetween(before: readonly Setting[], after: readonly Setting[]): readonly Change[] {
  const [was, is] = [before, after].map((settings) => new Map(settings.map((setting) => [setting.aspect, setting])));
  return [...new Set([...was!.keys(), ...is!.keys()])].flatMap((aspect) => changeOf(aspect, was!.get(aspect), is!.get(aspect)) ?? []);
}

function changeOf(aspect: string, was: Setting | undefined, is: Setting | undefined): Change | undefined {
  const { isDetail, ofCallers, presence = "neutral" } = (is ?? was)!;
  const about = { aspect, ...(ofCallers && { ofCallers }) };
  if (was && is) {
    const effect = effectOf(was, is);
    return effect && { ...about, before: was.words, after: is.words, effect };
  }
  if (isDetail) return undefined;
  return is ? { ...about, after: is.words, effect: presence } : { ...about, before: was!.words, effect: opposite(presence) };
}

/** Undefined: the same. */
function effectOf(was: Setting, is: Setting): Effect | undefined {
  const [old, current] = [was.measure, is.measure];
  if (old.kind === "set" && current.kind === "set")
    return bothWays(isMore(old.values, current.values), isMore(current.values, old.values), old.more);
  if (old.kind === "amount" && current.kind === "amount")
    return bothWays(old.amount > current.amount, current.amount > old.amount, old.more);
  if (old.kind === "networks" && current.kind === "networks")
    return bothWays(subtract(old.cidrs, current.cidrs), subtract(current.cidrs, old.cidrs), "wider");
  if (old.kind === "rate" && current.kind === "rate") return rateEffect(old, current);
  return was.words === is.words ? undefined : current.kind === "word" ? current.change : "mixed";
}

function bothWays(less: boolean, more: boolean, meaning: Effect): Effect | undefined {
  if (!less && !more) return undefined;
  if (meaning === "neutral") return "neutral";
  if (less && more) return "mixed";
  return more ? meaning : opposite(meaning);
}

function isMore(values: "all" | readonly string[], others: "all" | readonly string[]): boolean {
  if (others === "all") return false;
  return values === "all" || values.some((value) => !others.includes(value));
}

function opposite(effect: Effect): Effect {
  return effect === "wider" ? "narrower" : effect === "narrower" ? "wider" : effect;
}

type Rate = Extract<Measure, { kind: "rate" }>;

/** Whoever keeps the one rate keeps the other too: never more than N in any window. */
function rateEffect(was: Rate, is: Rate): Effect | undefined {
  if (was.bucket !== is.bucket) return "mixed";
  const oldHoldsNew = holds(was, is);
  const newHoldsOld = holds(is, was);
  if (oldHoldsNew && newHoldsOld) return undefined;
  if (oldHoldsNew) return "wider";
  return newHoldsOld ? "narrower" : "mixed";
}

function holds(kept: Rate, other: Rate): boolean {
  return kept.count * Math.ceil(other.windowMs / kept.windowMs) <= other.count;
}

export function isWidening({ effect }: Change): boolean {
  return effect === "wider" || effect === "mixed";
}
