/** Row X8: a log without a reader costs its lines, never a request and never the way out. The program runs as a process of its own. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Readable } from "node:stream";
import t, { type Test } from "tap";
import { ask, listen } from "../forward/harness.ts";
import { bareNode, freePorts, PROGRAM, serveProgram, writeFolder } from "../journey/child.ts";
import { thingsFiles, until, type Ports } from "../journey/things.ts";

/** Each request is a line of the log, and so is each refusal. */
const SHAPE = { rest: "routes: { GET /open: public }\n", gateway: "log: { level: debug, decisions: all }", authenticators: "" };
/** Their lines are more than the system holds for a reader. */
const REQUESTS = 1_500;

async function startUpstream(t: Test): Promise<string> {
  return `http://127.0.0.1:${await listen(
    t,
    createServer((_request, response) => response.end("ok")),
  )}`;
}

async function answersAll(t: Test, port: number): Promise<void> {
  for (let count = 0; count < REQUESTS; count += 1) {
    const { status } = await ask(port, count % 2 === 0 ? "/open" : "/nowhere");
    if (status !== (count % 2 === 0 ? 200 : 404)) t.fail(`request ${count} got ${status}`);
  }
  t.pass(`${REQUESTS} requests were answered`);
}

const ADMIN = { ADMIN_TOKEN: randomBytes(24).toString("hex") };

const READERS: readonly [what: string, leave: (log: Readable) => void][] = [
  ["is gone", (log) => log.destroy()],
  ["reads no more", (log) => log.pause()],
];

for (const [what, leave] of READERS) {
  t.test(`X8 a gateway whose log's reader ${what} answers every request, and stops when it is told to`, async (t) => {
    const upstream = await startUpstream(t);
    const program = await serveProgram(t, (ports) => thingsFiles({ ...SHAPE, upstream }, ports), ADMIN);
    const exit = once(program.process, "exit");
    leave(program.process.stdout!);
    await answersAll(t, program.ports.front);
    program.process.kill("SIGTERM");
    t.same(await exit, [0, null]);
    t.equal(program.err(), "");
  });
}

t.test("X8 a reader that was away finds lines missing, and none of them torn", async (t) => {
  const upstream = await startUpstream(t);
  const program = await serveProgram(t, (ports) => thingsFiles({ ...SHAPE, upstream }, ports), ADMIN);
  const path = `/${"p".repeat(900)}`;
  const askAtOnce = () => Promise.all(Array.from({ length: 100 }, () => ask(program.ports.front, path)));
  for (let round = 0; round < 20; round += 1) {
    if (round % 10 === 0) program.process.stdout?.pause();
    if (round % 10 === 5) program.process.stdout?.resume();
    await askAtOnce();
  }
  program.process.kill("SIGTERM");
  t.equal(await program.ended, 0);
  const lines = program.out().trimEnd().split("\n");
  t.ok(lines.length < 2000, "some are missing");
  t.doesNotThrow(() => lines.map((line) => JSON.parse(line) as unknown));
});

/** Runs a command on a terminal of its own; part of every Debian (package `bsdutils`). */
const SCRIPT = "/usr/bin/script";
const NO_SCRIPT = existsSync(SCRIPT) ? false : `there is no ${SCRIPT}, and Node itself has no terminals`;

/** Runs the gateway on a terminal; `hangUp` takes that away. */
async function serveOnTerminal(t: Test, ports: Ports, upstream: string) {
  const folder = writeFolder(t, { ...thingsFiles({ ...SHAPE, upstream }, ports), "serve.sh": SERVE });
  const [command, args] = bareNode();
  const node = [command, ...args, PROGRAM].map((word) => `'${word}'`).join(" ");
  const script = spawn(SCRIPT, ["--quiet", "--command", "exec sh serve.sh", "/dev/null"], {
    cwd: folder,
    env: { PATH: process.env["PATH"], SHELL: "/bin/sh", SALLYPORT: node, ...ADMIN },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said = (): string => (existsSync(join(folder, "code")) ? readFileSync(join(folder, "code"), "utf8") : "");
  const pid = (): number => Number(readFileSync(join(folder, "pid"), "utf8"));
  t.teardown(() => {
    if (said() === "") process.kill(pid(), "SIGKILL");
    script.kill("SIGKILL");
  });
  let shown = "";
  script.stdout.on("data", (data) => (shown += String(data)));
  await until(() => shown.includes('"msg":"serving"') || said() !== "");
  if (said() !== "") throw new Error(`it did not start: ${shown}`);
  return {
    pid: pid(),
    /** Its exit code, with a line feed, once it has ended. */
    exitCode: said,
    async hangUp() {
      const gone = once(script, "close");
      script.kill("SIGKILL");
      await gone;
    },
  };
}

/** A hang-up is for the gateway, and not for those who note how it ended. */
const SERVE = `trap : HUP
sh -c 'echo $$ > pid; eval exec "$SALLYPORT" serve --config sallyport.yaml'
echo $? > code
`;

t.test("X8 a gateway whose terminal is gone answers every request, and stops when it is told to", { skip: NO_SCRIPT }, async (t) => {
  const ports = await freePorts();
  const gateway = await serveOnTerminal(t, ports, await startUpstream(t));
  await gateway.hangUp();
  await answersAll(t, ports.front);
  t.equal(gateway.exitCode(), "", "it runs on");
  process.kill(gateway.pid, "SIGTERM");
  await until(() => gateway.exitCode() !== "");
  t.equal(gateway.exitCode(), "0\n");
});
