/** The figures of the page `docs/performance.md`, each between `<!-- figures: NAME -->` and `<!-- end -->`. */
import { asMarkdown } from "./formats.ts";
import type { ProfileResults, Results } from "./results.ts";
import {
  downloadsTable,
  growthTable,
  latencyTable,
  linesTable,
  loadsTable,
  memoryTable,
  runTable,
  sizeTable,
  stagesTable,
  type Table,
} from "./tables.ts";

export interface KeptRuns {
  readonly full?: Results;
  readonly growth?: Results;
  readonly profile?: ProfileResults;
}

const NOT_TAKEN = "*Not measured in the runs that are kept.*";

/** The page with the figures of these runs. Throws where it names a figure that there is none of. */
export function withFigures(page: string, runs: KeptRuns): string {
  return page.replaceAll(/(<!-- figures: ([a-z]+) -->\n)[^]*?(<!-- end -->)/g, (_, start: string, name: string, end: string) => {
    const figure = FIGURES.get(name);
    if (figure === undefined) throw new Error(`the page asks for figures "${name}"; there are ${[...FIGURES.keys()].join(", ")}`);
    return `${start}\n${figure(runs) ?? NOT_TAKEN}\n\n${end}`;
  });
}

type Figure = (runs: KeptRuns) => string | undefined;

const FIGURES: ReadonlyMap<string, Figure> = new Map<string, Figure>([
  ["run", ({ full }) => full && asMarkdown(runTable(full))],
  ["lines", ({ full }) => full && asMarkdown(linesTable(full))],
  ["loads", ({ full }) => markdownOf(full?.lanes, loadsTable)],
  ["downloads", ({ full }) => markdownOf(full?.downloads, downloadsTable)],
  ["latency", ({ full }) => markdownOf(full?.latency, latencyTable)],
  ["memory", ({ full }) => markdownOf(full?.memory, memoryTable)],
  ["size", ({ full }) => markdownOf(full?.size, sizeTable)],
  ["growth", ({ growth }) => growth?.growth?.map((table) => asMarkdown(growthTable(table))).join("\n\n")],
  ["stages", ({ profile }) => profile && asMarkdown(stagesTable(profile))],
]);

function markdownOf<Figures>(figures: Figures | undefined, table: (figures: Figures) => Table): string | undefined {
  return figures === undefined ? undefined : asMarkdown(table(figures));
}
