/**
 * `npm run drill -- jwks`: the JWKS contract (design, section 5) against a scripted issuer, over real sockets and clocks.
 * Ages are shortened, so that a drill takes seconds; each row names the default beside the age that was in force.
 */
import { once } from "node:events";
import type { RequestListener } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { JWKS_FETCH_LIMITS } from "../../src/pipeline/authenticate/jwks-fetch.ts";
import { KEY_SET_AGES } from "../../src/pipeline/authenticate/key-set.ts";
import { answerJson, keySetOf } from "../../test/authenticate/fixtures/issuer-server.ts";
import { rsaKey } from "../../test/authenticate/fixtures/keys.ts";
import type { Flood, FloodResult } from "./jwks-flood.ts";
import { type Answer, goodToken, keepAsking, openStage, type Stage, until } from "./jwks-stage.ts";

/** One line of the report. `holds` is undefined where a figure is for information only. */
interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly bound?: string;
  readonly holds?: boolean;
}

type Drill = () => Promise<readonly Figure[]>;

const k1 = rsaKey("k1");
const k2 = rsaKey("k2");
const [byK1, byK2] = [goodToken(k1), goodToken(k2)];
const serving = (...keys: Parameters<typeof keySetOf>): RequestListener => answerJson(keySetOf(...keys));
const down: RequestListener = (request) => request.socket.destroy();

/** For what a busy machine adds to a time that timers keep. */
const SLACK_MS = 250;

/** Runs all drills and prints their figures; resolves with the exit code: 1 when a bound is broken. */
export async function run(): Promise<number> {
  const startedAt = performance.now();
  let broken = 0;
  for (const [title, drill] of Object.entries(DRILLS)) {
    const figures = await drill();
    console.log(`\n${title}`);
    for (const figure of figures) console.log(line(figure));
    broken += figures.filter(({ holds }) => holds === false).length;
  }
  console.log(`\n${broken === 0 ? "every bound holds" : `${broken} bounds are broken`}; ${seconds(performance.now() - startedAt)}`);
  return broken === 0 ? 0 : 1;
}

