/** The end of all workers: what SIGTERM and a second signal do. */
import http from "node:http";
import t, { type Test } from "tap";
import { ask, listen } from "../forward/harness.ts";
import { until } from "../journey/things.ts";
import { isRunning, serveWorkers, type Workers } from "./program.ts";

interface Slow {
  readonly workers: Workers;
  /** Requests that reached the upstream and wait for their answers. */
  readonly waiting: http.ServerResponse[];
}

const COUNT = 2;

async function startSlow(t: Test): Promise<Slow> {
  const waiting: http.ServerResponse[] = [];
  const server = http.createServer((_request, response) => void waiting.push(response));
  const upstream = `http://127.0.0.1:${await listen(t, server)}`;
  return { workers: await serveWorkers(t, COUNT, { upstream, rest: "routes: { GET /slow: public }" }), waiting };
}

const ready = ({ program }: Workers) => ask(program.ports.health, "/ready").then(({ status, body }) => `${status} ${String(body)}`);

t.test("SIGTERM: unready at once, no new connection, requests under way in every worker finish, then exit 0", async (t) => {
  const { workers, waiting } = await startSlow(t);
  const { program, port } = workers;
  const pids = (await workers.status()).workers?.map(({ pid }) => pid ?? 0) ?? [];
  const connections = await workers.connections();
  const answers = [...connections.values()].map((agent) => ask(port, "/slow", { agent }));
  await until(() => waiting.length === COUNT);
  t.equal(await ready(workers), '200 {"status":"ready"}');

  program.process.kill("SIGTERM");
  await program.says('"msg":"stopping"');
  t.equal(await ready(workers), '503 {"status":"draining"}');
  await until(() => ask(port, "/slow").then(...refused));
  for (const response of waiting) response.end("whole");
  t.same(
    (await Promise.all(answers)).map(({ body }) => String(body)),
    ["whole", "whole"],
  );
  t.equal(await program.ended, 0, "although clients keep their connections");
  t.notOk(pids.some(isRunning));
  t.match(program.log().at(-1), { msg: "stopped" });
  t.notMatch(program.out(), /takes its place/);
});

/** Whether nothing listens. */
const refused = [() => false, (error: NodeJS.ErrnoException) => error.code === "ECONNREFUSED"] as const;

t.test("a second signal cuts what is under way in every worker", async (t) => {
  const { workers, waiting } = await startSlow(t);
  const { program, port } = workers;
  const answers = Promise.allSettled([...(await workers.connections()).values()].map((agent) => ask(port, "/slow", { agent })));
  await until(() => waiting.length === COUNT);
  program.process.kill("SIGTERM");
  await program.says('"msg":"stopping"');
  program.process.kill("SIGTERM");
  t.same(
    (await answers).map(({ status }) => status),
    ["rejected", "rejected"],
  );
  t.equal(await program.ended, 0);
});

t.test("a signal to all processes at once, as from a terminal or a service manager, does the same", async (t) => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const { workers, waiting } = await startSlow(t);
    const { program, port } = workers;
    const answer = ask(port, "/slow");
    await until(() => waiting.length === 1);
    const pids = (await workers.status()).workers?.map(({ pid }) => pid ?? 0) ?? [];
    program.process.kill(signal);
    for (const pid of pids) process.kill(pid, signal);
    await program.says('"msg":"stopping"');
    waiting[0]?.end("whole");
    t.match(await answer, { status: 200, body: Buffer.from("whole") });
    t.equal(await program.ended, 0);
  }
});
