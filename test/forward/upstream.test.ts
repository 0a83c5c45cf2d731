/** The client of HTTP/1.1 towards upstreams: generated answers, cut at every place, and judged beside Node's own client. */
import http from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import fc from "fast-check";
import t, { type Test } from "tap";
import type { Upstream } from "../../src/contract/policy.ts";
import type { AnswerHead } from "../../src/pipeline/forward/upstream/answer-head.ts";
import type { AnswerHandler, UpstreamRequest } from "../../src/pipeline/forward/upstream/asking.ts";
import { Connection } from "../../src/pipeline/forward/upstream/connection.ts";
import { Lane, Lanes } from "../../src/pipeline/forward/upstream/lane.ts";
import { openRaw } from "./harness.ts";

const REQUEST: UpstreamRequest = {
  head: "GET /a HTTP/1.1\r\nhost: a\r\n\r\n",
  isHead: false,
  body: undefined,
  chunked: false,
  headersMs: undefined,
  idleMs: undefined,
};

/** What came of one request. */
class Heard implements AnswerHandler {
  status = 0;
  headers: readonly string[] = [];
  body = "";
  trailers: readonly string[] = [];
  outcome: "none" | "whole" | "fault" = "none";
  readonly over = Promise.withResolvers<void>();

  sent(): void {}

  whole(head: AnswerHead, body: string): void {
    this.head(head);
    this.body = body;
    this.#finish("whole");
  }

  head({ status, headers }: AnswerHead): void {
    this.status = status;
    this.headers = headers;
  }

  data(bytes: Buffer): void {
    this.body += bytes.toString("latin1");
  }

  end(trailers: readonly string[]): void {
    this.trailers = trailers;
    this.#finish("whole");
  }

  fault(): void {
    this.#finish("fault");
  }

  #finish(outcome: "whole" | "fault"): void {
    if (this.outcome !== "none") throw new Error("it is over twice");
    this.outcome = outcome;
    this.over.resolve();
  }
}

/** A connection whose bytes the test gives. */
async function openWire(request: UpstreamRequest) {
  const free = new Set<Connection>();
  const connection = new Connection({ now: () => 0, free: (one) => free.add(one), gone: (one) => free.delete(one) });
  const socket = new Duplex({ read: () => undefined, write: (_bytes, _encoding, done) => done() });
  const heard = new Heard();
  connection.attach(socket as unknown as Socket);
  connection.send(request, heard);
  connection.ready();
  return {
    heard,
    isFree: () => free.has(connection),
    give: (bytes: string) => socket.emit("data", Buffer.from(bytes, "latin1")),
    hangUp: () => socket.emit("end"),
  };
}

const token = fc
  .stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/)
  .filter((name) => !/^(content-length|transfer-encoding|connection|keep-alive)$/i.test(name));
const value = fc.stringMatching(/^(?:[!-~\u0080-\u00ff](?:[ -~\u0080-\u00ff]{0,20}[!-~\u0080-\u00ff])?)?$/);
const fields = fc.array(fc.tuple(token, value), { maxLength: 5 });
const bytes = fc.oneof(
  fc.string({ unit: "binary-ascii", maxLength: 40 }),
  fc.constant("HTTP/1.1 200 OK\r\n\r\n"),
  fc.constant("0\r\n\r\n"),
);
const body = fc.oneof(
  bytes.map((text) => ({ framing: `Content-Length: ${text.length}\r\n`, sent: text, text, close: false })),
  fc
    .array(
      bytes.filter((text) => text !== ""),
      { maxLength: 4 },
    )
    .map((chunks) => ({
      framing: "transfer-encoding: chunked\r\n",
      sent: `${chunks.map((chunk) => `${chunk.length.toString(16)};x=y\r\n${chunk}\r\n`).join("")}0\r\nX-Trailer: t\r\n\r\n`,
      text: chunks.join(""),
      close: false,
    })),
  bytes.map((text) => ({ framing: "", sent: text, text, close: true })),
);
const answer = fc
  .record({ status: fc.constantFrom(200, 201, 302, 404, 500), fields, body, interim: fc.boolean() })
  .map(({ status, fields: pairs, body: made, interim }) => ({
    status,
    pairs,
    made,
    text: `${interim ? "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" : ""}HTTP/1.1 ${status} Why\r\n${pairs.map(([name, text]) => `${name}: ${text}\r\n`).join("")}${made.framing}\r\n${made.sent}`,
  }));

function cut(text: string, places: readonly number[]): readonly string[] {
  const at = [0, ...places.map((place) => place % (text.length + 1)).toSorted((left, right) => left - right), text.length];
  return at
    .slice(1)
    .map((end, index) => text.slice(at[index], end))
    .filter((piece) => piece !== "");
}

