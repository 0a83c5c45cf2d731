/** A policy that changes under a running gateway: all or nothing, for all requests that begin from then on. */
import type http from "node:http";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { ask, openRecorder, type Recorder } from "../forward/harness.ts";
import { serveProgram } from "./child.ts";
import { startThings, startThingsIssuer, thingsFiles, until, type Things } from "./things.ts";

const BEFORE = "routes: { GET /old: public, GET /slow: public }";

interface Reloading extends Things {
  readonly file: string;
  readonly change: (from: string, to: string) => void;
}

async function start(t: Test, upstream: Recorder, watchMs = 20): Promise<Reloading> {
  const things = await startThings(t, { upstream: upstream.origin, rest: BEFORE }, { watchMs });
  const file = join(things.sallyport.folder, "services/things.yaml");
  return { ...things, file, change: (from, to) => replace(file, readFileSync(file, "utf8").replace(from, to)) };
}

/** In one step, as editors and ConfigMaps do. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

const status = async (port: number, path: string): Promise<number> => (await ask(port, path)).status;

t.test("a changed file takes effect, and a request under way finishes on the policy that it began with", async (t) => {
  const arrived = Promise.withResolvers<http.ServerResponse>();
  const upstream = await openRecorder(t, (request, response) => (request.url === "/slow" ? arrived.resolve(response) : response.end("ok")));
  const { port, change, sallyport } = await start(t, upstream);
  const revision = sallyport.running.policy().revision;
  t.same([await status(port, "/old"), await status(port, "/new")], [200, 404]);
  const slow = ask(port, "/slow");
  const response = await arrived.promise;

  change("GET /old: public, GET /slow: public", "GET /new: public");
  await until(() => sallyport.running.policy().revision !== revision);
  t.same([await status(port, "/old"), await status(port, "/new"), await status(port, "/slow")], [404, 200, 404]);
  response.end("finished");
  t.match(await slow, { status: 200, body: Buffer.from("finished") });
  const metrics = await (await fetch(`${sallyport.adminUrl}/metrics`)).text();
  t.match(metrics, new RegExp(`^sallyport_policy_info\\{revision="${sallyport.running.policy().revision}"\\} 1$`, "m"));
  t.notMatch(metrics, `revision="${revision}"`);
  t.ok(sallyport.log().some(({ msg }) => msg === "policy loaded"));
});

t.test("a bad file changes nothing, and log, metric and health detail say so until it is mended", async (t) => {
  const upstream = await openRecorder(t);
  const { port, change, sallyport } = await start(t, upstream);
  const revision = sallyport.running.policy().revision;
  const detail = async () =>
    (await (await fetch(`${sallyport.adminUrl}/health/ready`)).json()) as { lastReload: { kind: string; diagnostics: string[] } };
  change("GET /old: public", "GET /old: { acess: public }, GET /open: public");
  await until(async () => (await detail()).lastReload.kind === "rejected");

  t.same([await status(port, "/old"), await status(port, "/open")], [200, 404], "no part of the bad file is in force");
  t.equal(sallyport.running.policy().revision, revision);
  t.match((await detail()).lastReload.diagnostics, [/things\.yaml:\d+:\d+: [^]*acess/]);
  const rejected = sallyport.log().filter(({ level }) => level === "error");
  t.match(rejected, [{ policy: revision, diagnostics: [/acess/] }], "said once, however often the files are looked at");
  t.match(await (await fetch(`${sallyport.adminUrl}/metrics`)).text(), /^sallyport_policy_reloads_total\{result="rejected"\} 1$/m);
  t.equal((await ask(sallyport.running.ports.health ?? 0, "/ready")).status, 200, "it serves, and so it is ready");

  change("GET /old: { acess: public }, ", "");
  await until(async () => (await detail()).lastReload.kind === "loaded");
  t.same([await status(port, "/old"), await status(port, "/open")], [404, 200]);
});

t.test("a file that is gone is a bad policy, and well again when it is back", async (t) => {
  const upstream = await openRecorder(t);
  const { port, file, sallyport } = await start(t, upstream);
  renameSync(file, `${file}.away`);
  await until(() => sallyport.log().some(({ msg }) => /rejected/.test(String(msg))));
  t.equal(await status(port, "/old"), 200);
  replace(file, readFileSync(`${file}.away`, "utf8").replace("/old", "/new"));
  await until(async () => (await status(port, "/new")) === 200);
});

t.test("a route that becomes protected is so for the very next request, on a connection that is open already", async (t) => {
  const upstream = await openRecorder(t);
  const { port, change, sallyport, bearer } = await start(t, upstream, 0);
  t.equal(await status(port, "/old"), 200);
  change("GET /old: public", "GET /old: authenticated");
  t.equal(await status(port, "/old"), 200, "nobody has looked yet");
  t.match(await sallyport.running.reload(), { kind: "loaded" });
  t.equal(await status(port, "/old"), 401);
  t.equal((await ask(port, "/old", { headers: bearer })).status, 200);
  t.match(await sallyport.running.reload(), { kind: "unchanged" });
});

t.test("SIGHUP loads the files again", async (t) => {
  const upstream = await openRecorder(t);
  const { environment } = await startThingsIssuer(t);
  const shape = { upstream: upstream.origin, rest: BEFORE };
  const program = await serveProgram(t, (ports) => thingsFiles(shape, ports), environment);
  const file = join(program.folder, "services/things.yaml");
  replace(file, readFileSync(file, "utf8").replace("/old", "/new"));
  program.process.kill("SIGHUP");
  await program.says('"msg":"policy loaded"');
  t.equal(await status(program.ports.front, "/new"), 200);
  replace(file, "version: 1\nservice: [");
  program.process.kill("SIGHUP");
  await program.says("policy rejected");
  t.equal(await status(program.ports.front, "/new"), 200);
  program.process.kill("SIGTERM");
  t.equal(await program.ended, 0);
});
