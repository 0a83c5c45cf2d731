/** What a shadow policy would have decided otherwise, summed up from the decision log. */
import type { ShadowRecord } from "../../contract/recorded.ts";
import { differencesText, type Look, noDecisionText, type Read, reasonsText, shown } from "../replay/report.ts";
import { Reasons, Tally } from "../replay/tally.ts";

export class ShadowReport {
  readonly tally = new Tally();
  /** Lines that could not be compared, each with why: named once for each policy, however many requests came. */
  readonly unknown = new Reasons();
  /** Revisions of the shadow policies that the log speaks of; without one nothing was compared. */
  readonly policies = new Set<string>();

  add(decision: string, shadow: ShadowRecord): void {
    const { policy, effect, unknown, route, caller, before, after } = shadow;
    this.policies.add(policy);
    if (effect && before !== undefined && after !== undefined) this.tally.add({ effect, route, caller, before, after }, decision);
    else if (unknown !== undefined) this.unknown.add(`${route}: ${unknown}`);
  }

  get different(): number {
    return this.tally.all().reduce((sum, { count }) => sum + count, 0);
  }
}

export function shadowText(report: ShadowReport, read: Read, look: Look): string {
  const { policies, different } = report;
  if (read.decisions === 0) return noDecisionText(read);
  if (policies.size === 0) return noShadowText(read);
  return [
    `${different} decision${different === 1 ? "" : "s"} would have been otherwise by the shadow polic${policies.size === 1 ? "y" : "ies"}\n`,
    `${[...policies].map(shown).join(", ")}.\n`,
    differencesText(report.tally.all(), look),
    reasonsText("Could not be compared, named once for each line and policy", report.unknown),
  ].join("");
}

/** A gateway whose shadow agrees in everything has at least said at its start that there is one. */
function noShadowText({ decisions }: Read): string {
  return `No line speaks of a shadow policy; ${decisions} decision${decisions === 1 ? "" : "s"} read.
A gateway with serve --shadow names it where it says that it is serving, and
with each decision on which the two differ.
`;
}

export function shadowJson(report: ShadowReport, { lines, decisions }: Read): object {
  return {
    lines,
    decisions,
    policies: [...report.policies],
    wider: report.tally.count("wider"),
    narrower: report.tally.count("narrower"),
    other: report.tally.count("other"),
    differences: report.tally.all(),
    unknown: report.unknown.all(),
  };
}