function line({ what, measured, bound = "", holds }: Figure): string {
  const verdict = holds === undefined ? "" : holds ? "ok" : "BROKEN";
  return `  ${verdict.padEnd(7)}${what.padEnd(58)}${measured.padEnd(36)}${bound}`.trimEnd();
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

/** Opens a stage for one drill and closes it, whatever happens. */
async function on<Result>(
  answer: RequestListener,
  ages: Partial<typeof KEY_SET_AGES>,
  play: (stage: Stage) => Promise<Result>,
): Promise<Result> {
  const stage = await openStage(answer, { ...KEY_SET_AGES, ...ages });
  try {
    return await play(stage);
  } finally {
    await stage.close();
  }
}

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
        holds: within(ageMs, ages.hardMs - SLACK_MS, ages.hardMs + SLACK_MS),
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
/** Forged tokens of a known kid at the same rate, as the yardstick: what more there is comes of the kids. */
const YARDSTICK = { ...FLOOD, count: 3000 };

function unknownKids(): Promise<Figure[]> {
  return on(serving(k1), {}, async (stage) => {
    const quiet = await goodTokensDuring(stage, () => pause(2000));
    const control = await goodTokensDuring(stage, () => pour(stage, { ...YARDSTICK, kid: "k1" }));
    const fetchesBefore = stage.issuer.requests();
    const flood = await goodTokensDuring(stage, () => pour(stage, FLOOD));
    const fetches = stage.issuer.requests() - fetchesBefore;
    const allowed = 1 + Math.floor((flood.result.seconds * 1000) / KEY_SET_AGES.coolDownMs);
    const refused = flood.result.statuses["401"] ?? 0;
    const all = [...quiet.answers, ...control.answers, ...flood.answers];
    const others = all.filter(({ status }) => status !== 200).length;
    const [usual, p50] = [share(control.answers, 0.5), share(flood.answers, 0.5)];
    return [
      {
        what: "fetches that they caused",
        measured: `${fetches}`,
        bound: `at most ${allowed}: one in a cool-down (${seconds(KEY_SET_AGES.coolDownMs)}, the default)`,
        holds: fetches <= allowed,
      },
      {
        what: "answered 401",
        measured: `${refused} in ${flood.result.seconds.toFixed(1)} s`,
        bound: `${FLOOD.count}`,
        holds: refused === FLOOD.count,
      },
      { what: "good tokens refused", measured: `${others} of ${all.length}`, bound: "none", holds: others === 0 },
      { what: "good tokens before", measured: quantiles(quiet.answers) },
      { what: "good tokens during forged ones of a known kid", measured: quantiles(control.answers), bound: `${FLOOD.perSecond}/s` },
      {
        what: "good tokens during unknown kids",
        measured: quantiles(flood.answers),
        bound: `${FLOOD.perSecond}/s: p50 at most twice that of the line above, or 5 ms more`,
        holds: p50 <= Math.max(2 * usual, usual + 5),
      },
    ];
  });
}

async function goodTokensDuring<Result>(
  stage: Stage,
  happening: () => Promise<Result>,
): Promise<{ readonly answers: readonly Answer[]; readonly result: Result }> {
  const asking = keepAsking(stage, () => byK1, 10);
  const result = await happening();
  return { answers: await asking.stop(), result };
}

async function pour({ gatewayPort: port }: Stage, flood: Pick<Flood, "count" | "perSecond" | "kid">): Promise<FloodResult> {
  const workerData: Flood = { ...flood, port, token: byK1 };
  const worker = new Worker(new URL("./jwks-flood.ts", import.meta.url), { workerData });
  const [result] = (await once(worker, "message")) as [FloodResult];
  return result;
}

function forged(token: string, kid: string): string {
  const [, payload, signature] = token.split(".");
  return `${Buffer.from(JSON.stringify({ alg: "RS256", kid })).toString("base64url")}.${payload}.${signature}`;
}

/* ── odd answers ──────────────────────────────────────────────────────── */

const HUGE = 4 * 1024 * 1024;
const fetchText = `time-out ${seconds(JWKS_FETCH_LIMITS.timeoutMs)}, ${JWKS_FETCH_LIMITS.maxBytes / 1024} KB`;

const ODD_ANSWERS: Readonly<Record<string, RequestListener>> = {
  "no answer at all": () => undefined,
  "a byte now and then": (_request, response) => {
    const timer = setInterval(() => response.write(" "), 50);
    response.on("close", () => clearInterval(timer));
  },
  "4 MB, said beforehand": (_request, response) => void response.writeHead(200, { "content-length": HUGE }).end(Buffer.alloc(HUGE, " ")),
  "without an end": (_request, response) => {
    const flow = (): void => void (!response.destroyed && response.write(Buffer.alloc(65_536, " "), () => setImmediate(flow)));
    flow();
  },
  "a redirect to a good set": (request, response) => {
    if (request.url === "/elsewhere") serving(k1, k2)(request, response);
    else response.writeHead(302, { location: "/elsewhere" }).end();
  },
  "a page of HTML": answerJson("<html>sorry</html>"),
  "half a set": answerJson(keySetOf(k1).slice(0, -40)),
  "a set in gzip": (_request, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(keySetOf(k1))),
  "an empty body": answerJson(""),
  "no HTTP": (request) => void request.socket.end("nonsense\r\n\r\n"),
  "500": (_request, response) => void response.writeHead(500).end(),
};

/** All at once, each with an issuer and a gateway of its own. */
async function oddAnswers(): Promise<Figure[]> {
  const figures = Object.entries(ODD_ANSWERS).map(([what, answer]) =>
    on(serving(k1), { softMs: 500, coolDownMs: 500 }, (stage) => oddAnswer(stage, what, answer)),
  );
  return [{ what: "limits of a fetch, as by default", measured: fetchText }, ...(await Promise.all(figures))];
}

async function oddAnswer(stage: Stage, what: string, answer: RequestListener): Promise<Figure> {
  const asking = keepAsking(stage, () => byK1, 100);
  stage.issuer.answerWith(answer);
  // A fetch that is under way has perhaps been answered already.
  const number = stage.state().fetchCount + 1;
  await until(() => stage.events.length >= number, 10_000, `the fetch of ${what}`);
  const event = stage.events[number - 1]!;
  const answers = await asking.stop();
  const reason = event.kind === "failed" ? event.reason : "taken for a set";
  const others = answers.filter(({ status }) => status !== 200).length;
  const held = event.kind === "failed" && others === 0 && (await stage.ask(byK1)).status === 200;
  return { what, measured: `${answers.length - others} of ${answers.length} good tokens served`, bound: reason, holds: held };
}

function oddFirstAnswer(): Promise<Figure[]> {
  return on(answerJson("<html>sorry</html>"), {}, async (stage) => {
    const before = await stage.ask(byK1);
    stage.issuer.answerWith(serving(k1));
    const mendedAt = performance.now();
    const good = await firstWith(stage, byK1, 200, 5000);
    return [
      { what: "a good token while there is no set", measured: `${before.status}`, bound: "503", holds: before.status === 503 },
      {
        what: "good after the issuer is mended",
        measured: seconds(good.at - mendedAt),
        bound: "first retry after 1 s",
        holds: good.at - mendedAt <= 1000 + SLACK_MS,
      },
    ];
  });
}

/* ── measuring ────────────────────────────────────────────────────────── */

/** The first answer of this status; rejects when there is none within the time. */
async function firstWith(stage: Stage, token: string, status: number, withinMs: number): Promise<Answer> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const answer = await stage.ask(token);
    if (answer.status === status) return answer;
    if (answer.at > deadline) throw new Error(`no ${status} within ${withinMs} ms`);
    await pause(10);
  }
}

function within(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

function share(answers: readonly Answer[], part: number): number {
  const sorted = answers.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function quantiles(answers: readonly Answer[]): string {
  return `p50 ${milliseconds(share(answers, 0.5))}, p99 ${milliseconds(share(answers, 0.99))}`;
}

function milliseconds(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function seconds(ms: number): string {
  return `${Number((ms / 1000).toFixed(2))} s`;
}
