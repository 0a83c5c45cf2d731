/** One policy in all workers: a reload reaches every one of them, or none. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ask, openRecorder } from "../forward/harness.ts";
import { until } from "../journey/things.ts";
import { serveWorkers, type Workers } from "./program.ts";

const BEFORE = "routes: { GET /old: public }";
const AFTER = "routes: { GET /new: public }";
const COUNT = 3;

/** In one step, as editors and ConfigMaps do. */
function change({ program }: Workers, from: string, to: string): void {
  const file = join(program.folder, "services/things.yaml");
  writeFileSync(`${file}.new`, readFileSync(file, "utf8").replace(from, to));
  renameSync(`${file}.new`, file);
}

/** What each worker answers on a connection that was open before. */
async function statuses({ port }: Workers, connections: Awaited<ReturnType<Workers["connections"]>>, path: string): Promise<number[]> {
  return Promise.all([...connections.values()].map(async (agent) => (await ask(port, path, { agent })).status));
}

t.test(
  "under load: when a reload is answered every worker decides by the new policy, and no request fails or is decided by both",
  async (t) => {
    const upstream = await openRecorder(t);
    const workers = await serveWorkers(t, COUNT, { upstream: upstream.origin, rest: BEFORE, gateway: "log: { decisions: all }" });
    const connections = await workers.connections();
    const enough = new AbortController();
    const load = [...connections.values()].map(async (agent) => {
      const seen: number[] = [];
      while (!enough.signal.aborted) for (const path of ["/old", "/new"]) seen.push((await ask(workers.port, path, { agent })).status);
      return seen;
    });
    const fresh = await Promise.all(Array.from({ length: COUNT }, () => workers.connections()));
    for (const [from, to, old] of [
      [BEFORE, AFTER, 404],
      [AFTER, BEFORE, 200],
      [BEFORE, AFTER, 404],
    ] as const) {
      change(workers, from, to);
      const { status, body } = await workers.admin("/api/reload", "POST");
      t.equal(status, 200);
      const { revision } = JSON.parse(String(body)) as { revision: string };
      const answers = await Promise.all(fresh.map((one) => statuses(workers, one, "/old")));
      t.same(new Set(answers.flat()), new Set([old]), "no worker decides by the old policy");
      t.same(
        (await workers.status()).workers?.map((worker) => worker.revision),
        Array.from({ length: COUNT }, () => revision),
      );
    }
    enough.abort();
    const seen = (await Promise.all(load)).flat();
    t.same(new Set(seen), new Set([200, 404]), "every request was answered, and by one of the two");

    const decided = workers.program.log().filter(({ path }) => path === "/old" || path === "/new");
    const verdicts = new Map<unknown, Set<string>>();
    for (const { policy, path, outcome } of decided)
      verdicts.set(policy, (verdicts.get(policy) ?? new Set()).add(`${String(path)} ${String(outcome)}`));
    t.equal(verdicts.size, 2, "the two policies, and no other");
    for (const words of verdicts.values()) t.equal(words.size, 2, "each said the same of a path each time");
    const loaded = workers.program.log().filter(({ msg }) => msg === "policy loaded");
    t.equal(loaded.length, 3, "said once for all workers");
  },
);

t.test("a changed file is noticed for all workers, and so is SIGHUP", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, 2, { upstream: upstream.origin, rest: BEFORE });
  const connections = await workers.connections();
  t.same(await statuses(workers, connections, "/old"), [200, 200]);
  change(workers, BEFORE, AFTER);
  await workers.program.says('"msg":"policy loaded"');
  t.same(await statuses(workers, connections, "/old"), [404, 404]);
  t.same(await statuses(workers, connections, "/new"), [200, 200]);

  change(workers, AFTER, "routes: { GET /third: public }");
  workers.program.process.kill("SIGHUP");
  await until(async () => (await statuses(workers, connections, "/third")).every((status) => status === 200));
  t.same(await statuses(workers, connections, "/new"), [404, 404]);
});

t.test("a bad file changes nothing in any worker, and the admin door says so", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, 2, { upstream: upstream.origin, rest: BEFORE });
  const connections = await workers.connections();
  const { revision } = await workers.status();
  change(workers, BEFORE, "routes: { GET /old: { acess: public }, GET /new: public }");
  const refused = await workers.admin("/api/reload", "POST");
  t.match([refused.status, String(refused.body)], [422, /acess/]);
  t.same(await statuses(workers, connections, "/old"), [200, 200]);
  t.same(await statuses(workers, connections, "/new"), [404, 404], "no part of it is in force anywhere");
  t.match(await workers.status(), { revision, lastReload: { kind: "rejected" }, workers: [{ revision }, { revision }] });
  t.match(await workers.metrics(), /^sallyport_policy_reloads_total\{result="rejected"\} 1$/m);
});

t.test("a file that takes back `memory-per-worker` is a bad one", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, 2, { upstream: upstream.origin, rest: BEFORE });
  const file = join(workers.program.folder, "sallyport.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace("memory-per-worker", "memory"));
  const refused = await workers.admin("/api/reload", "POST");
  t.match([refused.status, String(refused.body)], [422, /memory-per-worker/]);
  t.same(await statuses(workers, await workers.connections(), "/old"), [200, 200]);
});
