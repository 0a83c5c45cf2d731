/** `npm run bench`: what a request costs, beside what it costs elsewhere. `docs/performance.md` says how it is measured. */
import { execFileSync } from "node:child_process";
import { relative } from "node:path";
import { readOptions, USAGE, type BenchOptions } from "./options.ts";
import { partsOf, runParts } from "./parts/all.ts";
import { BODY_BYTES } from "./parts/growth/bodies.ts";
import { PROJECT, revision, writeResults } from "./report/files.ts";
import { runText } from "./report/print.ts";
import { render, renderChart } from "./report/render.ts";
import type { Results } from "./report/results.ts";
import { machineFacts, requirePrograms } from "./stage/machine.ts";
import { openStage } from "./stage/stage.ts";

const say = (words: string): void => console.error(`bench: ${words}`);
const fromHere = (path: string): string => relative(process.cwd(), path);

async function bench(options: BenchOptions): Promise<void> {
  const parts = partsOf(options.kind, options.only);
  requirePrograms();
  say("building");
  execFileSync("npm", ["run", "-s", "build"], { cwd: PROJECT, stdio: ["ignore", "inherit", "inherit"] });
  const head = { kind: options.kind, takenAt: new Date().toISOString(), revision: revision(), seed: options.seed, machine: machineFacts() };
  const stage = await openStage(BODY_BYTES);
  const { quick, seed, settings } = options;
  const measured = await runParts(parts, { quick, seed, ...settings, stage, folder: stage.folder }, say);
  await stage.close();
  show({ ...head, settings, ...measured });
}

function show(results: Results): void {
  console.log(`\n${runText(results)}\n`);
  say(`written: ${fromHere(writeResults(results))}`);
  if (results.failures) process.exitCode = 1;
  else if (results.kind === "full") say(`written: ${fromHere(renderChart(results))}`);
}

try {
  const asked = readOptions(process.argv.slice(2));
  if (asked.mode === "help") console.log(USAGE);
  else if (asked.mode === "render") for (const path of render()) say(`written: ${fromHere(path)}`);
  else await bench(asked);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
