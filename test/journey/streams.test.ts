/** What is large or lasts long: bodies of any size in little memory, event streams, long polls. */
import { createHash, randomBytes } from "node:crypto";
import http, { type ClientRequest } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import t, { type Test } from "tap";
import { ask, listen, openRecorder } from "../forward/harness.ts";
import { peakMb, residentMb, serveProgram, type ServingProgram } from "./child.ts";
import { startThings, startThingsIssuer, thingsFiles, until } from "./things.ts";

/** 1024 where somebody wants to see a gibibyte each way. */
const SIZE_MB = Number(process.env["STREAM_MB"] ?? 256);

const ROUTES = `
body: { max: none }
routes:
  GET /stream: authenticated
  POST /sink: authenticated
  POST /echo: authenticated
`;

interface Streaming {
  readonly program: ServingProgram;
  readonly request: (method: string, path: string) => ClientRequest;
}

/** A gateway in a process of its own, so that its memory is its own; the upstream gives, takes and echoes. */
async function startStreaming(t: Test): Promise<Streaming> {
  const server = http.createServer((request, response) => {
    if (request.url === "/stream") void pipeline(source().stream, response).catch(() => {});
    else if (request.url === "/echo") void pipeline(request, response).catch(() => {});
    else void digestOf(request).then((digest) => response.end(digest));
  });
  const upstream = `http://127.0.0.1:${await listen(t, server)}`;
  const { environment, token } = await startThingsIssuer(t);
  const program = await serveProgram(t, (ports) => thingsFiles({ upstream, rest: ROUTES }, ports), environment);
  const headers = { authorization: `Bearer ${token()}` };
  const request = (method: string, path: string) => http.request({ port: program.ports.front, method, path, agent: false, headers });
  await digestOf(await sent(request("POST", "/echo").end("warm")));
  return { program, request };
}

const BLOCK = randomBytes(1024 * 1024);

function source(): { readonly stream: Readable; readonly digest: () => string } {
  const hash = createHash("sha1");
  const blocks = function* () {
    for (let count = 0; count < SIZE_MB; count++) {
      hash.update(BLOCK);
      yield BLOCK;
    }
  };
  return { stream: Readable.from(blocks()), digest: () => hash.digest("hex") };
}

async function digestOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha1");
  for await (const chunk of stream) hash.update(chunk);
  return hash.digest("hex");
}

const EXPECTED = await digestOf(source().stream);

function sent(request: ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => request.once("response", resolve).once("error", reject));
}

t.test(`${SIZE_MB} MB up, down and both ways at once arrive intact, and the gateway's memory stays flat`, async (t) => {
  const { program, request } = await startStreaming(t);
  const before = residentMb(program);

  const down = await sent(request("GET", "/stream").end());
  t.equal(await digestOf(down), EXPECTED, "down");

  const upload = request("POST", "/sink");
  const [answer] = await Promise.all([sent(upload), pipeline(source().stream, upload)]);
  t.equal(Buffer.concat(await answer.toArray()).toString(), EXPECTED, "up");

  const both = request("POST", "/echo");
  const [echo] = await Promise.all([sent(both).then(digestOf), pipeline(source().stream, both)]);
  t.equal(echo, EXPECTED, "both ways");

  const grownMb = peakMb(program) - before;
  t.comment(`resident before: ${before} MB, peak: ${before + grownMb} MB`);
  t.ok(grownMb < 96, `grew by ${grownMb} MB, for ${4 * SIZE_MB} MB carried`);
});

t.test("a client that reads slowly holds the upstream back", async (t) => {
  const { program, request } = await startStreaming(t);
  const before = residentMb(program);
  const response = await sent(request("GET", "/stream").end());
  response.pause();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const grownMb = residentMb(program) - before;
  t.ok(grownMb < 64, `grew by ${grownMb} MB`);
  response.destroy();
});

const PUBLIC = "routes: { GET /events: authenticated, GET /poll: authenticated }";

t.test("server-sent events arrive one by one: the first before the second is sent", async (t) => {
  const opened = Promise.withResolvers<http.ServerResponse>();
  const upstream = await openRecorder(t, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" }).flushHeaders();
    opened.resolve(response);
  });
  const { port, bearer } = await startThings(t, { upstream: upstream.origin, rest: PUBLIC });
  const response = await sent(http.request({ port, path: "/events", agent: false, headers: bearer }).end());
  t.equal(response.headers["content-type"], "text/event-stream", "the head comes before any event");
  const stream = await opened.promise;
  for (const event of ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]) {
    const next = new Promise((resolve) => response.once("data", resolve));
    stream.write(event);
    t.equal(String(await next), event);
  }
  stream.end();
  await new Promise((resolve) => response.once("end", resolve));
});

t.test("a stream ends when the token does, and is not made to look whole", async (t) => {
  const ended = Promise.withResolvers<void>();
  const upstream = await openRecorder(t, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
    response.once("close", () => ended.resolve());
  });
  const { port, issuer, sallyport } = await startThings(t, { upstream: upstream.origin, rest: PUBLIC });
  const headers = { authorization: `Bearer ${issuer.token("acme", 2)}` };
  await t.rejects(ask(port, "/events", { headers }), { code: "ECONNRESET" });
  await ended.promise;
  const cuts = () => sallyport.log().filter((line) => line["cut"] !== undefined);
  await until(() => cuts().length > 0);
  t.match(cuts(), [{ outcome: "allow", cut: /credential ended/ }]);
});

t.test("a long poll waits, and holds up nobody", async (t) => {
  const waiting = Promise.withResolvers<http.ServerResponse>();
  const upstream = await openRecorder(t, (_request, response) => waiting.resolve(response));
  const { port, bearer } = await startThings(t, { upstream: upstream.origin, rest: PUBLIC });
  const answer = ask(port, "/poll", { headers: bearer });
  const response = await waiting.promise;
  t.equal((await ask(port, "/nothing")).status, 404);
  response.end("news");
  t.equal(String((await answer).body), "news");
});
