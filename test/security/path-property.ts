/** The path property of section 2.1: for any target and any table, what is forwarded stays in its route and tenant. */
import fc from "fast-check";
import { tableOf, tableSketch } from "./path-tables.ts";
import { askedIn, targetSketch } from "./path-targets.ts";
import { judge, type Judgement } from "./path-judge.ts";

export interface PropertyRun {
  readonly seed: number;
  readonly cases: number;
  /** Requests that the gateway let through, and of these the ones whose target was not the forwarded path already. */
  readonly allowed: number;
  readonly allowedInDisguise: number;
  /** The smallest escape that was found, with its table. */
  readonly escape: string | undefined;
}

/** Runs so many cases from the seed; an escape is shrunk. */
export function runPathProperty(seed: number, cases: number): PropertyRun {
  let [allowed, allowedInDisguise] = [0, 0];
  const count = (judgement: Judgement): void => {
    if (judgement.kind !== "holds") return;
    allowed++;
    if (!judgement.plain) allowedInDisguise++;
  };
  const property = fc.property(tableSketch, targetSketch, (services, sketch) => {
    const table = tableOf(services);
    const asked = askedIn(table, sketch);
    const judgement = judge(table, asked);
    count(judgement);
    if (judgement.kind === "escape") throw new Error(JSON.stringify({ ...asked, ...judgement }));
  });
  const details = fc.check(property, { seed, numRuns: cases });
  const escape = details.failed ? `${String(details.errorInstance)}\nin ${fc.stringify(details.counterexample)}` : undefined;
  return { seed, cases: details.numRuns, allowed, allowedInDisguise, escape };
}