t.test("an answer is read alike in whatever pieces it comes, and its connection is free only when nothing is in doubt", async () => {
  const property = fc.asyncProperty(
    answer,
    fc.array(fc.nat(), { maxLength: 8 }),
    fc.boolean(),
    async ({ status, pairs, made, text }, places, more) => {
      const wire = await openWire(REQUEST);
      for (const piece of cut(more && !made.close ? `${text}x` : text, places)) wire.give(piece);
      if (made.close) wire.hangUp();
      const { heard, isFree } = wire;
      const kept = pairs.every(([name, sent]) =>
        heard.headers.some((field, index) => index % 2 === 0 && field === name && heard.headers[index + 1] === sent),
      );
      return heard.outcome === "whole" && heard.status === status && heard.body === made.text && kept && isFree() === !(made.close || more);
    },
  );
  await fc.assert(property, { numRuns: 2_000 });
});

t.test("an answer that is cut short is a fault, at whatever place", async () => {
  const property = fc.asyncProperty(
    answer.filter(({ made }) => !made.close),
    fc.nat(),
    async ({ text }, place) => {
      const { heard, isFree, give, hangUp } = await openWire(REQUEST);
      give(text.slice(0, place % text.length));
      hangUp();
      return heard.outcome === "fault" && !isFree();
    },
  );
  await fc.assert(property, { numRuns: 1_000 });
});

t.test(
  "no request goes down a connection whose last body still waits to be read: the upstream answered early, and reads no more",
  async (t) => {
    const upstream = await openRaw(t, (socket) =>
      socket.once("data", () => socket.pause().write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")),
    );
    const lane = laneTo(Number(new URL(upstream.origin).port));
    const body = Buffer.alloc(16 * 1024 ** 2, "x");
    const first = new Heard();
    const connection = lane.send(
      { ...REQUEST, head: `POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n`, body },
      first,
      false,
    );
    await first.over.promise;
    t.match(first, { outcome: "whole", status: 200 });
    t.equal(connection.place, -1, "it is not kept, nor the memory of the body");
    const second = new Heard();
    const other = lane.send(REQUEST, second, false);
    await second.over.promise;
    t.match(second, { outcome: "whole", status: 200 });
    other.close();
  },
);

t.test("a status that RFC 9110 does not know is no answer", async (t) => {
  for (const status of ["099", "600", "999"]) {
    const { heard, give } = await openWire(REQUEST);
    give(`HTTP/1.1 ${status} Odd\r\ncontent-length: 0\r\n\r\n`);
    t.equal(heard.outcome, "fault", status);
  }
});

/** What Node's own client makes of the same answer: undefined where it gives up. */
function askWithNode(port: number): Promise<{ status: number; body: string } | undefined> {
  return new Promise((resolve) => {
    const giveUp = (): void => resolve(undefined);
    const request = http.get({ host: "127.0.0.1", port, path: "/a", agent: false }, (response) => {
      let text = "";
      response.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
      response.on("error", giveUp).on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    request.on("error", giveUp).on("upgrade", giveUp);
  });
}

function laneTo(port: number): Lane {
  const upstream = { origin: `http://127.0.0.1:${port}`, verifyTls: true, maxConnections: 10 };
  return new Lane(upstream as ConstructorParameters<typeof Lane>[0], undefined, () => performance.now());
}

async function askWithLane(t: Test, port: number): Promise<{ heard: Heard; isKept: boolean }> {
  const lane = laneTo(port);
  const heard = new Heard();
  const connection = lane.send(REQUEST, heard, false);
  await heard.over.promise;
  const isKept = connection.place !== -1;
  connection.close();
  t.not(heard.outcome, "none");
  return { heard, isKept };
}

const INSERTED = [
  "\r",
  "\n",
  "\0",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "0",
  "A",
  "\u0080",
  "\r\n",
  "\r\n\r\n",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
];
const change = fc.record({ place: fc.nat(), drop: fc.nat({ max: 2 }), insert: fc.oneof(fc.constantFrom(...INSERTED), fc.constant("")) });

t.test("whatever bytes an upstream sends: what is taken for a whole answer, Node's own client takes for the same one", async (t) => {
  let text = "";
  const upstream = await openRaw(t, (socket) => socket.once("data", () => socket.end(text, "latin1")));
  const port = Number(new URL(upstream.origin).port);
  const property = fc.asyncProperty(answer, fc.array(change, { minLength: 1, maxLength: 2 }), async ({ text: good }, changes) => {
    text = good;
    for (const { place, drop, insert } of changes) {
      const at = place % (text.length + 1);
      text = text.slice(0, at) + insert + text.slice(at + drop);
    }
    const { heard, isKept } = await askWithLane(t, port);
    if (heard.outcome === "fault") return true;
    const judged = await askWithNode(port);
    // Node gives up on a whole answer too where bytes stand behind it; such a connection must not be kept.
    return judged === undefined ? !isKept : judged.status === heard.status && judged.body === heard.body;
  });
  await fc.assert(property, { numRuns: 400 });
});

t.test("free connections are let go of at once where nothing more will be asked", async (t) => {
  const upstream = await openRaw(t, (socket) => socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")));
  const lanes = new Lanes(() => performance.now());
  const to = { origin: upstream.origin, verifyTls: true, maxConnections: 10 } as Upstream;
  const heard = new Heard();
  const connection = lanes.to(to, {}).send(REQUEST, heard, false);
  await heard.over.promise;
  t.not(connection.place, -1);
  lanes.closeFree();
  t.equal(connection.place, -1);
});
