/** One log of all workers: whole lines, each decision once. */
import t from "tap";
import { ask, openRecorder } from "../forward/harness.ts";
import { serveWorkers, workerOf } from "./program.ts";

const COUNT = 4;
const REQUESTS = 800;

t.test("lines of workers that all write at the same time are whole, and every decision has its own id", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, COUNT, { upstream: upstream.origin, rest: "routes: { GET /open: public }" });
  const connections = [...(await workers.connections()).values()];
  const origin = `https://${"o".repeat(500)}.example`;
  const ids: string[] = [];
  for (let round = 0; round < REQUESTS / COUNT; round += 1) {
    const path = `/${"p".repeat(900)}/${round}`;
    const answers = await Promise.all(connections.map((agent) => ask(workers.port, path, { agent, headers: { origin } })));
    ids.push(...answers.map(({ headers }) => String(headers["x-decision-id"])));
  }
  workers.program.process.kill("SIGTERM");
  t.equal(await workers.program.ended, 0);
  const lines = workers.program.out().trimEnd().split("\n");
  const logged = lines.map((line) => JSON.parse(line) as { decision?: string; worker?: number });
  const byId = new Map(logged.map((line) => [line.decision, line.worker]));
  t.equal(new Set(ids).size, REQUESTS);
  t.ok(
    ids.every((id) => byId.has(id)),
    "none is missing, not even the last ones",
  );
  t.equal(new Set(ids.map((id) => workerOf({ headers: { "x-decision-id": id } }))).size, COUNT);
  t.same(new Set(ids.map((id) => byId.get(id))), new Set([1, 2, 3, 4]), "each line says which worker it is of");
  t.equal(workers.program.err(), "");
});
