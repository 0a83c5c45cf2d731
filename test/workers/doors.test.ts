/** The doors for operators are there once, and tell of all workers. */
import t from "tap";
import { ask, openRecorder } from "../forward/harness.ts";
import { serveWorkers, sumOf, workerOf } from "./program.ts";

const COUNT = 3;

t.test("metrics are those of all workers", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, COUNT, { upstream: upstream.origin, rest: "routes: { GET /open: public }" });
  const answers = await Promise.all(Array.from({ length: 30 }, () => ask(workers.port, "/open")));
  t.equal(new Set(answers.map(workerOf)).size, COUNT, "all of them had some");
  const metrics = await workers.metrics();
  t.match(metrics, /^sallyport_requests_total\{service="things",route="GET \/open",method="GET",outcome="allow",status="200"\} 30$/m);
  t.equal(sumOf(metrics, "sallyport_request_duration_seconds_count"), 30);
  t.match(metrics, /^sallyport_workers 3$/m);
  const { revision } = await workers.status();
  t.equal(sumOf(metrics, "sallyport_policy_info"), 1);
  t.match(metrics, new RegExp(`^sallyport_policy_info\\{revision="${revision}"\\} 1$`, "m"));
  t.match(metrics, /^sallyport_issuer_keys\{issuer="[^"]+"\} 1$/m, "of each issuer, not of each worker");
  const names = metrics.split("\n").filter((line) => line.startsWith("# TYPE"));
  t.equal(new Set(names).size, names.length);
});

t.test("connections stay open in the count of all workers", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, COUNT, { upstream: upstream.origin, rest: "routes: { GET /open: public }" });
  await workers.connections();
  t.ok(sumOf(await workers.metrics(), "sallyport_connections_open") >= COUNT);
});

t.test("refusals of every worker are found, by their ids and in the list", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, COUNT, { upstream: upstream.origin, rest: "routes: { GET /open: public }" });
  const ids: string[] = [];
  for (const agent of (await workers.connections()).values())
    ids.push(String((await ask(workers.port, "/nowhere", { agent })).headers["x-decision-id"]));
  t.equal(new Set(ids).size, COUNT);
  for (const id of ids) t.match(JSON.parse(String((await workers.admin(`/api/decisions/${id}`)).body)), { decision: id, path: "/nowhere" });
  t.equal((await workers.admin("/api/decisions/000000000000-1")).status, 404);
  const { decisions } = JSON.parse(String((await workers.admin("/api/decisions")).body)) as {
    decisions: { decision: string; at: string }[];
  };
  t.ok(ids.every((id) => decisions.some(({ decision }) => decision === id)));
  t.same(
    decisions.map(({ at }) => at),
    decisions.map(({ at }) => at).toSorted((left, right) => right.localeCompare(left)),
    "the newest first",
  );
});

t.test("the status tells of issuers once, and of each worker", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, 2, { upstream: upstream.origin, rest: "routes: { GET /open: authenticated }" });
  const status = JSON.parse(String((await workers.admin("/health/ready")).body)) as { revision: string };
  const worker = { state: "serving", revision: status.revision, replaced: 0 };
  t.match(status, {
    status: "ready",
    issuers: [{ iss: workers.issuer.pool.iss, usable: true, keyCount: 1 }],
    keyStore: { usable: true },
    workers: [
      { ...worker, worker: 1, pid: Number },
      { ...worker, worker: 2, pid: Number },
    ],
  });
});
