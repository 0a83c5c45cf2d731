/** `npm run drill -- slow`: what good clients notice while others keep the gateway waiting, and what is left afterwards. */
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { ATTACKS, type Attack } from "./slow-attacks.ts";
import { openStage, type Stage } from "./stage.ts";

const ROUTES = "  GET /a: authenticated\n  GET /events: public\n  GET /large: public\n  POST /in: public\n";
const ROUNDS = 3;
const MEASURE_MS = 1_500;
/** Good requests, evenly spread. */
const PER_SECOND = 200;
/** Until the attack goes at its rate. Answers that are not read must fill the system's buffers first, which is a matter of bandwidth. */
const SETTLE_MS = 700;
const FILL_MS = 2_000;
/** The bound: twice the quiet value, or so much more. */
const SLACK_MS = 5;

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** Prints the figures; resolves with the exit code: 1 when a bound is broken. */
export async function run(): Promise<number> {
  const stage = await openStage({ routes: ROUTES, connections: "{ perAddress: 2000 }" });
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  try {
    const [socketsBefore, memoryBefore] = [stage.sockets(), stage.residentMb()];
    const good = goodClient(stage, agent);
    await measure(good);
    console.log(`${PER_SECOND} good requests/s; medians of ${ROUNDS} rounds, quiet and under attack in turn; milliseconds`);
    let holds = true;
    for (const name of Object.keys(ATTACKS) as Attack["name"][]) holds = (await drill(name, stage, good)) && holds;
    agent.destroy();
    await pause(5_000);
    const left = stage.sockets() - socketsBefore;
    const open = await stage.upstream.open();
    console.log(
      `memory before ${memoryBefore} MB, after ${stage.residentMb()} MB; sockets left: ${left}; streams left at the upstream: ${open}`,
    );
    return holds && left <= 0 && open === 0 ? 0 : 1;
  } finally {
    agent.destroy();
    await stage.close();
  }
}

async function drill(name: Attack["name"], stage: Stage, good: () => Promise<number>): Promise<boolean> {
  const [quiet, attacked]: [Quantiles[], Quantiles[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    quiet.push(await measure(good));
    const worker = new Worker(new URL("./slow-attacks.ts", import.meta.url), { workerData: { name, port: stage.port } satisfies Attack });
    await pause(name === "slow readers" ? FILL_MS : SETTLE_MS);
    attacked.push(await measure(good));
    await worker.terminate();
    await pause(SETTLE_MS / 2);
  }
  return report(name, medianOf(quiet), medianOf(attacked));
}

function report(name: string, quiet: Quantiles, attacked: Quantiles): boolean {
  const bound = Math.max(2 * quiet.p99, quiet.p99 + SLACK_MS);
  const holds = attacked.p99 <= bound;
  const figures = `quiet p50 ${ms(quiet.p50)} p99 ${ms(quiet.p99)}  under attack p50 ${ms(attacked.p50)} p99 ${ms(attacked.p99)}`;
  console.log(`${name.padEnd(13)} ${figures}  bound ${ms(bound)}  ${holds ? "holds" : "BROKEN"}`);
  return holds;
}

/** Sends one good request; resolves with how long it took, in milliseconds. */
function goodClient({ port, token }: Stage, agent: Agent): () => Promise<number> {
  const headers = { authorization: `Bearer ${token(600)}` };
  return () =>
    new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const sent = request({ host: "127.0.0.1", port, path: "/a", agent, headers }).on("error", reject).end();
      sent.once("response", (response) => {
        if (response.statusCode !== 200) reject(new Error(`a good request got ${response.statusCode}`));
        response.resume().once("end", () => resolve(performance.now() - startedAt));
      });
    });
}

/** At a fixed rate, whether or not those before have been answered. */
async function measure(good: () => Promise<number>): Promise<Quantiles> {
  const taken: Promise<number>[] = [];
  const startedAt = performance.now();
  while (performance.now() - startedAt < MEASURE_MS) {
    const due = Math.floor(((performance.now() - startedAt) * PER_SECOND) / 1000);
    while (taken.length <= due) taken.push(good());
    await pause(2);
  }
  const sorted = (await Promise.all(taken)).toSorted((left, right) => left - right);
  return { p50: at(sorted, 0.5), p99: at(sorted, 0.99) };
}

function medianOf(rounds: readonly Quantiles[]): Quantiles {
  const middle = (pick: (round: Quantiles) => number): number =>
    at(
      rounds.map(pick).toSorted((left, right) => left - right),
      0.5,
    );
  return { p50: middle(({ p50 }) => p50), p99: middle(({ p99 }) => p99) };
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function ms(value: number): string {
  return value.toFixed(1);
}
