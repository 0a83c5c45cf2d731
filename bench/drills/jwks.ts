/**
 * `npm run drill -- jwks`: the JWKS contract (design, section 5) against a scripted issuer, over real sockets and clocks.
 * Ages are shortened, so that a drill takes seconds; each row names the default beside the age that was in force.
 */
import { once } from "node:events";
import type { RequestListener } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { KEY_SET_AGES } from "../../src/pipeline/authenticate/key-set.ts";
import { answerJson, keySetOf } from "../../test/authenticate/fixtures/issuer-server.ts";
import { type IssuerKey, rsaKey } from "../../test/authenticate/fixtures/keys.ts";
import { type Drill, type Figure, firstWith, line, milliseconds, on, quantiles, seconds, share, SLACK_MS, within } from "./jwks-figures.ts";
import type { Flood, FloodResult } from "./jwks-flood.ts";
import { oddAnswers, oddFirstAnswer } from "./jwks-odd-answers.ts";
import { type Answer, goodToken, keepAsking, type Stage, until } from "./jwks-stage.ts";

const k1 = rsaKey("k1");
const k2 = rsaKey("k2");
const [byK1, byK2] = [goodToken(k1), goodToken(k2)];
const serving = (...keys: readonly IssuerKey[]): RequestListener => answerJson(keySetOf(...keys));
const down: RequestListener = (request) => request.socket.destroy();

/** Runs all drills and prints their figures; resolves with the exit code: 1 when a bound is broken. */
export async function run(): Promise<number> {
  const startedAt = performance.now();
  let broken = 0;
  for (const [title, drill] of Object.entries(DRILLS)) {
    const figures = await drill().catch(unplayed);
    console.log(`\n${title}`);
    for (const figure of figures) console.log(line(figure));
    broken += figures.filter(({ holds }) => holds === false).length;
  }
  console.log(`\n${broken === 0 ? "every bound holds" : `${broken} bounds are broken`}; ${seconds(performance.now() - startedAt)}`);
  return broken === 0 ? 0 : 1;
}

/** What is waited for and does not come is a broken bound too. */
function unplayed(error: unknown): readonly Figure[] {
  return [{ what: "played to its end", measured: "no", bound: String(error), holds: false }];
}

const DRILLS: Readonly<Record<string, Drill>> = {
  "Rotation: the new key signs at once, both are served, the old one goes": rotation,
  "Rotation while somebody asks for unknown kids all the time": rotationUnderAttack,
  "A removed key, cached token or not": removal,
  "The issuer is down": outage,
  "10,000 unknown kids": unknownKids,
  "Odd answers of the issuer: the last good set serves, and why the fetch counts as failed": oddAnswers,
  "Odd answers of the issuer, before there is any set": oddFirstAnswer,
};

/* ── rotation and removal ─────────────────────────────────────────────── */

const SOFT_MS = 1500;
const softText = `soft age ${seconds(SOFT_MS)} (default ${seconds(KEY_SET_AGES.softMs)})`;

function rotation(): Promise<Figure[]> {
  return on(serving(k1), { softMs: SOFT_MS }, async (stage) => {
    let key = k1;
    const asking = keepAsking(stage, () => goodToken(key), 20);
    await pause(500);
    stage.issuer.answerWith(serving(k1, k2));
    key = k2;
    await pause(SOFT_MS);
    stage.issuer.answerWith(serving(k2));
    await pause(2 * SOFT_MS);
    const answers = await asking.stop();
    const others = answers.filter(({ status }) => status !== 200).length;
    return [
      {
        what: "answers other than 200 to good tokens",
        measured: `${others} of ${answers.length}`,
        bound: "none",
        holds: others === 0 && answers.length > 50,
      },
      { what: "fetches", measured: `${stage.state().fetchCount}`, bound: softText },
      { what: "longest wait of a good token", measured: milliseconds(Math.max(...answers.map(({ tookMs }) => tookMs))) },
    ];
  });
}

