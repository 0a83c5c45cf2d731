/** Class 2.9 of the attack catalogue: nobody takes the gateway's time, memory or sockets from the others. */
import { createServer } from "node:http";
import net, { type Socket } from "node:net";
import t, { type Test } from "tap";
import { ask, listen } from "../forward/harness.ts";
import { until } from "../journey/things.ts";
import { connectionsOf, dial, goneOf, metric, nothingLeft, startLiveGate, type LiveShape } from "./live-gate.ts";
import { holdOpen } from "./raw-socket.ts";

t.jobs = 4;

const OPEN = "routes:\n  GET /{rest...}: public\n";
const SHORT = "{ headers: 1s, idle: 1s }";
const HEAD = "GET /a HTTP/1.1\r\nHost: gw\r\n\r\n";

/** Writes a piece again and again until the connection closes; resolves with all that came back. */
async function drip(socket: Socket, piece: string, everyMs: number): Promise<string> {
  let answer = "";
  socket.on("data", (data) => (answer += String(data)));
  const dripping = setInterval(() => socket.writable && socket.write(piece), everyMs);
  await goneOf(socket);
  clearInterval(dripping);
  return answer;
}

t.test(
  "X1 a head that drips, and a connection that says nothing, are closed when their time is up; others are served meanwhile",
  async (t) => {
    const gate = await startLiveGate(t, { rest: OPEN, connections: SHORT });
    const slow = dial(t, gate.port);
    slow.write("GET /a HTTP/1.1\r\nHost: gw\r\nx-");
    const waiting = Array.from({ length: 50 }, () => goneOf(dial(t, gate.port)));
    const dripped = drip(slow, "a", 100);
    t.equal((await ask(gate.port, "/b")).status, 200);
    t.match(await dripped, /^HTTP\/1\.1 408 [^]*REQUEST_TIMEOUT/);
    await Promise.all(waiting);
    t.equal(await metric(gate, 'sallyport_connections_refused_total{bound="silent"}'), 50, "nobody asked for an answer there");
    t.notMatch(
      gate.sallyport
        .log()
        .map(({ code }) => code)
        .join(),
      /REQUEST_TIMEOUT.*REQUEST_TIMEOUT/,
      "nor for a line of the log",
    );
    await nothingLeft(gate);
  },
);

t.test("X1 a thousand idle connections go when their time is up, and those of others do not wait for that", async (t) => {
  const gate = await startLiveGate(t, { rest: OPEN, connections: "{ headers: 5s, idle: 1s }" });
  let answered = 0;
  const idle = Array.from({ length: 990 }, () => {
    const socket = dial(t, gate.port);
    socket.once("data", () => (answered += 1)).write(HEAD);
    return goneOf(socket);
  });
  await until(() => answered > 500);
  t.equal((await ask(gate.port, "/b")).status, 200);
  await Promise.all(idle);
  t.equal(answered, 990);
  await nothingLeft(gate);
});

t.test("X1 a body that drips is given up, however regular the drops", async (t) => {
  const rest = "routes: { POST /in: { access: public, timeouts: { idle: 500ms } } }\n";
  const gate = await startLiveGate(t, { rest });
  for (const framing of ["Content-Length: 1000", "Transfer-Encoding: chunked"]) {
    const socket = dial(t, gate.port);
    socket.write(`POST /in HTTP/1.1\r\nHost: gw\r\n${framing}\r\n\r\n`);
    t.match(await drip(socket, framing.startsWith("T") ? "1\r\nx\r\n" : "x", 50), /^HTTP\/1\.1 408 [^]*REQUEST_TIMEOUT/, framing);
  }
  await nothingLeft(gate);
});

/** Answers everything with so many bytes, or without end. */
async function startLarge(t: Test, lengthBytes: number): Promise<string> {
  const piece = Buffer.alloc(64 * 1024);
  const server = createServer((_request, response) => {
    if (lengthBytes < Infinity) response.setHeader("content-length", lengthBytes);
    let left = lengthBytes;
    const more = (): void => {
      while (left > 0 && !response.destroyed) {
        left -= piece.length;
        if (!response.write(piece.subarray(0, Math.min(piece.length, left + piece.length)))) {
          response.once("drain", more);
          return;
        }
      }
      response.end();
    };
    more();
  });
  return `http://127.0.0.1:${await listen(t, server)}`;
}

