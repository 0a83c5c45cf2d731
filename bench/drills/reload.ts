/**
 * `npm run build && npm run drill -- reload`: how long a policy of 10,000 routes takes to come into force and what requests notice
 * of it; and 1,000 reloads under load: what they break, and what they leave behind. `large` or `many` behind it: that part alone.
 */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { largeService } from "../../test/assurance/fixtures/large-policy.ts";
import { openClient, type Client, type Quantiles } from "./good-client.ts";
import { revisionText, STATE, type Asking, type Judged } from "./reload-asker.ts";
import { MAIN, openReloadStage, type ReloadStage } from "./reload-stage.ts";

const LARGE = { routes: 10_000, reloads: 21 };
/** Beside the reloads of the large policy. */
const PER_SECOND = 200;
const WARM_UP = { perSecond: 1_000, forMs: 8_000 };
const LONGEST_RELOAD_MS = 1_000;
const LONGEST_STALL_MS = 50;

const MANY = Number(process.env["MANY"] ?? 1000);
/** After so many, the process has grown to its size. */
const FIRST = 100;
const MOST_GROWTH_MB = 30;
const SETTLE_MS = 5_000;

/** Prints the figures; resolves with the exit code: 1 when a bound is broken, 2 when nothing is built. */
export async function run(): Promise<number> {
  if (!existsSync(MAIN)) {
    console.error("dist/main.js is not there: npm run build");
    return 2;
  }
  const asked = process.argv[3];
  const large = asked === "many" || (await drillLarge());
  const many = asked === "large" || (await drillMany());
  return large && many ? 0 : 1;
}

/* ── one large policy ─────────────────────────────────────────────────── */

async function drillLarge(): Promise<boolean> {
  const stage = await openReloadStage((upstream) => largeRevision(0, upstream), "/area0/health");
  const client = openClient(`http://127.0.0.1:${stage.port}/area0/health`, {});
  try {
    await client.ask(WARM_UP.perSecond, WARM_UP.forMs);
    const without = await measure(stage, client, () => pause(1_000));
    const reloads: number[] = [];
    let revision = 0;
    const during = await measure(stage, client, async () => {
      stage.write(largeRevision(++revision, stage.upstream));
      const took = await stage.reload();
      if (took !== undefined) reloads.push(took);
    });
    console.log(`a policy of ${LARGE.routes} routes, ${LARGE.reloads} reloads with ${PER_SECOND} requests/s; milliseconds`);
    console.log(`reload: median ${ms(middle(reloads))}, longest ${ms(Math.max(...reloads))}; bound ${LONGEST_RELOAD_MS}`);
    console.log(`event loop held up: ${stallWords(during)}; without a reload: ${stallWords(without)}; bound ${LONGEST_STALL_MS}`);
    console.log(`answers: ${answerWords(during)}; without a reload: ${answerWords(without)}`);
    return middle(reloads) <= LONGEST_RELOAD_MS && Math.max(...during.stalls) <= LONGEST_STALL_MS;
  } finally {
    client.close();
    await stage.close();
  }
}

interface Noticed {
  /** The longest in each round. */
  readonly stalls: readonly number[];
  readonly answers: readonly Quantiles[];
}

/** What is noticed, round by round, while something is done. */
async function measure(stage: ReloadStage, client: Client, act: () => Promise<void>): Promise<Noticed> {
  const [stalls, answers]: [number[], Quantiles[]] = [[], []];
  const over = new AbortController();
  const asking = async (): Promise<void> => {
    while (!over.signal.aborted) answers.push(await client.ask(PER_SECOND, 500));
  };
  const asked = asking();
  for (let round = 0; round < LARGE.reloads; round++) {
    await stallMs(stage);
    await act();
    stalls.push(await stallMs(stage));
  }
  over.abort();
  await asked;
  return { stalls, answers };
}

function stallWords({ stalls }: Noticed): string {
  return `median ${ms(middle(stalls))}, longest ${ms(Math.max(...stalls))}`;
}

/** Of half a second each. */
function answerWords({ answers }: Noticed): string {
  const worst = Math.max(...answers.map(({ p99 }) => p99));
  return `p50 ${ms(middle(answers.map(({ p50 }) => p50)))}, p99 ${ms(middle(answers.map(({ p99 }) => p99)))}, worst p99 of half a second ${ms(worst)}`;
}

/** Another number, which no client reaches, and it is another policy. */
function largeRevision(revision: number, upstream: string): string {
  return largeService(LARGE.routes)
    .replace("http://large:8080", upstream)
    .replace("1000/minute", `${1_000_000 + revision}/minute`);
}

/** The longest that the gateway's event loop was held up since the last look. */
async function stallMs(stage: ReloadStage): Promise<number> {
  return (await stage.metric("nodejs_eventloop_lag_max_seconds")) * 1000;
}

/* ── a thousand small ones ────────────────────────────────────────────── */

async function drillMany(): Promise<boolean> {
  const stage = await openReloadStage((upstream) => revisionText(0, upstream), "/allowed");
  try {
    const state = new Int32Array(new SharedArrayBuffer(12));
    const asker = new Worker(new URL("reload-asker.ts", import.meta.url), { workerData: { port: stage.port, state } satisfies Asking });
    const judged = once(asker, "message") as Promise<[Judged]>;
    const memory = await reloadOften(stage, state);
    Atomics.store(state, STATE.stop, 1);
    return report((await judged)[0], memory);
  } finally {
    await stage.close();
  }
}

/** Memory in use after the first ones and after all. */
async function reloadOften(stage: ReloadStage, state: Int32Array<SharedArrayBuffer>): Promise<readonly [number, number]> {
  let first = 0;
  for (let revision = 1; revision <= MANY; revision++) {
    Atomics.store(state, STATE.written, revision);
    stage.write(revisionText(revision, stage.upstream));
    await stage.reload();
    Atomics.store(state, STATE.inForce, revision);
    if (revision === FIRST) first = await settledMb(stage);
  }
  return [first, await settledMb(stage)];
}

async function settledMb(stage: ReloadStage): Promise<number> {
  await pause(SETTLE_MS);
  return stage.gateway.residentMb();
}

function report({ answers, errors, mixes, late, slowestMs }: Judged, [first, last]: readonly [number, number]): boolean {
  const grown = last - first;
  console.log(
    `${MANY} reloads under load: ${answers} answers, ${errors} errors, ${mixes} by two revisions, ${late} by one not in force; slowest ${ms(slowestMs)} ms`,
  );
  console.log(`memory after ${FIRST} reloads ${ms(first)} MB, after ${MANY} ${ms(last)} MB; bound for the difference ${MOST_GROWTH_MB} MB`);
  return answers > MANY && errors + mixes + late === 0 && grown <= MOST_GROWTH_MB;
}

function middle(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}

function ms(value: number): string {
  return value.toFixed(0);
}
