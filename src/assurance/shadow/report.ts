/** What a shadow policy would have decided otherwise, summed up from the decision log. */
import type { ShadowRecord } from "../../contract/recorded.ts";
import { differencesText, type Look, reasonsText, shown } from "../replay/report.ts";
import { Reasons, Tally } from "../replay/tally.ts";

export class ShadowReport {
  readonly tally = new Tally();
  /** Lines that could not be compared, each with why: named once for each policy, however many requests came. */
  readonly unknown = new Reasons();
  /** Revisions of shadow policies. */
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

export function shadowText(report: ShadowReport, look: Look): string {
  const { policies, different } = report;
  if (policies.size === 0) return "No decision of the log differs from a shadow policy's.\n";
  return [
    `${different} decision${different === 1 ? "" : "s"} would have been otherwise by the shadow polic${policies.size === 1 ? "y" : "ies"}\n`,
    `${[...policies].map(shown).join(", ")}.\n`,
    differencesText(report.tally.all(), look),
    reasonsText("Could not be compared, named once for each line and policy", report.unknown),
  ].join("");
}

export function shadowJson(report: ShadowReport): object {
  return {
    policies: [...report.policies],
    wider: report.tally.count("wider"),
    narrower: report.tally.count("narrower"),
    other: report.tally.count("other"),
    differences: report.tally.all(),
    unknown: report.unknown.all(),
  };
}
