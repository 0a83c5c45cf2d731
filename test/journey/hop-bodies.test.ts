/** Request bodies on their way through the whole gateway: whole, bounded, awaited, refused, broken off. */
import { createHash } from "node:crypto";
import http from "node:http";
import net from "node:net";
import t from "tap";
import { ask, listen, readAnswer, sendRaw } from "../forward/harness.ts";
import { ROUTES, stand } from "./stand.ts";
import { startThings, until } from "./things.ts";

t.test("a chunked upload arrives whole, chunked, and its size is bounded by what is counted", async (t) => {
  const { port, bearer, upstream } = await stand(t);
  const upload = async (pieces: readonly Buffer[]) => {
    const request = http.request({ port, path: "/any/up", method: "POST", agent: false, headers: bearer });
    const answer = new Promise<http.IncomingMessage>((resolve, reject) => request.on("response", resolve).on("error", reject));
    for (const piece of pieces) request.write(piece);
    request.end();
    return readAnswer(await answer);
  };
  const pieces = [1, 2, 3].map((byte) => Buffer.alloc(10_000, byte));
  t.equal((await upload(pieces)).status, 200);
  const seen = upstream.take();
  t.ok(seen.body.equals(Buffer.concat(pieces)));
  t.match(seen.headers, { "transfer-encoding": "chunked" });
  const large = await upload(Array.from({ length: 11 }, () => Buffer.alloc(100_000)));
  t.match({ status: large.status, body: JSON.parse(String(large.body)) }, { status: 413, body: { code: "BODY_TOO_LARGE" } });
  t.same(upstream.seen, [], "the upstream never got the whole of it");
});

interface Waited {
  readonly events: readonly string[];
  readonly answer: string;
}

/** Sends a request that waits for 100 before its body. */
function waitForContinue(port: number, path: string, headers: http.OutgoingHttpHeaders, body: string): Promise<Waited> {
  return new Promise((resolve) => {
    const events: string[] = [];
    const options = {
      port,
      path,
      method: "POST",
      agent: false,
      headers: { ...headers, expect: "100-continue", "content-length": body.length },
    };
    const request = http.request(options);
    request.on("continue", () => {
      events.push("100");
      request.end(body);
    });
    request.on("response", (response) => {
      events.push(String(response.statusCode));
      void readAnswer(response).then((answer) => resolve({ events, answer: String(answer.body) }));
    });
    request.on("error", (error) => resolve({ events, answer: error.message }));
    request.flushHeaders();
  });
}

t.test("Expect: 100-continue gets its 100 after the decision; a refused request gets its refusal and no 100", async (t) => {
  const { port, bearer, upstream } = await stand(t);
  t.same((await waitForContinue(port, "/any/x", bearer, "hello")).events, ["100", "200"]);
  const seen = upstream.take();
  t.match({ body: String(seen.body), expect: seen.headers.expect }, { body: "hello", expect: undefined });
  t.same((await waitForContinue(port, "/any/x", {}, "hello")).events, ["401"]);
  t.same((await waitForContinue(port, "/nothing", bearer, "hello")).events, ["404"]);
  t.same((await waitForContinue(port, "/of/other/x", bearer, "hello")).events, ["403"]);
  t.same((await waitForContinue(port, "/any/x", bearer, "x".repeat(1_000_001 + 48_576))).events, ["413"]);
  t.same(upstream.seen, []);
});

t.test("an older client is sent no 100: it would take it for the answer (RFC 9110 section 10.1.1)", async (t) => {
  const { port, bearer } = await stand(t);
  const head = `POST /any/x HTTP/1.0\r\nHost: gw\r\nAuthorization: ${bearer.authorization}\r\n`;
  t.match(await sendRaw(port, `${head}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx`), /^HTTP\/1\.1 200 /);
});

t.test("an expectation that nobody knows is 417", async (t) => {
  const { port, upstream } = await stand(t);
  t.match(
    await sendRaw(port, "POST /any/x HTTP/1.1\r\nHost: gw\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n"),
    /^HTTP\/1\.1 417 [^]*"code":"EXPECTATION_FAILED"/,
  );
  t.same(upstream.seen, []);
});

/** Sends all that it has before it reads anything; resolves with what it then reads. */
function sendThenRead(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = net.connect(port, "127.0.0.1").pause().setEncoding("latin1");
    socket.on("data", (chunk) => (answer += String(chunk)));
    socket.on("close", () => resolve(answer)).on("error", reject);
    socket.write(bytes, () => socket.resume());
  });
}

t.test("a refusal before a large body reaches even a client that sends all before it reads, and the rest is never a request", async (t) => {
  const { port, upstream } = await stand(t);
  const body = "GET /open HTTP/1.1\r\nHost: gw\r\n\r\n".repeat(500_000);
  for (const head of ["POST /any/x", "POST /nothing", "POST /of/other/x"]) {
    const answer = await sendThenRead(port, Buffer.from(`${head} HTTP/1.1\r\nHost: gw\r\nContent-Length: ${body.length}\r\n\r\n${body}`));
    t.match(answer, /^HTTP\/1\.1 40[14] [^]*\r\nconnection: close\r\n[^]*"status":40[14][^]*\}$/i, head);
    t.equal(answer.split("HTTP/1.1 ").length - 1, 1, "one answer");
  }
  t.same(upstream.seen, []);
});

t.test("a client that leaves ends the upstream's request, before its answer and in the middle of it", async (t) => {
  const arrived: PromiseWithResolvers<void>[] = [Promise.withResolvers(), Promise.withResolvers()];
  const ended: PromiseWithResolvers<void>[] = [Promise.withResolvers(), Promise.withResolvers()];
  let count = 0;
  const { port, bearer, sallyport } = await stand(t, (request, response) => {
    const index = count++;
    if (index === 1) response.writeHead(200).write("begun");
    request.socket.once("close", () => ended[index]?.resolve());
    arrived[index]?.resolve();
  });
  for (const index of [0, 1]) {
    const request = http.request({ port, path: "/any/x", agent: false, headers: bearer }).on("error", () => {});
    const begun = new Promise((resolve) => request.once("response", resolve));
    request.end();
    await arrived[index]?.promise;
    if (index === 1) await begun;
    request.destroy();
    await ended[index]?.promise;
  }
  const left = () => sallyport.log().filter(({ cut }) => cut === "the client left");
  await until(() => left().length > 1);
  t.match(left(), [{ outcome: "allow" }, { outcome: "allow" }]);
});

t.test("a body's digest is the same on both sides of a keep-alive connection that carries many", async (t) => {
  const { port, bearer, upstream } = await stand(t, (_request, response) => response.end(upstream.seen.at(-1)?.body));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
  for (const size of [0, 1, 16_383, 16_384, 65_536, 1_000_000]) {
    const body = Buffer.alloc(size, String(size));
    const answer = await ask(port, "/any/echo", { method: "PUT", agent, headers: bearer, body });
    t.equal(digest(answer.body), digest(body), `${size} bytes`);
  }
});

t.test("an upstream's early answer to an upload passes, and the connection does not outlive it", async (t) => {
  const early = http.createServer((_request, response) => response.writeHead(409).end("no need"));
  const upstream = `http://127.0.0.1:${await listen(t, early)}`;
  const { port, bearer } = await startThings(t, { upstream, rest: ROUTES });
  const raw = await sendRaw(
    port,
    `POST /any/x HTTP/1.1\r\nHost: gw\r\nAuthorization: ${bearer.authorization}\r\nContent-Length: 1000\r\n\r\nabc`,
  );
  t.match(raw, /^HTTP\/1\.1 409 [^]*connection: close[^]*no need/i);
});
