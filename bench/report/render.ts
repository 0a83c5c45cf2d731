/** Chart and page from the runs that are kept. */
import { readFileSync, writeFileSync } from "node:fs";
import { chartOf, svgOf } from "./chart.ts";
import { CHART, PAGE, readProfile, readResults } from "./files.ts";
import { withFigures, type KeptRuns } from "./page.ts";
import type { Results } from "./results.ts";

export function keptRuns(): KeptRuns {
  const [full, growth, profile] = [readResults("full"), readResults("growth"), readProfile()];
  return { ...(full && { full }), ...(growth && { growth }), ...(profile && { profile }) };
}

/** Writes both files; returns which. */
export function render(): readonly string[] {
  const runs = keptRuns();
  writeFileSync(PAGE, withFigures(readFileSync(PAGE, "utf8"), runs));
  return [...(runs.full ? [renderChart(runs.full)] : []), PAGE];
}

/** Returns the file's path. */
export function renderChart(full: Results): string {
  writeFileSync(CHART, svgOf(chartOf(full)));
  return CHART;
}