t.test("X1 a client that does not read its answer is cut, by the route's idle time or by the connection's", async (t) => {
  const shapes: LiveShape[] = [
    { rest: "routes: { GET /a: { access: public, timeouts: { idle: 1s } } }\n" },
    { rest: "routes: { GET /a: { access: public, timeouts: { idle: none } } }\n", connections: SHORT },
  ];
  for (const shape of shapes) {
    const gate = await startLiveGate(t, { ...shape, upstream: await startLarge(t, 64 * 1024 ** 2) });
    const socket = dial(t, gate.port);
    socket.pause().write(HEAD);
    await until(async () => (await metric(gate, "sallyport_requests_open")) === 1);
    await until(async () => (await metric(gate, "sallyport_requests_open")) === 0);
    await goneOf(socket);
    await nothingLeft(gate);
  }
});

t.test("X1 a client that pipelines and never reads is cut too, though each answer alone is small", async (t) => {
  const gate = await startLiveGate(t, { rest: OPEN, connections: SHORT, upstream: await startLarge(t, 200_000) });
  const socket = dial(t, gate.port);
  socket.pause().write(HEAD.repeat(90));
  await until(async () => (await metric(gate, "sallyport_requests_open")) > 1);
  await nothingLeft(gate);
});

t.test("X1 a flood of pipelined requests reaches the upstream only as far as a connection may hold, and is not read on", async (t) => {
  const arrived: unknown[] = [];
  const hanging = createServer((request) => arrived.push(request));
  const upstream = `http://127.0.0.1:${await listen(t, hanging)}`;
  const gate = await startLiveGate(t, { rest: "routes: { GET /a: { access: public, timeouts: { headers: 2s } } }\n", upstream });
  const socket = dial(t, gate.port);
  const flood = Buffer.from(HEAD.repeat(30_000));
  for (let count = 0; count < 32; count++) socket.write(flood);
  await until(() => arrived.length > 50);
  const sent = (): number => socket.bytesWritten - socket.writableLength;
  await new Promise((resolve) => setTimeout(resolve, 500));
  t.ok(arrived.length <= 101, `${arrived.length} reached the upstream`);
  t.ok(sent() < 16 * flood.length, `${sent()} of ${32 * flood.length} bytes were taken, by the system's buffers too`);
  await goneOf(socket);
  await nothingLeft(gate);
  t.ok(arrived.length <= 101);
});

t.test("X1 whoever sends many requests at once does not keep others waiting for all of them", async (t) => {
  const arrived: string[] = [];
  const server = createServer((request, response) => {
    arrived.push(request.url ?? "");
    response.end();
  });
  const gate = await startLiveGate(t, { rest: OPEN, upstream: `http://127.0.0.1:${await listen(t, server)}` });
  const [many, other] = [dial(t, gate.port), dial(t, gate.port)];
  await Promise.all([many, other].map((socket) => new Promise((resolve) => socket.once("data", resolve).write(HEAD))));
  many.write(HEAD.repeat(90));
  other.write(HEAD.replace("/a", "/b"));
  await until(() => arrived.length === 93);
  t.ok(arrived.indexOf("/b") < 60, `${arrived.indexOf("/b")} came before it`);
});

interface Odd {
  readonly what: string;
  readonly behave: (socket: Socket) => void;
  readonly status: number;
}

const ODD: readonly Odd[] = [
  { what: "never answers", behave: () => {}, status: 504 },
  { what: "drips its head", behave: (socket) => void setInterval(() => socket.writable && socket.write("H"), 100).unref(), status: 502 },
  { what: "begins a head and stops", behave: (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-"), status: 504 },
  { what: "closes", behave: (socket) => socket.end(), status: 502 },
  { what: "resets", behave: (socket) => socket.resetAndDestroy(), status: 502 },
  { what: "is always busy", behave: (socket) => socket.write("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n"), status: 503 },
];

for (const { what, behave, status } of ODD) {
  t.test(`X4 an upstream that ${what} is asked once for each request, and costs no more than its time-outs`, async (t) => {
    let asked = 0;
    const server = net.createServer((socket) => {
      socket
        .on("error", () => {})
        .on("data", () => {
          asked += 1;
          behave(socket);
        });
    });
    const upstream = `http://127.0.0.1:${await listen(t, server)}`;
    const gate = await startLiveGate(t, {
      rest: "routes: { GET /a: { access: public, timeouts: { headers: 1s, idle: 1s } } }\n",
      upstream,
    });
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(gate.port, "/a")));
    t.same([...new Set(answers.map((answer) => answer.status))], [status]);
    t.equal(asked, 10);
    await nothingLeft(gate);
    await until(async () => (await connectionsOf(server)) === 0);
  });
}

