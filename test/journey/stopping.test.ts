/** The end of a running gateway, as a process: what SIGTERM, a second signal and the grace period do. */
import { execFile } from "node:child_process";
import http from "node:http";
import net from "node:net";
import t, { type Test } from "tap";
import { WebSocket, WebSocketServer } from "ws";
import { ask, listen } from "../forward/harness.ts";
import { bareNode, ROOT, serveProgram, type ServingProgram } from "./child.ts";
import { startThingsIssuer, thingsFiles } from "./things.ts";

interface Slow {
  readonly program: ServingProgram;
  /** Resolves with each request that reached the upstream and waits for its answer. */
  readonly arrived: () => Promise<http.ServerResponse>;
}

/** A gateway in front of an upstream that answers when the test says so. */
async function startSlow(t: Test, grace: string): Promise<Slow> {
  const waiting: http.ServerResponse[] = [];
  const wanted: ((response: http.ServerResponse) => void)[] = [];
  const server = http.createServer((_request, response) => {
    const next = wanted.shift();
    if (next) next(response);
    else waiting.push(response);
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data as Buffer, { binary: false })));
  const upstream = `http://127.0.0.1:${await listen(t, server)}`;
  const rest = "routes: { GET /slow: public, GET /ws: { access: authenticated, websocket: true } }";
  const shape = { upstream, rest, gateway: `shutdown: { grace: ${grace} }` };
  const { environment, token } = await startThingsIssuer(t);
  const program = await serveProgram(t, (ports) => thingsFiles(shape, ports), environment);
  tokens.set(program, token());
  const arrived = () =>
    new Promise<http.ServerResponse>((resolve) => (waiting.length > 0 ? resolve(waiting.shift()!) : wanted.push(resolve)));
  return { program, arrived };
}

const tokens = new WeakMap<ServingProgram, string>();

const ready = (program: ServingProgram) => ask(program.ports.health, "/ready").then(({ status, body }) => `${status} ${String(body)}`);

t.test("SIGTERM: unready at once, no new connection, requests under way finish with their whole answer, then exit 0", async (t) => {
  const { program, arrived } = await startSlow(t, "20s");
  const agent = new http.Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const idle = await ask(program.ports.front, "/nothing", { agent });
  t.equal(idle.status, 404);
  const answer = ask(program.ports.front, "/slow", { agent });
  const response = await arrived();
  response.writeHead(200, { "content-length": 10 }).write("first");
  t.equal(await ready(program), '200 {"status":"ready"}');

  program.process.kill("SIGTERM");
  await program.says('"msg":"stopping"');
  t.equal(await ready(program), '503 {"status":"draining"}');
  await t.rejects(ask(program.ports.front, "/slow"), { code: "ECONNREFUSED" });

  response.end("later");
  t.equal(String((await answer).body), "firstlater");
  t.equal(await program.ended, 0, "although the client keeps its connection");
});

t.test("SIGQUIT stops as SIGTERM does, and the log is written to its end", async (t) => {
  const { program, arrived } = await startSlow(t, "20s");
  const answer = ask(program.ports.front, "/slow");
  const response = await arrived();
  program.process.kill("SIGQUIT");
  await program.says('"msg":"stopping"');
  response.end("later");
  t.equal(String((await answer).body), "later");
  t.equal(await program.ended, 0);
  await program.says('"msg":"stopped"');
});

t.test("an answer that begins after SIGTERM arrives whole, and says that its connection closes", async (t) => {
  const { program, arrived } = await startSlow(t, "20s");
  const agent = new http.Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const answer = ask(program.ports.front, "/slow", { agent });
  const response = await arrived();
  program.process.kill("SIGINT");
  await program.says('"msg":"stopping"');
  response.end("whole");
  const { status, body, headers } = await answer;
  t.match({ status, body: String(body), connection: headers.connection }, { status: 200, body: "whole", connection: "close" });
  t.equal(await program.ended, 0);
});

