/** `npx node test/security/path-property-nightly.ts [--runs 100000] [--seed N]`: the path property at full size. Exit code 1: an escape. */
import { parseArgs } from "node:util";
import { runPathProperty } from "./path-property.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "100000" }, seed: { type: "string" } } });
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const startedAt = performance.now();
const run = runPathProperty(seed, Number(values.runs));
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);

console.log(`seed ${run.seed}: ${run.cases} cases in ${seconds} s, ${run.allowed} allowed, ${run.allowedInDisguise} of them in disguise`);
console.log(run.escape === undefined ? "escapes: 0" : `escapes: 1 (the smallest)\n${run.escape}`);
process.exitCode = run.escape === undefined ? 0 : 1;
