/** L101, L102: lines that nobody can pass, and permissions that nothing grants by name. */
import type { Authenticator, Grants } from "../../../contract/authenticators.ts";
import type { Route } from "../../../contract/policy.ts";
import { satisfies } from "../../../decision/permission.ts";
import { type Holder, holdersOf } from "../holders.ts";
import { nearestPermission } from "../nearest-permission.ts";
import { type Observation, quoted, routeSpot, type ServiceRule, type ServiceSubject } from "../observation.ts";

/** Words that a rule says in place of a permission. */
const ACCESS_WORDS = ["public", "authenticated", "denied"];

export const permissions: ServiceRule = (subject) => {
  const holders = holdersOf(subject.service);
  const named = new Set(holders.flatMap(({ names }) => [...names]));
  const hint = hinter(subject, [...named, ...ACCESS_WORDS]);
  const seen = new Map<string, Verdict>();
  return subject.service.routes.flatMap((route): readonly Observation[] => {
    if (route.access.kind !== "permissions") return [];
    // lines of one rule and the same authenticators are all alike
    const key = JSON.stringify([route.rule, route.authenticators.map(({ name }) => name)]);
    const verdict = seen.get(key) ?? verdictOf(route, holders, named, hint);
    seen.set(key, verdict);
    return verdict.kind === "fine" ? [] : [{ ...routeSpot(subject, route), ...verdict.said }];
  });
};

type Said = Pick<Observation, "code" | "message" | "instead" | "misspelling">;
type Verdict = { readonly kind: "fine" } | { readonly kind: "found"; readonly said: Said };
type Hint = (names: readonly string[]) => Pick<Observation, "instead" | "misspelling">;

function verdictOf(route: Route, holders: readonly Holder[], named: Grants, hint: Hint): Verdict {
  const { access, authenticators } = route;
  if (access.kind !== "permissions") return { kind: "fine" };
  const counting = holders.filter(({ authenticator }) => authenticators.includes(authenticator));
  const unnamed = access.names.filter((name) => !named.has(name));
  const isOpen = counting.some(({ sets }) => satisfies(sets, access));
  if (!isOpen) return { kind: "found", said: { code: "L101", message: closedWords(route, unnamed), ...hint(unnamed) } };
  if (unnamed.length > 0) {
    const byWhat = counting.some(({ sets }) => sets.some((set) => set.has("*"))) ? "`*` alone" : "nothing";
    return { kind: "found", said: { code: "L102", message: `${quoted(unnamed)} is granted by ${byWhat}`, ...hint(unnamed) } };
  }
  if (counting.some(({ names }) => satisfies([names], access))) return { kind: "fine" };
  return { kind: "found", said: { code: "L102", message: `only who has \`*\` can hold \`${route.rule}\` here` } };
}

function closedWords({ authenticators, service, rule }: Route, unnamed: readonly string[]): string {
  const given = new Set(service.authenticators.flatMap(grantsOf).flatMap((grants) => [...grants]));
  const isCut = unnamed.every((name) => given.has(name));
  if (unnamed.length > 0) return `nobody can call this: ${quoted(unnamed)} is ${isCut ? "cut off by every role" : "granted by nothing"}`;
  const names = authenticators.map(({ name }) => name);
  const whose = names.length === service.authenticators.length ? "any authenticator" : quoted(names);
  return `nobody can call this: no caller of ${whose} can hold \`${rule}\``;
}

/** Of scopes, groups and secrets, whatever a role leaves of them. */
function grantsOf(authenticator: Authenticator): readonly Grants[] {
  const { scopes, groups, groupPatterns } = authenticator;
  const secrets = authenticator.kind === "bearer" ? authenticator.secrets : [];
  return [...scopes.values(), ...groups.values(), ...[...groupPatterns, ...secrets].map(({ grants }) => grants)];
}

/** What a misspelt permission was probably meant to be. Where no line asks for that one, either of the two may be the misspelt one. */
function hinter({ nearest, service }: ServiceSubject, candidates: readonly string[]): Hint {
  const needed = new Set(service.routes.flatMap(({ access }) => (access.kind === "permissions" ? access.names : [])));
  return (names) => {
    for (const asked of names) {
      const meant = nearestPermission(asked, candidates, nearest);
      if (meant === undefined) continue;
      const isAsked = needed.has(meant) || ACCESS_WORDS.includes(meant);
      const other = isAsked ? "" : " No line of this service asks for that one: the grant may be the misspelt one.";
      return { instead: `did you mean \`${meant}\`?${other}`, misspelling: { asked, granted: meant } };
    }
    return {};
  };
}
