/** Row D14 where many requests wait on one connection: none of them is done without an answer, and no answer gets into another. */
import { createServer, type Socket } from "node:net";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import t, { type Test } from "tap";
import { FewAtATime } from "../../src/pipeline/edge/few-at-a-time.ts";
import { listen } from "../forward/harness.ts";
import { heapBytes } from "./heap.ts";
import { dial, goneOf, nothingLeft, startLiveGate } from "./live-gate.ts";
import { converse } from "./raw-socket.ts";

const ROUTES = "routes:\n  GET /a/{rest...}: public\n  POST /a/{rest...}: public\n";
const LINES = "HTTP/1.1\r\nHost: gw\r\n";
const OK = "HTTP/1.1 200 OK\r\n";

/** Answers each request, by its target and once its body is there, with these bytes. */
async function startUpstream(t: Test, answer: (target: string, socket: Socket) => void): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((socket) => {
    let pending = "";
    socket.on("error", () => {}).setEncoding("latin1");
    socket.on("data", (data) => {
      pending += String(data);
      for (;;) {
        const head = /^[A-Z]+ (\S+) [^]*?\r\n\r\n/.exec(pending);
        const bodyLength = Number(/content-length: (\d+)/i.exec(head?.[0] ?? "")?.[1] ?? 0);
        if (head === null || pending.length < head[0].length + bodyLength) return;
        pending = pending.slice(head[0].length + bodyLength);
        seen.push(head[1]!);
        answer(head[1]!, socket);
      }
    });
  });
  return { url: `http://127.0.0.1:${await listen(t, server)}`, seen };
}

t.test("X1 what was done is let go of, although a queue never empties", async (t) => {
  const few = new FewAtATime();
  let [done, goesOn] = [0, true];
  const add = (): void => {
    const kept = Array.from({ length: 1_000 }, () => done);
    few.add(() => {
      done += kept.length / 1_000;
      if (goesOn) add();
    });
  };
  const before = heapBytes();
  for (let count = 0; count < 50; count++) add();
  while (done < 20_000) await turn();
  const grown = heapBytes() - before;
  goesOn = false;
  t.ok(grown < 8 * 1024 * 1024, `${done} done, of 8 KB each, left ${grown} bytes`);
});

t.test("D14 a gateway that stops answers each pipelined request that it has sent on, and sends on no other", async (t) => {
  for (const turns of [0, 1, 2, 4, 8]) {
    const upstream = await startUpstream(t, (_target, socket) =>
      setTimeout(() => socket.writable && socket.write(`${OK}content-length: 2\r\n\r\nok`), 30),
    );
    const gate = await startLiveGate(t, { rest: ROUTES, upstream: upstream.url });
    const many = Array.from({ length: 60 }, (_, index) => `POST /a/${index} ${LINES}Content-Length: 0\r\n\r\n`).join("");
    const talk = converse(gate.port, many);
    while (upstream.seen.length === 0) await turn();
    for (let count = 0; count < turns; count++) await turn();
    void gate.sallyport.running.stop();
    const { answers, closed } = await talk;
    t.ok(closed);
    t.equal(answers.length, upstream.seen.length, `${turns} turns later`);
  }
});

t.test("D14 a 100 Continue comes before its own answer, and never within one", async (t) => {
  const body = "x".repeat(40_000);
  const upstream = await startUpstream(t, (target, socket) => {
    if (target.endsWith("slow")) setTimeout(() => socket.write(`${OK}content-length: 4\r\n\r\nslow`), 100);
    else socket.write(`${OK}content-length: ${body.length}\r\n\r\n${body}`);
  });
  const gate = await startLiveGate(t, { rest: ROUTES, upstream: upstream.url });
  const expecting = `POST /a/body ${LINES}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`;
  const cases = {
    // It is answered before its turn comes: who was not asked for a body has the connection's last answer.
    "sent at once": { parts: [`GET /a/slow ${LINES}\r\n${expecting}hello`], expected: ["200 slow", "200 <body>"] },
    "sent when asked for": {
      parts: [`GET /a/slow ${LINES}\r\n${expecting}`, "hello"],
      expected: ["200 slow", "100 ", "200 <body>", "200 slow"],
    },
    alone: { parts: [expecting, "hello"], expected: ["100 ", "200 <body>", "200 slow"] },
  };
  for (const [what, { parts, expected }] of Object.entries(cases)) {
    const { raw } = await converse(gate.port, [...parts, `GET /a/slow ${LINES}Connection: close\r\n\r\n`], { pauseMs: 250 });
    const heads = raw.replaceAll(/x{40000}/g, "<body>").split(/(?=HTTP\/1\.1 )/);
    const said = heads.map((head) => `${head.slice(9, 12)} ${head.split("\r\n\r\n")[1]}`);
    t.same(said, expected, what);
  }
  await nothingLeft(gate);
});

t.test("D14 nothing behind an answer that ends its connection reaches the upstream, whatever ends it", async (t) => {
  const upstream = await startUpstream(t, (target, socket) => {
    if (target.endsWith("chunked")) socket.write(`${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`);
    else socket.write(`${OK}content-length: 2\r\n\r\nok`);
  });
  const gate = await startLiveGate(t, { rest: ROUTES, upstream: upstream.url });
  const behind = Array.from({ length: 30 }, (_, index) => `GET /a/behind-${index} ${LINES}\r\n`).join("");
  const cases = {
    "an expectation without a body": `GET /a/x ${LINES}Expect: 100-continue\r\n\r\n`,
    "an expectation of an empty body": `POST /a/x ${LINES}Expect: 100-continue\r\nContent-Length: 0\r\n\r\n`,
    "an expectation that is refused": `GET /nowhere ${LINES}Expect: 100-continue\r\n\r\n`,
    "an older client, and an answer without length": "GET /a/chunked HTTP/1.0\r\nHost: gw\r\nConnection: keep-alive\r\n\r\n",
  };
  for (const [what, first] of Object.entries(cases)) {
    upstream.seen.length = 0;
    const { answers, closed } = await converse(gate.port, [first, behind], { pauseMs: 100 });
    t.same([answers.length, closed], [1, true], what);
    await pause(20);
    t.same(
      upstream.seen.filter((target) => target.includes("behind")),
      [],
      what,
    );
  }
  await nothingLeft(gate);
});

t.test("D14 a client that asks for as much as is answered, for ever, is served and leaves nothing", async (t) => {
  const upstream = await startUpstream(t, (_target, socket) => socket.write(`${OK}content-length: 2\r\n\r\nok`));
  const gate = await startLiveGate(t, { rest: ROUTES, upstream: upstream.url });
  const socket = dial(t, gate.port);
  const one = `GET /a/b ${LINES}\r\n`;
  let answered = 0;
  socket.on("data", (data) => {
    const came = String(data).split("HTTP/1.1 200").length - 1;
    answered += came;
    if (answered < 3_000) socket.write(one.repeat(came));
    else socket.end();
  });
  socket.write(one.repeat(90));
  await goneOf(socket);
  t.ok(answered >= 3_000);
  await nothingLeft(gate);
});