t.test("a second signal cuts what is still under way", async (t) => {
  const { program, arrived } = await startSlow(t, "1h");
  const cut = t.rejects(ask(program.ports.front, "/slow"), { code: "ECONNRESET" });
  const response = await arrived();
  const upstreamEnded = new Promise((resolve) => response.once("close", resolve));
  program.process.kill("SIGTERM");
  await program.says('"msg":"stopping"');
  t.equal(await ready(program), '503 {"status":"draining"}');
  program.process.kill("SIGTERM");
  await cut;
  await upstreamEnded;
  t.equal(await program.ended, 0);
});

t.test("the grace period's end cuts what is still under way", async (t) => {
  const { program, arrived } = await startSlow(t, "200ms");
  const cut = t.rejects(ask(program.ports.front, "/slow"), { code: "ECONNRESET" });
  await arrived();
  program.process.kill("SIGTERM");
  await cut;
  t.equal(await program.ended, 0);
});

t.test("connections that ask for nothing hold up nobody", async (t) => {
  const { program } = await startSlow(t, "1h");
  const silent = net.connect(program.ports.front, "127.0.0.1").on("error", () => {});
  await new Promise((resolve) => silent.once("connect", resolve));
  t.equal((await ask(program.ports.front, "/nothing")).status, 404);
  const closed = new Promise((resolve) => silent.once("close", resolve));
  program.process.kill("SIGTERM");
  t.equal(await program.ended, 0);
  await closed;
});

t.test("an open WebSocket ends with the gateway, in a close frame", async (t) => {
  const { program } = await startSlow(t, "5s");
  const socket = new WebSocket(`ws://127.0.0.1:${program.ports.front}/ws`, { headers: { authorization: `Bearer ${tokens.get(program)}` } });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.send("hello");
  t.equal(String(await new Promise((resolve) => socket.once("message", resolve))), "hello");
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  program.process.kill("SIGTERM");
  t.not(await closed, 1006, "not merely broken off");
  t.equal(await program.ended, 0);
});

t.test("a WebSocket that ignores its close frame is cut by the grace period's end, and no new connection is taken meanwhile", async (t) => {
  const { program } = await startSlow(t, "500ms");
  const head = `GET /ws HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer ${tokens.get(program)}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`;
  const stubborn = net.connect(program.ports.front, "127.0.0.1").on("error", () => {});
  stubborn.write(`${head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`);
  t.match(String(await new Promise((resolve) => stubborn.once("data", resolve))), /^HTTP\/1\.1 101 /);
  const closed = new Promise((resolve) => stubborn.resume().once("close", resolve));
  program.process.kill("SIGTERM");
  await program.says('"msg":"stopping"');
  t.equal(await ready(program), '503 {"status":"draining"}');
  await t.rejects(ask(program.ports.front, "/nothing"), { code: "ECONNREFUSED" });
  await closed;
  t.equal(await program.ended, 0);
});

const LAST_LINES = `
const { createLog } = await import(process.argv[1] + "/src/observability/log.ts");
const { flushedAtExit } = await import(process.argv[1] + "/src/cli/flushed-at-exit.ts");
const log = flushedAtExit(createLog("info"));
for (let line = 0; line < 3; line += 1) log.record({ line }, "refused");
`;

for (const [how, end] of [
  ["comes to its end", ""],
  ["is told to exit", "process.exit(0)"],
  ["fails", "throw new Error('not caught')"],
] as const) {
  t.test(`a process that ${how} has written all that it logged`, async (t) => {
    const [node, before] = bareNode();
    const args = [...before, "--input-type=module", "-e", LAST_LINES + end, ROOT];
    const out = await new Promise<string>((resolve) => execFile(node, args, (_error, stdout) => resolve(stdout)));
    const lines = out.trimEnd().split("\n");
    t.same(
      lines.map((line) => (JSON.parse(line) as { readonly line: number }).line),
      [0, 1, 2],
    );
  });
}
