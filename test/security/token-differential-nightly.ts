/** `npx node test/security/token-differential-nightly.ts [--runs 100000] [--seed N]`: the token differential at full size. Exit code 1: a token was wrongly taken, or a difference has no explanation. */
import { parseArgs } from "node:util";
import { CLASSES, runTokenDifferential } from "./token-differential.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "100000" }, seed: { type: "string" } } });
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
const startedAt = performance.now();
const { tally, failure } = await runTokenDifferential({ seed, runs: Number(values.runs) });
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);

console.log(`seed ${seed}: ${tally.tokens} tokens, two verdicts each, in ${seconds} s`);
console.log(`${String(tally.bothTake).padStart(8)}  both take it`);
console.log(`${String(tally.bothRefuse).padStart(8)}  both refuse it`);
for (const name of CLASSES) console.log(`${String(tally.differences.get(name) ?? 0).padStart(8)}  ${name}`);
console.log(failure === undefined ? "wrongly taken or unexplained: 0" : `wrongly taken or unexplained: 1 (the smallest)\n${failure}`);
process.exitCode = failure === undefined ? 0 : 1;
