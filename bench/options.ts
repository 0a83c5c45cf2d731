/** What the bench was asked for. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { CONNECTIONS } from "./parts/rounds.ts";
import type { RunKind, RunSettings } from "./report/results.ts";

export interface BenchOptions {
  readonly kind: RunKind;
  readonly quick: boolean;
  /** Parts by name. */
  readonly only: readonly string[];
  readonly settings: RunSettings;
  readonly seed: number;
}

export const USAGE = `npm run bench [-- OPTIONS]

  --quick       fewer loads and rounds, in less than two minutes
  --growth      what happens when routes, tokens, connections, bodies … grow, instead of the comparison
  --only NAME   one part; may be said several times. Its results are no whole run: they go to partial.json
  --rounds N    rounds of each load (5; quick 2; growth 3). With fewer than five a whole run goes to partial.json too
  --seconds N   of each load in each round (5; quick 1; growth 3)
  --seed N      order of the loads and gaps between paced requests
  --render      only makes chart and docs/performance.md anew, from the runs that are kept
  --help        this`;

const FULL: Omit<RunSettings, "connections"> = { rounds: 5, seconds: 5, warmUpSeconds: 10, settleSeconds: 1, manyTokens: 100_000 };
const QUICK: typeof FULL = { rounds: 2, seconds: 1, warmUpSeconds: 2, settleSeconds: 0, manyTokens: 100_000 };
const GROWTH: typeof FULL = { rounds: 3, seconds: 3, warmUpSeconds: 10, settleSeconds: 1, manyTokens: 100_000 };

export type Asked = { readonly mode: "help" } | { readonly mode: "render" } | ({ readonly mode: "run" } & BenchOptions);

/** Throws with words for whoever typed it. */
export function readOptions(words: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...words],
    options: {
      quick: { type: "boolean", default: false },
      growth: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      rounds: { type: "string" },
      seconds: { type: "string" },
      seed: { type: "string" },
      render: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return { mode: "help" };
  if (values.render) return { mode: "render" };
  if (values.quick && values.growth)
    throw new Error("--quick and --growth: there is no quick form of growth; choose parts of it with --only");
  const usual = values.growth ? GROWTH : values.quick ? QUICK : FULL;
  const seed = wholeNumber("--seed", values.seed) ?? randomInt(2 ** 32);
  const settings: RunSettings = {
    ...usual,
    rounds: wholeNumber("--rounds", values.rounds) ?? usual.rounds,
    seconds: wholeNumber("--seconds", values.seconds) ?? usual.seconds,
    connections: CONNECTIONS,
  };
  return { mode: "run", kind: kindOf(values, settings), quick: values.quick, only: values.only, settings, seed };
}

interface Kinds {
  readonly only: readonly string[];
  readonly quick: boolean;
  readonly growth: boolean;
}

function kindOf({ only, quick, growth }: Kinds, { rounds }: RunSettings): RunKind {
  if (only.length > 0) return "partial";
  if (quick) return "quick";
  if (growth) return "growth";
  return rounds < FULL.rounds ? "partial" : "full";
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new Error(`${name} is a whole number above 0, not "${text}"`);
  return Number(text);
}