/** The cool-down that holds off the attacker holds off the new key's first token too: that is its price. */
function rotationUnderAttack(): Promise<Figure[]> {
  const coolDownMs = 1000;
  return on(serving(k1), { coolDownMs }, async (stage) => {
    const attack = keepAsking(stage, () => forged(byK1, `nobody-${performance.now()}`), 10);
    await until(() => stage.events.length === 2, 5000, "the attack's first fetch");
    stage.issuer.answerWith(serving(k1, k2));
    const publishedAt = performance.now();
    const old = keepAsking(stage, () => byK1, 20);
    const known = await firstWith(stage, byK2, 200, 5000);
    await attack.stop();
    const others = (await old.stop()).filter(({ status }) => status !== 200).length;
    const afterMs = known.at - publishedAt;
    return [
      {
        what: "new key that signs at once is known after",
        measured: seconds(afterMs),
        bound: `cool-down ${seconds(coolDownMs)} (default ${seconds(KEY_SET_AGES.coolDownMs)})`,
        holds: afterMs <= coolDownMs + SLACK_MS,
      },
      { what: "old key's tokens refused meanwhile", measured: `${others}`, bound: "none", holds: others === 0 },
    ];
  });
}

function removal(): Promise<Figure[]> {
  return on(serving(k1, k2), { softMs: SOFT_MS }, async (stage) => {
    const before = await stage.ask(byK1);
    // Right after a fetch is the worst moment to remove a key.
    const fetches = stage.state().fetchCount;
    await until(() => stage.events.length > fetches, 2 * SOFT_MS, "a fetch");
    stage.issuer.answerWith(serving(k2));
    const removedAt = performance.now();
    const refused = await firstWith(stage, byK1, 401, 5 * SOFT_MS);
    const fresh = await stage.ask(goodToken(k1));
    const other = await stage.ask(byK2);
    const afterMs = refused.at - removedAt;
    return [
      {
        what: "removed key refused after",
        measured: seconds(afterMs),
        bound: softText,
        holds: before.status === 200 && afterMs <= SOFT_MS,
      },
      { what: "a token of it that was never seen before", measured: `${fresh.status}`, bound: "401", holds: fresh.status === 401 },
      { what: "the key that stayed", measured: `${other.status}`, bound: "200", holds: other.status === 200 },
    ];
  });
}

/* ── the issuer is down ───────────────────────────────────────────────── */

function outage(): Promise<Figure[]> {
  const ages = { softMs: 600, hardMs: 3000, coolDownMs: 400 };
  return on(serving(k1), ages, async (stage) => {
    await stage.ask(byK1);
    const asking = keepAsking(stage, () => (Math.random() < 0.5 ? byK1 : goodToken(k1)), 20);
    stage.issuer.answerWith(down);
    const fetchedAt = performance.now() - (stage.state().ageMs ?? 0);
    await until(() => asking.answers.some(({ status }) => status !== 200), 3 * ages.hardMs, "a refusal");
    const firstRefusal = asking.answers.find(({ status }) => status !== 200)!;
    await pause(500);
    stage.issuer.answerWith(serving(k1));
    const backAt = performance.now();
    await until(() => asking.answers.at(-1)?.status === 200, 5000, "a good answer after the outage");
    const good = asking.answers.findLast(({ status }) => status !== 200)!.at;
    const answers = await asking.stop();
    const ageMs = firstRefusal.at - fetchedAt;
    const others = answers.filter(({ status }) => status !== 200 && status !== 503).length;
    const served = answers.filter(({ status, at }) => status === 200 && at < firstRefusal.at).length;
    return [
      {
        what: "last good set served until it was of age",
        measured: seconds(ageMs),
        bound: `hard age ${seconds(ages.hardMs)} (default ${seconds(KEY_SET_AGES.hardMs)})`,
        holds: within(ageMs, ages.hardMs, ages.hardMs + SLACK_MS),
      },
      { what: "soft age meanwhile", measured: seconds(ages.softMs), bound: `${served} good tokens served` },
      {
        what: "answers other than 200 and 503",
        measured: `${others} of ${answers.length}`,
        bound: "none: no false 401",
        holds: others === 0,
      },
      { what: "after the hard age", measured: `${firstRefusal.status}`, bound: "503", holds: firstRefusal.status === 503 },
      {
        what: "good again after the issuer came back",
        measured: seconds(Math.max(0, good - backAt)),
        bound: `cool-down ${seconds(ages.coolDownMs)} (default ${seconds(KEY_SET_AGES.coolDownMs)})`,
        holds: good - backAt <= ages.coolDownMs + SLACK_MS,
      },
    ];
  });
}

