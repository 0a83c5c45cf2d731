/** One key store for all workers: what the commands change holds for the very next request, whichever worker has it. */
import t, { type Test } from "tap";
import { ask, openRecorder } from "../forward/harness.ts";
import { runProgram } from "../journey/child.ts";
import { serveWorkers, type Workers } from "./program.ts";

const COUNT = 3;

/** What the command prints. */
async function command(t: Test, { program: { folder } }: Workers, line: string): Promise<Record<string, string>> {
  const run = runProgram(t, [...line.split(" "), "--json", "--config", "sallyport.yaml"], { folder });
  if ((await run.ended) !== 0) throw new Error(run.err());
  return JSON.parse(run.out()) as Record<string, string>;
}

t.test("a revocation, and an account's end, count on every worker at once", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, COUNT, { upstream: upstream.origin, rest: "routes: { GET /any: authenticated }" });
  const connections = await workers.connections();
  const answers = (key: string | undefined) =>
    Promise.all(
      [...connections.values()].map(async (agent) => {
        return (await ask(workers.port, "/any", { agent, headers: { "x-api-key": key ?? "" } })).status;
      }),
    );
  await command(t, workers, "accounts create bot --service things --role owner");
  const [first, second] = [
    await command(t, workers, "keys create --service things --account bot --scopes all"),
    await command(t, workers, "keys create --service things --account bot --scopes all"),
  ];
  t.same(await answers(first["secret"]), [200, 200, 200]);
  t.same(await answers(second["secret"]), [200, 200, 200]);

  await command(t, workers, `keys revoke ${first["id"]}`);
  t.same(await answers(first["secret"]), [401, 401, 401]);
  t.same(await answers(second["secret"]), [200, 200, 200]);

  await command(t, workers, "accounts disable bot --service things");
  t.same(await answers(second["secret"]), [401, 401, 401]);
});

t.test("workers that all need the store at the same time, where there is none yet, can all read it", async (t) => {
  const upstream = await openRecorder(t);
  const workers = await serveWorkers(t, COUNT, { upstream: upstream.origin, rest: "routes: { GET /any: authenticated }" });
  const connections = await workers.connections();
  const unknown = { "x-api-key": "thk_8Zt4kQ2pAAAA_0000000000000000000000000000000000000000000" };
  const answers = await Promise.all([...connections.values()].map((agent) => ask(workers.port, "/any", { agent, headers: unknown })));
  t.same(
    answers.map(({ status }) => status),
    [401, 401, 401],
  );
  t.match(await workers.metrics(), /^sallyport_key_store_up 1$/m);
});
