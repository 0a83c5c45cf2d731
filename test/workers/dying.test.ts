/** A worker that ends is replaced, and the others, their connections and the counts go on. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ask, openRecorder } from "../forward/harness.ts";
import { until } from "../journey/things.ts";
import { isRunning, serveWorkers, sumOf, workerOf, type Workers } from "./program.ts";

const OPEN = "routes: { GET /open: public }";
const COUNT = 3;

const pidsOf = async (workers: Workers): Promise<number[]> => (await workers.status()).workers?.map(({ pid }) => pid ?? 0) ?? [];
const allServing = async (workers: Workers): Promise<boolean> =>
  (await workers.status()).workers?.every(({ state }) => state === "serving") === true;

t.test("killed in the middle of everything: connections to the others are served without a break, and its place is filled", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, COUNT, { upstream: upstream.origin, rest: OPEN });
  const connections = await workers.connections();
  const [victim = 0] = await pidsOf(workers);
  await workers.metrics();
  let ended = false;
  const others: string[] = [];
  const broken: string[] = [];
  const load = [...connections].map(async ([worker, agent]) => {
    try {
      for (let after = 0; after < 50; after += ended ? 1 : 0) {
        const { status, headers } = await ask(workers.port, "/open", { agent });
        if (status !== 200 || workerOf({ headers }) !== worker) throw new Error(`${status} of ${workerOf({ headers })}`);
      }
      others.push(worker);
    } catch {
      broken.push(worker);
    }
  });
  process.kill(victim, "SIGKILL");
  await workers.program.says("a worker ended; another takes its place");
  ended = true;
  await Promise.all(load);
  t.equal(others.length, COUNT - 1, "as many requests as before, on the same connections, of the same workers");
  t.equal(broken.length, 1, "only what the dead one had under way is lost");

  await until(() => allServing(workers));
  t.match((await workers.status()).workers, [{ worker: 1, replaced: 1 }, { replaced: 0 }, { replaced: 0 }]);
  t.not((await pidsOf(workers))[0], victim);
  t.equal((await workers.connections()).size, COUNT, "the new one is given connections");
  t.match(await workers.metrics(), /^sallyport_workers_ended_total\{how="died"\} 1$/m);
  t.match(
    workers.program.log().filter(({ level }) => level === "error"),
    [{ worker: 1, pid: victim, signal: "SIGKILL", delayMs: 0 }],
  );
});

t.test("the new one decides by the policy in force, not by the one with which its forebear began", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, 2, { upstream: upstream.origin, rest: OPEN });
  const file = join(workers.program.folder, "services/things.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace("/open", "/other"));
  t.equal((await workers.admin("/api/reload", "POST")).status, 200);
  const { revision } = await workers.status();
  writeFileSync(file, "version: 1\nservice: [");
  for (const pid of await pidsOf(workers)) process.kill(pid, "SIGKILL");
  await until(async () => (await workers.metrics()).includes('how="died"} 2') && (await allServing(workers)));
  for (const agent of (await workers.connections()).values()) {
    t.equal((await ask(workers.port, "/other", { agent })).status, 200, "although the file has become a bad one");
    t.equal((await ask(workers.port, "/open", { agent })).status, 404);
  }
  t.match((await workers.status()).workers, [{ revision }, { revision }]);
});

t.test("no counter goes back when a worker ends", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, 2, { upstream: upstream.origin, rest: OPEN });
  for (let count = 0; count < 20; count += 1) await ask(workers.port, "/open");
  const before = await workers.metrics();
  t.equal(sumOf(before, "sallyport_requests_total"), 20);
  for (const pid of await pidsOf(workers)) process.kill(pid, "SIGKILL");
  await until(async () => (await workers.metrics()).includes('how="died"} 2') && (await allServing(workers)));
  await ask(workers.port, "/open");
  const after = await workers.metrics();
  t.equal(sumOf(after, "sallyport_requests_total"), 21);
  t.equal(sumOf(after, "sallyport_request_duration_seconds_count"), 21);
  // What is now is of those that are there.
  await until(async () => sumOf(await workers.metrics(), "sallyport_connections_open") === 0);
});

t.test("told to stop by somebody else, a worker finishes what it has, and is replaced", async (t) => {
  const arrived = Promise.withResolvers<undefined>();
  const answer = Promise.withResolvers<undefined>();
  const upstream = await openRecorder(t, (_request, response) => {
    arrived.resolve(undefined);
    void answer.promise.then(() => response.end("whole"));
  });
  const workers = await serveWorkers(t, 2, { upstream: upstream.origin, rest: OPEN });
  const slow = ask(workers.port, "/open");
  await arrived.promise;
  for (const pid of await pidsOf(workers)) process.kill(pid, "SIGTERM");
  await workers.program.says("a worker was stopped; another takes its place");
  answer.resolve(undefined);
  t.match(await slow, { status: 200, body: Buffer.from("whole") });
  await until(async () => (await workers.metrics()).includes('how="stopped"} 2') && (await allServing(workers)));
});

t.test("a primary that is killed takes its workers along", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, 2, { upstream: upstream.origin, rest: OPEN });
  const pids = await pidsOf(workers);
  t.ok(pids.every(isRunning));
  workers.program.process.kill("SIGKILL");
  await until(() => !pids.some(isRunning));
  await t.rejects(ask(workers.port, "/open"), { code: "ECONNREFUSED" });
});
