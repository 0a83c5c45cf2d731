/**
 * `npm run drill -- slow`: what good clients notice while others keep the gateway waiting, and what is left afterwards.
 * Names of attacks behind it run these alone.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openClient, type Client, type Quantiles } from "./good-client.ts";
import { ATTACKS, attackerOf, type AttackName, type Fought } from "./slow-attacks.ts";
import { openStage, type Stage } from "./stage.ts";

const ROUTES = "  GET /a: authenticated\n  GET /open: public\n  GET /events: public\n  GET /large: public\n  POST /in: public\n";
/** So short that attackers run into it while the clients are measured. */
const CONNECTIONS = "{ perAddress: 2000, headers: 2s }";
const ROUNDS = 3;
/** A gateway that has just begun is slow by itself. */
const WARM_UP = { perSecond: 1_500, forMs: 8_000 };
const MEASURE_MS = 4_000;
/** Until the attack goes at its rate. */
const SETTLE_MS = 1_000;
/** After the attack, until its connections are gone. */
const CALM_MS = 500;
/** The bound: twice the quiet value, or so much more. */
const SLACK_MS = 5;
/** What may be in use after an attack's last round beyond what was after its first, and at the very end beyond the beginning. */
const GROWTH_MB = { ofAttack: 40, ofAll: 200 };

/** Good requests, evenly spread, and beside them some to the upstream itself: these tell what the load's own core does to the figures. */
const RATES = { gateway: 200, upstream: 50 };

interface Clients {
  readonly gateway: Client;
  readonly upstream: Client;
}

interface Measured {
  readonly gateway: Quantiles;
  readonly upstream: Quantiles;
  /** Of the gateway's core. */
  readonly busy: number;
}

/** Prints the figures; resolves with the exit code: 1 when a bound is broken. */
export async function run(): Promise<number> {
  const stage = await openStage({ routes: ROUTES, connections: CONNECTIONS });
  const clients = openClients(stage);
  try {
    const socketsBefore = stage.sockets();
    await clients.gateway.ask(WARM_UP.perSecond, WARM_UP.forMs);
    const memoryBefore = stage.gateway.residentMb();
    console.log(
      `${RATES.gateway} good requests/s for ${MEASURE_MS / 1000} s each; medians of ${ROUNDS} rounds, quiet and under attack in turn; milliseconds`,
    );
    const verdicts: boolean[] = [];
    for (const name of attacksAsked()) verdicts.push(await drill(name, stage, clients));
    for (const client of Object.values(clients)) client.close();
    await pause(5_000);
    return (await reportRest(stage, socketsBefore, memoryBefore)) && verdicts.every(Boolean) ? 0 : 1;
  } finally {
    for (const client of Object.values(clients)) client.close();
    await stage.close();
  }
}

function attacksAsked(): readonly AttackName[] {
  const all = Object.keys(ATTACKS) as AttackName[];
  const asked = process.argv.slice(3);
  return asked.length === 0 ? all : all.filter((name) => asked.includes(name));
}

function openClients({ port, token, upstream }: Stage): Clients {
  return {
    gateway: openClient(`http://127.0.0.1:${port}/a`, { authorization: `Bearer ${token(3600)}` }),
    upstream: openClient(`${upstream.origin}/a`, {}),
  };
}

async function drill(name: AttackName, stage: Stage, clients: Clients): Promise<boolean> {
  const [quiet, attacked, rates, memory]: [Measured[], Measured[], number[], number[]] = [[], [], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    quiet.push(await measure(stage, clients, MEASURE_MS));
    const stop = begin(name, stage.port);
    await pause(attackerOf(name).settleMs ?? SETTLE_MS);
    attacked.push(await measure(stage, clients, MEASURE_MS));
    rates.push((await stop()).turnsPerSecond);
    await pause(CALM_MS);
    memory.push(stage.gateway.residentMb());
  }
  const grownMb = (memory.at(-1) ?? 0) - (memory.at(0) ?? 0);
  const isQuick = report(name, medianOf(quiet), medianOf(attacked), middle(rates));
  console.log(
    `  memory after each round: ${memory.map((mb) => mb.toFixed(0)).join(", ")} MB (bound: ${GROWTH_MB.ofAttack} MB more than the first)`,
  );
  return isQuick && grownMb <= GROWTH_MB.ofAttack;
}

/** Starts the attack; the function returned ends it. */
function begin(name: AttackName, port: number): () => Promise<Fought> {
  const attacker = fork(join(import.meta.dirname, "slow-attacks.ts"), [name, String(port)]);
  return async () => {
    const ended = once(attacker, "exit");
    const fought = once(attacker, "message");
    attacker.send("stop");
    const [told] = (await fought) as [Fought];
    await ended;
    return told;
  };
}

async function measure(stage: Stage, clients: Clients, forMs: number): Promise<Measured> {
  const before = stage.gateway.cpuMs();
  const [gateway, upstream] = await Promise.all([clients.gateway.ask(RATES.gateway, forMs), clients.upstream.ask(RATES.upstream, forMs)]);
  return { gateway, upstream, busy: (stage.gateway.cpuMs() - before) / forMs };
}

function report(name: AttackName, quiet: Measured, attacked: Measured, turnsPerSecond: number): boolean {
  const { turn, connections } = attackerOf(name);
  const bound = Math.max(2 * quiet.gateway.p99, quiet.gateway.p99 + SLACK_MS);
  const holds = attacked.gateway.p99 <= bound;
  console.log(`\n${name}: ${connections} connections, ${Math.round(turnsPerSecond)} times a second ${turn}`);
  console.log(
    `  p50 ${change(quiet.gateway.p50, attacked.gateway.p50)}  p99 ${change(quiet.gateway.p99, attacked.gateway.p99)}  bound ${ms(bound)}  ${holds ? "holds" : "BROKEN"}`,
  );
  console.log(
    `  gateway's core ${percent(quiet.busy)} → ${percent(attacked.busy)} busy; straight to the upstream p99 ${change(quiet.upstream.p99, attacked.upstream.p99)}`,
  );
  return holds;
}

async function reportRest(stage: Stage, socketsBefore: number, memoryBefore: number): Promise<boolean> {
  const left = stage.sockets() - socketsBefore;
  const open = await stage.upstream.open();
  const memory = stage.gateway.residentMb();
  const most = memoryBefore + GROWTH_MB.ofAll;
  console.log(
    `\nmemory ${memoryBefore.toFixed(0)} → ${memory.toFixed(0)} MB, peak ${stage.gateway.peakMb().toFixed(0)} MB (bound ${most.toFixed(0)} MB); sockets left: ${left}; streams left at the upstream: ${open}`,
  );
  return left <= 0 && open === 0 && memory <= most;
}

function medianOf(rounds: readonly Measured[]): Measured {
  const quantiles = (pick: (round: Measured) => Quantiles): Quantiles => ({
    p50: middle(rounds.map((round) => pick(round).p50)),
    p99: middle(rounds.map((round) => pick(round).p99)),
  });
  return {
    gateway: quantiles((round) => round.gateway),
    upstream: quantiles((round) => round.upstream),
    busy: middle(rounds.map(({ busy }) => busy)),
  };
}

function middle(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}

function change(before: number, after: number): string {
  return `${ms(before)} → ${ms(after)}`;
}

function ms(value: number): string {
  return value.toFixed(1);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
