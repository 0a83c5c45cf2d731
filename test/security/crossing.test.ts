/**
 * Rows D14, D15 and X9 under disorder: clients that pipeline, send nonsense and leave, before an upstream that answers in
 * every form, late, too much or not at all. Nobody reads what another was sent, and nothing is left.
 */
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import t, { type Test } from "tap";
import { listen } from "../forward/harness.ts";
import { dial, goneOf, nothingLeft, startLiveGate } from "./live-gate.ts";
import { converse } from "./raw-socket.ts";

const ROUTES =
  "routes:\n  GET /open/{id}: public\n  POST /open/{id}: public\n  GET /shut/{id}: authenticated\n  POST /shut/{id}: authenticated\n";

/** Numbers from 0 to 1 that are the same in each run. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 0x41c6_4e6d) + 0x3039) >>> 0;
    return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32;
  };
}

type Random = () => number;
const oneOf = <Value>(random: Random, values: readonly Value[]): Value => values[Math.floor(random() * values.length)]!;

/* ── the upstream ─────────────────────────────────────────────────────── */

interface Asked {
  readonly id: string;
  readonly isHead: boolean;
}

/** Reads one request after the other; all that it needs to know of one is in its first line. */
function readRequests(socket: Socket, asked: (one: Asked) => void): void {
  let pending = "";
  socket.on("data", (data) => {
    pending += data.toString("latin1");
    for (;;) {
      const head = /^([A-Z]+) \/open\/(\w+) [^]*?\r\n\r\n/.exec(pending);
      if (head === null) return;
      const bodyLength = bodyLengthOf(head[0], pending.slice(head[0].length));
      if (bodyLength === undefined) return;
      pending = pending.slice(head[0].length + bodyLength);
      asked({ id: head[2]!, isHead: head[1] === "HEAD" });
    }
  });
}

/** Undefined while it is not whole. */
function bodyLengthOf(head: string, rest: string): number | undefined {
  const isChunked = /transfer-encoding/i.test(head);
  const end = isChunked ? rest.indexOf("0\r\n\r\n") + 5 : Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return isChunked ? (end < 5 ? undefined : end) : rest.length < end ? undefined : end;
}

const OK = "HTTP/1.1 200 OK\r\n";

/** Each names whom it is for in its head and all through its body. */
const ANSWERS: readonly ((socket: Socket, mark: string, body: string) => void)[] = [
  (socket, mark, body) => socket.write(`${OK}${mark}content-length: ${body.length}\r\n\r\n${body}`),
  (socket, mark, body) => socket.write(`${OK}${mark}transfer-encoding: chunked\r\n\r\n${chunks(body)}`),
  (socket, mark, body) => socket.end(`${OK}${mark}\r\n${body}`),
  (socket, mark, body) => socket.write(`${OK}${mark}content-length: ${body.length}\r\n\r\n${body}${OK}x-id: nobody\r\n\r\n<nobody>`),
  (socket, mark) => socket.write(`HTTP/1.1 204 No Content\r\n${mark}\r\n`),
  (socket, mark, body) => void inTwo(socket, `${OK}${mark}content-length: ${body.length}\r\n\r\n${body}`),
  (socket, mark, body) => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${OK}${mark}content-length: ${body.length}\r\n\r\n${body}`),
  (socket, mark, body) => socket.end(`${OK}${mark}content-length: ${body.length + 1}\r\n\r\n${body}`),
  (socket, mark, body) => socket.end(`${OK}${mark}transfer-encoding: chunked\r\n\r\n5\r\n${body.slice(0, 3)}`),
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.write("nonsense\r\n\r\n"),
];

function chunks(body: string): string {
  return body === "" ? "0\r\n\r\n" : `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

async function inTwo(socket: Socket, answer: string): Promise<void> {
  socket.write(answer.slice(0, answer.length >> 1));
  await pause(2);
  if (socket.writable) socket.write(answer.slice(answer.length >> 1));
}

/** Answers at once or some milliseconds later. */
async function startDisorder(t: Test, random: Random): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    readRequests(socket, ({ id, isHead }) => {
      const answer = oneOf(random, ANSWERS);
      const body = isHead ? "" : `<${id}>`.repeat(1 + Math.floor(random() * 200));
      setTimeout(() => socket.writable && answer(socket, `x-id: ${id}\r\n`, body), oneOf(random, [0, 0, 3, 10]));
    });
  });
  return `http://127.0.0.1:${await listen(t, server)}`;
}