t.test("X4 an answer without end is not held, and ends with the client", async (t) => {
  const upstream = await startLarge(t, Infinity);
  const gate = await startLiveGate(t, { rest: OPEN, upstream });
  const socket = dial(t, gate.port);
  let received = 0;
  socket.write(HEAD);
  socket.on("data", (data: Buffer) => (received += data.length));
  await until(() => received > 50 * 1024 ** 2);
  socket.destroy();
  await nothingLeft(gate);
});

t.test("X4 no upstream gets more requests at once than its `connections` allow; the next are told so at once", async (t) => {
  const gate = await startLiveGate(t, { rest: OPEN, upstreamConnections: 2 });
  const held = [dial(t, gate.port), dial(t, gate.port)];
  for (const socket of held) socket.write("GET /events HTTP/1.1\r\nHost: gw\r\n\r\n");
  await until(() => gate.upstream.open() === 2);
  const refused = await ask(gate.port, "/a");
  t.equal(refused.status, 503);
  t.match(String(refused.body), "UPSTREAM_UNAVAILABLE");
  held[0]!.destroy();
  await until(async () => (await ask(gate.port, "/a")).status === 200);
});

t.test("X9 a thousand clients that leave in the middle, up or down, leave no socket and no request behind", async (t) => {
  const gate = await startLiveGate(t, { rest: "routes:\n  GET /{rest...}: public\n  POST /in: public\n" });
  const leaveDown = (): Promise<void> => leaving("GET /events HTTP/1.1\r\nHost: gw\r\n\r\n");
  const leaveUp = (): Promise<void> => leaving("POST /in HTTP/1.1\r\nHost: gw\r\nContent-Length: 100000\r\n\r\nonly the beginning");
  const leaveAtOnce = (): Promise<void> => leaving(HEAD, 0);
  async function leaving(bytes: string, afterMs = 20): Promise<void> {
    const socket = dial(t, gate.port);
    const gone = goneOf(socket);
    socket.write(bytes);
    setTimeout(() => socket.resetAndDestroy(), afterMs);
    await gone;
  }
  for (let round = 0; round < 10; round++) {
    await Promise.all([leaveDown, leaveUp, leaveAtOnce].flatMap((leave) => Array.from({ length: 34 }, leave)));
  }
  await nothingLeft(gate);
  t.equal((await ask(gate.port, "/a")).status, 200);
});

t.test("X9 a client that leaves during an upload which the upstream does not take is let go by the route's time-outs", async (t) => {
  const deafEnds: Socket[] = [];
  const deaf = net.createServer((socket) => deafEnds.push(socket.on("error", () => {}).pause()));
  const upstream = `http://127.0.0.1:${await listen(t, deaf)}`;
  const gate = await startLiveGate(t, {
    rest: "routes: { POST /in: { access: public, body: { max: none }, timeouts: { idle: 2s } } }\n",
    upstream,
  });
  const socket = dial(t, gate.port);
  socket.write("POST /in HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n");
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  for (let count = 0; count < 400; count++) socket.write(chunk);
  await until(async () => (await metric(gate, "sallyport_requests_open")) === 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  socket.destroy();
  await nothingLeft(gate);
  for (const end of deafEnds) end.resume();
  await until(async () => (await connectionsOf(deaf)) === 0);
});

t.test("X9 whoever keeps a refused connection open, and goes on sending, is not waited for", async (t) => {
  const gate = await startLiveGate(t, { rest: OPEN });
  t.match(await holdOpen(gate.port, "GET /%zz HTTP/1.1\r\nHost: gw\r\n\r\n"), /^HTTP\/1\.1 400 /);
  await nothingLeft(gate);
});
