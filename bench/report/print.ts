/** A run as the terminal shows it. */
import { asText } from "./formats.ts";
import { LINES, verdictOf } from "./lines.ts";
import type { Results } from "./results.ts";
import {
  downloadsTable,
  growthTable,
  latencyTable,
  linesTable,
  loadsTable,
  memoryTable,
  runTable,
  sizeTable,
  type Table,
} from "./tables.ts";

export function runText(results: Results): string {
  const { lanes, downloads, latency, memory, size, growth = [] } = results;
  const tables: readonly (Table | undefined)[] = [
    runTable(results),
    lanes && loadsTable(lanes),
    latency && latencyTable(latency),
    downloads && downloadsTable(downloads),
    memory && memoryTable(memory),
    size && sizeTable(size),
    ...growth.map(growthTable),
    results.kind === "growth" ? undefined : linesTable(results),
  ];
  const shown = tables.flatMap((table) => (table && table.rows.length > 0 ? [asText(table)] : []));
  return [...shown, closingWords(results)].filter((text) => text !== "").join("\n\n");
}

/** What a reader must not overlook. */
function closingWords(results: Results): string {
  const verdicts = LINES.map((line) => ({ name: line.name, verdict: verdictOf(line, line.measure(results)) }));
  const named = (verdict: string): readonly string[] => verdicts.filter((one) => one.verdict === verdict).map(({ name }) => name);
  const words = [
    results.kind === "quick" ? "This was the quick form: few rounds, short ones. Judge by a whole run." : "",
    sentence("NOT VALID, the table says why", named("NOT VALID")),
    sentence("Not met", named("not met")),
    ...(results.failures ?? []).map(({ part, reason }) => `FAILED: ${part}: ${reason}`),
  ];
  return words.filter((line) => line !== "").join("\n");
}

function sentence(words: string, names: readonly string[]): string {
  return names.length === 0 ? "" : `${words}: ${names.join("; ")}.`;
}