/* ── the clients ──────────────────────────────────────────────────────── */

const LINES = "HTTP/1.1\r\nHost: gw\r\n";
const HANDSHAKE =
  "Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

/** `/open/` may be answered by the upstream; nothing else may reach it. */
const REQUESTS: readonly ((id: string) => string)[] = [
  (id) => `GET /open/${id} ${LINES}\r\n`,
  (id) => `GET /open/${id} ${LINES}\r\n`,
  (id) => `HEAD /open/${id} ${LINES}\r\n`,
  (id) => `POST /open/${id} ${LINES}Content-Length: 5\r\n\r\nhello`,
  (id) => `POST /open/${id} ${LINES}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  (id) => `POST /open/${id} ${LINES}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nno size\r\n`,
  (id) => `GET /shut/${id} ${LINES}\r\n`,
  (id) => `POST /shut/${id} ${LINES}Content-Length: 40\r\n\r\nGET /open/smuggled ${LINES}\r\n`,
  (id) => `GET /shut/${id} ${LINES}${HANDSHAKE}\r\n`,
  () => `CONNECT gw:80 ${LINES}\r\n`,
  () => "nonsense\r\n\r\n",
];

/** Sends some requests at once, or in two parts, and reads to the end or leaves before it; resolves with all that came. */
function visit(port: number, bytes: string, random: Random): Promise<string> {
  const cut = random() < 0.4 ? Math.floor(random() * bytes.length) : bytes.length;
  const patienceMs = random() < 0.2 ? random() * 20 : 400;
  return new Promise((resolve) => {
    let got = "";
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => {
      socket.write(bytes.slice(0, cut), "latin1");
      setTimeout(() => socket.writable && socket.write(bytes.slice(cut), "latin1"), 3);
      setTimeout(() => (random() < 0.5 ? socket.resetAndDestroy() : socket.destroy()), patienceMs);
    });
    socket.on("data", (data) => (got += data.toString("latin1")));
    socket.on("error", () => {}).once("close", () => resolve(got));
  });
}

/** Those to whom something of an answer was addressed. */
function addressees(answers: string): readonly string[] {
  return [...answers.matchAll(/x-id: (\w+)|<(\w+)>/g)].map(([, inHead, inBody]) => inHead ?? inBody!);
}

t.test("D14 D15 X9 in any disorder nobody reads what another was sent, answers keep their order, and nothing is left", async (t) => {
  const random = randomFrom(20_261_128);
  const gate = await startLiveGate(t, { rest: ROUTES, upstream: await startDisorder(t, random) });
  let [count, answered] = [0, 0];
  const client = async (): Promise<void> => {
    for (let round = 0; round < 25; round++) {
      const ids = Array.from({ length: 1 + Math.floor(random() * 5) }, () => `m${(count += 1)}`);
      const read = addressees(await visit(gate.port, ids.map((id) => oneOf(random, REQUESTS)(id)).join(""), random));
      answered += read.length;
      const places = read.map((id) => ids.indexOf(id));
      if (places.includes(-1) || places.some((place, index) => index > 0 && place < places[index - 1]!))
        t.fail(`${ids.join()}: ${read.join()}`);
    }
  };
  await Promise.all(Array.from({ length: 30 }, client));
  t.ok(answered > 500, `${answered} marks were read`);
  await nothingLeft(gate);
  t.same(
    gate.sallyport.log().filter(({ level }) => level === "error"),
    [],
  );
});

/* ── what it found ────────────────────────────────────────────────────── */

t.test("X8 D8 a body that breaks HTTP's syntax on its way to an upstream ends its connection, and nothing else", async (t) => {
  const gate = await startLiveGate(t, { rest: ROUTES });
  for (let count = 0; count < 20; count++) {
    const good = `GET /open/good ${LINES}\r\n`;
    const bad = `POST /open/bad ${LINES}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`;
    const { answers, closed } = await converse(gate.port, [`${good}${bad}`, "no size\r\n"], { pauseMs: count });
    t.same([answers.map(({ status }) => status), closed], [[200, 400], true]);
  }
  await nothingLeft(gate);
});

t.test("X8 W1 a client that resets its connection while its handshake is refused takes nothing else along", async (t) => {
  const gate = await startLiveGate(t, { rest: ROUTES });
  for (let round = 0; round < 20; round++) {
    const clients = Array.from({ length: 25 }, () => {
      const socket = dial(t, gate.port);
      socket.once("connect", () => {
        socket.write(`GET /shut/a ${LINES}${HANDSHAKE}\r\n`);
        setImmediate(() => socket.resetAndDestroy());
      });
      return goneOf(socket);
    });
    await Promise.all(clients);
  }
  await nothingLeft(gate);
  const { answers } = await converse(gate.port, `GET /shut/a ${LINES}${HANDSHAKE}\r\n`);
  t.match(answers, [{ status: 404 }]);
});

t.test(
  "X9 W2 an answer that breaks off behind another one ends the connection once that is out; no handshake is taken up there",
  async (t) => {
    const slow = Promise.withResolvers<void>();
    const server = createServer((socket) => {
      socket.on("error", () => {});
      readRequests(socket, ({ id }) => {
        if (id === "slow") void slow.promise.then(() => socket.write(`${OK}content-length: 4\r\n\r\nslow`));
        else socket.write(`${OK}content-length: 100\r\n\r\nbegun`, () => setTimeout(() => socket.destroy(), 20));
      });
    });
    const gate = await startLiveGate(t, {
      rest: `${ROUTES}  GET /live: { access: public, websocket: true }\n`,
      upstream: `http://127.0.0.1:${await listen(t, server)}`,
    });
    const socket = dial(t, gate.port);
    let got = "";
    socket.on("data", (data) => (got += data.toString("latin1")));
    socket.write(`GET /open/slow ${LINES}\r\nGET /open/broken ${LINES}\r\n`);
    await pause(200);
    socket.write(`GET /live ${LINES}${HANDSHAKE}\r\n`);
    await pause(50);
    slow.resolve();
    await goneOf(socket);
    t.match(got, /^HTTP\/1\.1 200 [^]*\r\n\r\nslow/);
    t.notMatch(got, /101 Switching|^HTTP[^]*HTTP[^]*HTTP/);
    await nothingLeft(gate);
    t.same(
      gate.sallyport.log().filter(({ level }) => level === "error"),
      [],
    );
  },
);

t.test(
  "X8 D14 who waits for 100 Continue behind another request, and breaks HTTP's syntax there, ends nothing but the connection",
  async (t) => {
    for (const [first, method] of [
      ["GET /open/slow", "POST"],
      ["GET /open/slow", "GET"],
    ] as const) {
      const server = createServer((socket) => {
        socket.on("error", () => {});
        readRequests(socket, () => setTimeout(() => socket.writable && socket.write(`${OK}content-length: 4\r\n\r\nslow`), 50));
      });
      const gate = await startLiveGate(t, { rest: ROUTES, upstream: `http://127.0.0.1:${await listen(t, server)}` });
      for (let count = 0; count < 20; count++) {
        const bad = `${method} /open/b ${LINES}Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`;
        const { answers, closed } = await converse(gate.port, `${first} ${LINES}\r\n${bad}`);
        t.same([answers.map(({ status }) => status), closed], [[200, 400], true]);
      }
      await nothingLeft(gate);
    }
  },
);
