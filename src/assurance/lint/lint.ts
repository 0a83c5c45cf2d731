/** The linter: what in a policy that loads is probably not meant, and what of it the operator has accepted. */
import { LINT, LINT_CODES, type LintCode, type LintLevel } from "../../contract/lint-codes.ts";
import type { Excerpt, PolicyFile, PolicyFiles } from "../../contract/policy-files.ts";
import type { Policy, Service } from "../../contract/policy.ts";
import type { Observation, PolicyRule, ServiceRule, Subject } from "./observation.ts";
import { sharedAuthenticators, useOfAuthenticators } from "./rules/authenticators.ts";
import { mountsOf } from "./mounts.ts";
import { bounds } from "./rules/bounds.ts";
import { changes } from "./rules/changes.ts";
import { cors } from "./rules/cors.ts";
import { doors } from "./rules/doors.ts";
import { encodedSlashes } from "./rules/encoded-slashes.ts";
import { grantsOfService } from "./rules/grants.ts";
import { hosts } from "./rules/hosts.ts";
import { gatewayLimits, limits } from "./rules/limits.ts";
import { permissions } from "./rules/permissions.ts";
import { hiddenRoutes } from "./rules/prefixes.ts";
import { roles } from "./rules/roles.ts";
import { secretsOfGateway, secretsOfService } from "./rules/secrets.ts";
import { tenants } from "./rules/tenants.ts";
import { tokens } from "./rules/tokens.ts";
import { upstream } from "./rules/upstream.ts";
import { wildcards } from "./rules/wildcards.ts";

export interface Finding {
  readonly code: LintCode;
  readonly level: LintLevel;
  /** The place's name, by which the finding can be accepted. */
  readonly at: string;
  readonly place: Excerpt;
  readonly message: string;
  /** What to write instead. */
  readonly instead: string;
}

export interface Linted {
  /** Not accepted; by file, then by place. */
  readonly findings: readonly Finding[];
  readonly accepted: readonly (Finding & { readonly reason: string })[];
}

const POLICY_RULES: readonly PolicyRule[] = [doors, hosts, sharedAuthenticators, gatewayLimits, secretsOfGateway];

const SERVICE_RULES: readonly ServiceRule[] = [
  permissions,
  changes,
  wildcards,
  encodedSlashes,
  hiddenRoutes,
  grantsOfService,
  roles,
  useOfAuthenticators,
  tokens,
  secretsOfService,
  upstream,
  cors,
  tenants,
  limits,
  bounds,
];

/** All findings of a policy; `now` in epoch milliseconds, `nearest` for the words that were probably meant. */
export function lint(policy: Policy, files: PolicyFiles, now: number, nearest: Subject["nearest"]): Linted {
  const ofServices = new Map(policy.services.map((service) => [service, files.ofService(service)]));
  const known: PolicyFiles = { gateway: files.gateway, ofService: (service: Service) => ofServices.get(service)! };
  const subject: Subject = { policy, files: known, now, nearest: sparing(nearest), mounts: mountsOf(policy.hosts) };
  const observations = [
    ...POLICY_RULES.flatMap((rule) => rule(subject)),
    ...[...ofServices].flatMap(([service, file]) => SERVICE_RULES.flatMap((rule) => rule({ ...subject, service, file }))),
  ];
  return settled(toldOnce(observations), [files.gateway, ...ofServices.values()]);
}

/** How many words are compared to find what was meant: where very many are misspelt the first ones tell. */
const MOST_COMPARISONS = 50_000;

function sparing(nearest: Subject["nearest"]): Subject["nearest"] {
  let left = MOST_COMPARISONS;
  return (word, candidates) => {
    if (left <= 0) return undefined;
    const words = [...candidates];
    left -= words.length;
    return nearest(word, words);
  };
}

/** A misspelt permission is told at the line that asks, which cannot work, and not again at the grant that nothing needs then. */
function toldOnce(observations: readonly Observation[]): readonly Observation[] {
  const told = new Set(observations.filter(({ code }) => code !== "L201").map(pairOf));
  return observations.filter((one) => one.code !== "L201" || !one.misspelling || !told.has(pairOf(one)));
}

function pairOf({ misspelling }: Observation): string | undefined {
  return misspelling && JSON.stringify([misspelling.asked, misspelling.granted]);
}

/* ── acceptances ──────────────────────────────────────────────────────── */

/** Findings of each file beside its acceptances; what an acceptance stands for without need is one more. */
function settled(observations: readonly Observation[], files: readonly PolicyFile[]): Linted {
  const byFile = Map.groupBy(observations, ({ file }) => file);
  const findings: Finding[] = [];
  const accepted: (Finding & { readonly reason: string })[] = [];
  for (const file of files) {
    const reasons = new Reasons(file);
    const inOrder = (byFile.get(file) ?? []).map(findingOf).toSorted(byPlace);
    for (const finding of distinct(inOrder)) {
      const reason = reasons.of(finding);
      if (reason === undefined) findings.push(finding);
      else accepted.push({ ...finding, reason });
    }
    findings.push(...reasons.unused().map(findingOf));
  }
  return { findings, accepted };
}

function findingOf({ code, file, path, part = "value", message, instead }: Observation): Finding {
  const entry = LINT[code];
  return { code, level: entry.level, at: file.nameOf(path), place: file.show(path, part), message, instead: instead ?? entry.instead };
}

function byPlace(left: Finding, right: Finding): number {
  const order = left.place.line - right.place.line || left.place.column - right.place.column;
  return order || LINT_CODES.indexOf(left.code) - LINT_CODES.indexOf(right.code);
}

/** Two services can see the same thing in a block that they share. */
function distinct(findings: readonly Finding[]): readonly Finding[] {
  return [...new Map(findings.map((one) => [JSON.stringify([one.code, one.at, one.message]), one])).values()];
}

/** The acceptances of one file, and which of them were needed. */
class Reasons {
  readonly #file: PolicyFile;
  readonly #reasons = new Map<string, string>();
  readonly #needed = new Set<string>();

  constructor(file: PolicyFile) {
    this.#file = file;
    for (const { code, at, reason } of file.acceptances) for (const place of at) this.#reasons.set(keyOf(code, place), reason);
  }

  of({ code, at }: Finding): string | undefined {
    const key = keyOf(code, at);
    this.#needed.add(key);
    return this.#reasons.get(key);
  }

  /** With other variables a place that holds a reference may be found again: what is accepted there is never without need. */
  unused(): readonly Observation[] {
    const places = this.#file.acceptances.flatMap(({ code, at, path }) =>
      at.map((place, index) => ({ code, place, path: [...path, "at"], index })),
    );
    const without = places.filter(({ code, place }) => !this.#needed.has(keyOf(code, place)));
    if (without.length === 0) return [];
    const references = this.#file.namesOfReferences();
    return without
      .filter(({ place }) => !references.has(place))
      .map(({ code, place, path, index }) => {
        const isList = this.#file.keys(path).length > 0;
        return { code: "L001", file: this.#file, path: isList ? [...path, index] : path, message: `${code} is not found at \`${place}\`` };
      });
  }
}

function keyOf(code: LintCode, place: string): string {
  return `${code} ${place}`;
}