/* ── unknown kids ─────────────────────────────────────────────────────── */

const FLOOD = { count: 10_000, perSecond: 1000 };
/** Forged tokens of a known kid at the same rate are the yardstick, in turn with the others: what more there is comes of the kids. */
const ROUNDS = 2;

function unknownKids(): Promise<Figure[]> {
  return on(serving(k1), {}, async (stage) => {
    const quiet = await goodTokensDuring(stage, () => pause(2000));
    const fetchesBefore = stage.issuer.requests();
    const startedAt = performance.now();
    const { known, unknown, refused } = await rounds(stage);
    const fetches = stage.issuer.requests() - fetchesBefore;
    const allowed = 1 + Math.floor((performance.now() - startedAt) / KEY_SET_AGES.coolDownMs);
    const all = [...quiet.answers, ...known, ...unknown];
    const others = all.filter(({ status }) => status !== 200).length;
    const [usual, p50] = [share(known, 0.5), share(unknown, 0.5)];
    const coolDown = `one in a cool-down (${seconds(KEY_SET_AGES.coolDownMs)}, the default)`;
    return [
      { what: "fetches that they caused", measured: `${fetches}`, bound: `at most ${allowed}: ${coolDown}`, holds: fetches <= allowed },
      { what: "answered 401", measured: `${refused}`, bound: `${FLOOD.count}`, holds: refused === FLOOD.count },
      { what: "good tokens refused", measured: `${others} of ${all.length}`, bound: "none", holds: others === 0 },
      { what: "good tokens before", measured: quantiles(quiet.answers) },
      { what: "good tokens during forged ones of a known kid", measured: quantiles(known), bound: `${FLOOD.perSecond}/s` },
      {
        what: "good tokens during unknown kids",
        measured: quantiles(unknown),
        bound: `${FLOOD.perSecond}/s: p50 at most twice that of the line above, or 5 ms more`,
        holds: p50 <= Math.max(2 * usual, usual + 5),
      },
    ];
  });
}

/** Answers to good tokens during either flood, and how many of the unknown kids were refused. */
async function rounds(
  stage: Stage,
): Promise<{ readonly known: readonly Answer[]; readonly unknown: readonly Answer[]; readonly refused: number }> {
  const [known, unknown]: [Answer[], Answer[]] = [[], []];
  let refused = 0;
  const each = { ...FLOOD, count: FLOOD.count / ROUNDS };
  for (let round = 0; round < ROUNDS; round += 1) {
    known.push(...(await goodTokensDuringFlood(stage, { ...each, count: each.count / 5, kid: "k1" })).answers);
    const { answers, result } = await goodTokensDuringFlood(stage, each);
    unknown.push(...answers);
    refused += result.statuses["401"] ?? 0;
  }
  return { known, unknown, refused };
}

interface During<Result> {
  readonly answers: readonly Answer[];
  readonly result: Result;
}

async function goodTokensDuring<Result>(stage: Stage, happening: () => Promise<Result>): Promise<During<Result>> {
  const asking = keepAsking(stage, () => byK1, 10);
  const result = await happening();
  return { answers: await asking.stop(), result };
}

async function goodTokensDuringFlood(stage: Stage, flood: Pick<Flood, "count" | "perSecond" | "kid">): Promise<During<FloodResult>> {
  const workerData: Flood = { ...flood, port: stage.gatewayPort, token: byK1 };
  const worker = new Worker(new URL("./jwks-flood.ts", import.meta.url), { workerData });
  await once(worker, "message");
  return goodTokensDuring(stage, async () => {
    worker.postMessage("begin", []);
    const [result] = (await once(worker, "message")) as [FloodResult];
    return result;
  });
}

function forged(token: string, kid: string): string {
  const [, payload, signature] = token.split(".");
  return `${Buffer.from(JSON.stringify({ alg: "RS256", kid })).toString("base64url")}.${payload}.${signature}`;
}
