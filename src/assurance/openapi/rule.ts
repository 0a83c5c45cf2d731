/** What an operation asks of its callers → the rule of a line: the same or narrower, and `denied` where that cannot be told. */
import type { Alternative, Operation, Requirement } from "./model.ts";
import type { MappedScheme } from "./schemes.ts";

export type Rule =
  | { readonly kind: "denied"; readonly reasons: readonly string[] }
  | {
      readonly kind: "access";
      readonly need: "authenticated" | "any" | "all";
      /** Empty where `need` is `authenticated`. */
      readonly permissions: readonly string[];
      readonly authenticators: readonly string[];
      /** Where it is narrower than the document. */
      readonly reasons: readonly string[];
    };

export function denied(...reasons: readonly string[]): Rule {
  return { kind: "denied", reasons };
}

type Schemes = ReadonlyMap<string, MappedScheme>;

export function ruleOf({ security }: Operation, schemes: Schemes): Rule {
  switch (security.kind) {
    case "unsaid":
      return denied("the document says nothing of credentials");
    case "none":
      return denied("the document asks for no credential: `public` would open it to everybody");
    case "unreadable":
      return denied("its `security` cannot be read");
    case "alternatives":
      return ruleOfAlternatives(security.alternatives, schemes);
  }
}

/** One alternative that a single credential can meet. */
interface Option {
  /** As the document spells it. */
  readonly scheme: string;
  readonly authenticator: string;
  readonly permissions: readonly string[];
}

function ruleOfAlternatives(alternatives: readonly Alternative[], schemes: Schemes): Rule {
  const read = alternatives.map((alternative) => optionOf(alternative, schemes));
  const reasons = read.filter((one) => typeof one === "string");
  const options = read.filter((one) => typeof one !== "string");
  const demands = demandsOf(options);
  const chosen = [...demands.values()].find((demand) => isSayable(demand));
  if (!chosen) return denied(...(demands.size > 0 ? ["no rule says its combinations of scopes"] : []), ...reasons);
  const same = (demand: Demand): boolean => JSON.stringify(demand) === JSON.stringify(chosen);
  const counting = [...demands].filter(([, demand]) => same(demand)).map(([name]) => name);
  const others = [...demands.keys()].filter((name) => !counting.includes(name));
  const spelled = new Map(options.map(({ authenticator, scheme }) => [authenticator, scheme]));
  const left = others.map((name) => `callers with \`${spelled.get(name)}\` are left out: they would need a rule of their own`);
  return { kind: "access", ...accessOf(chosen), authenticators: counting, reasons: [...reasons, ...left] };
}

/** In words where no single credential that an authenticator proves is enough. */
function optionOf(alternative: Alternative, schemes: Schemes): Option | string {
  const [requirement, ...others] = alternative;
  if (!requirement) return "the document lets callers without a credential in too";
  if (others.length > 0) return `${alternative.map(({ scheme }) => `\`${scheme}\``).join(" and ")} are asked for together`;
  const scheme = schemes.get(requirement.scheme);
  if (!scheme) return `the document has no scheme \`${requirement.scheme}\``;
  if (scheme.kind === "unmapped") return `\`${requirement.scheme}\` has no counterpart (${scheme.words})`;
  return optionBy(requirement, scheme.authenticator);
}

function optionBy(
  { scheme, scopes }: Requirement,
  { name, scopes: known }: Extract<MappedScheme, { kind: "authenticator" }>["authenticator"],
): Option | string {
  const permissions = new Set<string>();
  for (const scope of scopes) {
    const permission = known.get(scope);
    if (permission === undefined) return `no file can hold the scope ${JSON.stringify(scope)}`;
    permissions.add(permission);
  }
  return { scheme, authenticator: name, permissions: [...permissions].toSorted() };
}

/* ── demands ──────────────────────────────────────────────────────────── */

/** Sets of permissions of which one is enough, none of them holding another one; `[[]]`: any caller. */
type Demand = readonly (readonly string[])[];

function demandsOf(options: readonly Option[]): ReadonlyMap<string, Demand> {
  const sets = new Map<string, (readonly string[])[]>();
  for (const { authenticator, permissions } of options) sets.set(authenticator, [...(sets.get(authenticator) ?? []), permissions]);
  return new Map([...sets].map(([name, of]) => [name, smallest(of)]));
}

function smallest(sets: readonly (readonly string[])[]): Demand {
  const distinct = [...new Map(sets.map((set) => [JSON.stringify(set), set])).values()];
  return distinct
    .filter((set) => !distinct.some((other) => other !== set && other.every((one) => set.includes(one))))
    .toSorted((left, right) => (JSON.stringify(left) < JSON.stringify(right) ? -1 : 1));
}

function isSayable(demand: Demand): boolean {
  return demand.length === 1 || demand.every((set) => set.length === 1);
}

function accessOf(demand: Demand): Pick<Extract<Rule, { kind: "access" }>, "need" | "permissions"> {
  const permissions = demand.flat();
  if (permissions.length === 0) return { need: "authenticated", permissions };
  return { need: demand.length === 1 ? "all" : "any", permissions };
}

/** Whether the same callers may do what both rules say. */
export function isSameRule(left: Rule, right: Rule): boolean {
  const essence = (rule: Rule) => (rule.kind === "denied" ? "denied" : [rule.need, rule.permissions, rule.authenticators.toSorted()]);
  return JSON.stringify(essence(left)) === JSON.stringify(essence(right));
}
