/** What the command says of the number of workers, and that one is what it ever was. */
import t from "tap";
import { answerOf } from "../cli/run-command.ts";
import { ask, openRecorder } from "../forward/harness.ts";
import { freePorts, runProgram, writeFolder } from "../journey/child.ts";
import { startThingsIssuer, thingsFiles } from "../journey/things.ts";
import { serveWorkers } from "./program.ts";

const SHAPE = { upstream: "http://127.0.0.1:9", rest: "routes: { GET /open: public }" };

t.test("several workers that would each count limits for themselves are refused, with place and repair", async (t) => {
  const { environment } = await startThingsIssuer(t);
  const folder = writeFolder(t, thingsFiles(SHAPE, await freePorts()));
  const program = runProgram(t, ["serve", "--config", "sallyport.yaml", "--workers", "2"], { folder, environment });
  t.equal(await program.ended, 1);
  t.match(program.err(), /^sallyport\.yaml:5:\d+: each of 2 workers would count/);
  t.match(program.err(), /write `stores: \{ counters: memory-per-worker \}`/);
  t.equal(program.out(), "");
});

t.test("one worker needs no such word, and is no process of its own", async (t) => {
  const { environment } = await startThingsIssuer(t);
  const ports = await freePorts();
  const folder = writeFolder(t, thingsFiles(SHAPE, ports));
  const program = runProgram(t, ["serve", "--config", "sallyport.yaml", "--workers", "1"], { folder, environment });
  await program.says('"msg":"serving"');
  const status = await ask(ports.admin, "/api/status", { headers: { authorization: `Bearer ${environment["ADMIN_TOKEN"]}` } });
  t.notOk("workers" in (JSON.parse(String(status.body)) as object));
  t.notMatch(String((await ask(ports.admin, "/metrics")).body), /sallyport_workers/);
});

t.test("what is no number of processes is wrong use", async (t) => {
  for (const words of ["0", "-1", "65", "two", "1.5", ""]) {
    const { code, err } = await answerOf(["serve", `--workers=${words}`]);
    t.match([code, err.replaceAll("\n    ", " ")], [2, /--workers: .* is no number of processes; write one from 1 to 64/], words);
  }
});

t.test("the demo is one process", async (t) => {
  const { code, err } = await answerOf(["serve", "--demo", "--workers", "2"]);
  t.match([code, err], [2, /--demo runs in one process; leave --workers out/]);
});

t.test("a port that is taken ends the start, and no process is left", async (t) => {
  const taken = await openRecorder(t);
  const { environment } = await startThingsIssuer(t);
  const ports = { ...(await freePorts()), front: taken.port };
  const files = thingsFiles({ ...SHAPE, gateway: "" }, ports);
  const gateway = files["sallyport.yaml"]?.replace("counters: memory", "counters: memory-per-worker") ?? "";
  const folder = writeFolder(t, { ...files, "sallyport.yaml": gateway });
  const program = runProgram(t, ["serve", "--config", "sallyport.yaml", "--workers", "2"], { folder, environment });
  t.equal(await program.ended, 1);
  t.match(program.err(), new RegExp(`port ${taken.port} of 127.0.0.1 is taken by another program.*\`listen.port\` of sallyport.yaml`));
});

t.test("limits count for each worker", async (t) => {
  const upstream = await openRecorder(t);
  const rest = "limits: { few: { by: address, rate: 2/hour } }\nroutes: { GET /open: public }";
  const workers = await serveWorkers(t, 2, { upstream: upstream.origin, rest });
  for (const agent of (await workers.connections()).values()) {
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await ask(workers.port, "/open", { agent })).status);
    t.equal(statuses.at(-1), 429);
  }
});
