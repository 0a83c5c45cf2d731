/** The token differential: no token that AWS's verifier refuses is taken by the gateway, and every difference the other way has a name. */
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { DIFFERENCES, explain } from "./token-differential-classes.ts";
import { createTheirJudge, createOurJudge, type OurJudge, type TheirVerdict, type Verdict } from "./token-differential-judges.ts";
import { createKeyRing, type KeyRing } from "./token-differential-keys.ts";
import { cook, type Recipe, recipes, type Use } from "./token-differential-tokens.ts";

/** The one class of tokens that they refuse and we take: `nbf` within the minute by which clocks may differ (DESIGN section 5). */
export const EARLY = "nbf within a minute";

export const CLASSES: readonly string[] = [...DIFFERENCES.map(({ name }) => name), EARLY];

export interface Tally {
  readonly tokens: number;
  readonly bothTake: number;
  readonly bothRefuse: number;
  /** Class → verdicts. */
  readonly differences: ReadonlyMap<string, number>;
}

export interface DifferentialRun {
  readonly seed: number;
  readonly tally: Tally;
  /** The smallest token on which the property fails, and how. */
  readonly failure: string | undefined;
}

export interface DifferentialOptions {
  readonly seed: number;
  readonly runs: number;
  /** Another judge in our place, to show what is noticed. */
  readonly ours?: (ours: OurJudge) => OurJudge;
}

type Outcome =
  | { readonly kind: "bothTake" | "bothRefuse" }
  | { readonly kind: "difference"; readonly name: string }
  | { readonly kind: "failure"; readonly text: string };

/** Judges so many tokens, each as an access token and as an ID token; keys are made anew, all else follows from the seed. */
export async function runTokenDifferential({ seed, runs, ours: replaced = (ours) => ours }: DifferentialOptions): Promise<DifferentialRun> {
  const ring = createKeyRing();
  const [theirs, ours] = [createTheirJudge(ring), replaced(await createOurJudge(ring))];
  const counts = { tokens: 0, bothTake: 0, bothRefuse: 0 };
  const differences = new Map<string, number>();
  const count = (outcome: Outcome): void => {
    if (outcome.kind === "failure") throw new Error(outcome.text);
    if (outcome.kind === "difference") differences.set(outcome.name, (differences.get(outcome.name) ?? 0) + 1);
    else counts[outcome.kind] += 1;
  };
  const property = fc.asyncProperty(recipes(), async (recipe) => {
    const token = cook(recipe, ring);
    counts.tokens += 1;
    for (const use of ["access", "id"] as const) {
      const [their, our] = [theirs(token, use, recipe.now), await ours(token, use, recipe.now)];
      count(compare(token, use, recipe.now, ring, their, our));
    }
  });
  const details = await fc.check(property, { seed, numRuns: runs });
  const failure = details.failed ? `${describe(details.counterexample?.[0])}: ${String(details.errorInstance)}` : undefined;
  return { seed, tally: { ...counts, differences }, failure };
}

function compare(token: string, use: Use, now: number, ring: KeyRing, theirs: TheirVerdict, ours: Verdict): Outcome {
  if (ours.taken) {
    if (!theirs.taken)
      return theirs.early ? { kind: "difference", name: EARLY } : failed(`only we take it as ${use} token; they say: ${theirs.reason}`);
    return sameReading(theirs.claims, ours) ? { kind: "bothTake" } : failed(`both take it as ${use} token, but read other claims`);
  }
  if (!theirs.taken) return { kind: "bothRefuse" };
  const name = explain(token, use, now, ring, ours.code, ours.reason);
  return name === undefined
    ? failed(`only they take it as ${use} token, unexplained; we say: ${ours.code}, ${ours.reason}`)
    : { kind: "difference", name };
}

function failed(text: string): Outcome {
  return { kind: "failure", text };
}

/** They leave out members that are named as parts of every object. */
function sameReading(theirs: object, { claims, subject }: Extract<Verdict, { taken: true }>): boolean {
  const copy: unknown = JSON.parse(JSON.stringify(claims), (_name, value: unknown) => withoutBuiltIns(value));
  return isDeepStrictEqual(JSON.parse(JSON.stringify(theirs)), copy) && subject === (theirs as { sub?: unknown }).sub;
}

function withoutBuiltIns(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== "__proto__" && name !== "constructor"));
}

function describe(recipe: Recipe | undefined): string {
  return JSON.stringify(recipe);
}
