/** `npm run nightly:equivalence [-- --requests N --seed N]`: 50,000 generated requests under generated policies, decided offline and live. */
import { parseArgs } from "node:util";
import { runEquivalence } from "./equivalence/equivalence.ts";

const { values } = parseArgs({
  options: { requests: { type: "string", default: "50000" }, seed: { type: "string", default: String(Date.now() % 1e8) } },
});
const startedAt = performance.now();
const run = await runEquivalence({ seed: Number(values.seed), requests: Number(values.requests) });
const seconds = (performance.now() - startedAt) / 1000;
console.log(`seed ${run.seed}: ${run.requests} requests under ${run.policies} policies in ${seconds.toFixed(1)} s`);
for (const [outcome, count] of [...run.outcomes].toSorted(([, left], [, right]) => right - left))
  console.log(`${String(count).padStart(8)} ${outcome}`);
console.log(run.failure ?? "the same decision each time");
process.exitCode = run.failure === undefined ? 0 : 1;
