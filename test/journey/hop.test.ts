/** What passes through the whole gateway, and what does not: between a client's socket and an upstream's. */
import { createHash } from "node:crypto";
import http, { type IncomingHttpHeaders, type RequestListener } from "node:http";
import net from "node:net";
import t, { type Test } from "tap";
import { ask, listen, openRaw, openRecorder, readAnswer, sendRaw, valuesOf, type Recorder } from "../forward/harness.ts";
import { startThings, until, type Things } from "./things.ts";

const ROUTES = `
tenant: { path: tenant, query: tenant }
limits: { some: { by: caller, rate: 500/minute } }
body: { max: 1MB }
routes:
  GET /open: public
  GET /any/{rest...}: { access: authenticated, tenant: unchecked, body: { max: 1KB } }
  POST /any/{rest...}: { access: authenticated, tenant: unchecked }
  PUT /any/{rest...}: { access: authenticated, tenant: unchecked }
  PATCH /any/{rest...}: { access: authenticated, tenant: unchecked }
  DELETE /any/{rest...}: { access: authenticated, tenant: unchecked }
  OPTIONS /any/{rest...}: { access: authenticated, tenant: unchecked }
  GET /of/{tenant}/{thing}: authenticated
  POST /of/{tenant}/{thing}: authenticated
`;

interface Standing extends Things {
  readonly upstream: Recorder;
}

async function stand(t: Test, answer?: RequestListener, rest = ROUTES): Promise<Standing> {
  const upstream = await openRecorder(t, answer);
  return { ...(await startThings(t, { upstream: upstream.origin, rest })), upstream };
}

/* ── headers ──────────────────────────────────────────────────────────── */

const FORGED: readonly (readonly [string, string])[] = [
  ["x-auth-subject", "root"],
  ["X-Auth_Subject", "root"],
  ["x.auth.subject", "root"],
  ["X_Auth_Tenant", "other"],
  ["x-auth-permissions", "*"],
  ["x-auth-kind", "person"],
  ["x-user-id", "root"],
  ["remote-user", "root"],
  ["x-api_key", "leftover"],
  ["x-forwarded-for", "9.9.9.9"],
  ["x-forwarded-proto", "https"],
  ["x-forwarded-host", "evil.example"],
  ["forwarded", "for=9.9.9.9"],
  ["x-real-ip", "9.9.9.9"],
  ["true-client-ip", "9.9.9.9"],
  ["x-http-method-override", "DELETE"],
  ["x-original-url", "/admin"],
  ["x-rewrite-url", "/admin"],
  ["proxy-authorization", "Basic eDp5"],
  ["cookie", "session=1"],
  ["keep-alive", "timeout=9"],
  ["te", "trailers"],
  ["upgrade", "h2c"],
  ["http2-settings", "AAMAAABkAAQAAP__"],
  ["x-named-by-connection", "1"],
];

t.test("the upstream sees none of the client's identity, forwarding, hop-by-hop or credential headers, and ours once each", async (t) => {
  const { port, upstream, bearer } = await stand(t);
  const forged = FORGED.flatMap(([name, value]) => [name, value]);
  const headers = [...forged, "Authorization", bearer.authorization, "Connection", "close, X-Named-By-Connection", "Host", "gw.example:8080", "x-plain", "kept"];
  const { status } = await ask(port, "/of/acme/thing", { headers });
  t.equal(status, 200);
  const { rawHeaders, headers: seen } = upstream.take();
  const names = new Set(rawHeaders.filter((_name, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  const ours = ["host", "connection", "x-auth-subject", "x-auth-kind", "x-auth-tenant", "x-auth-permissions", "x-request-id", "traceparent"];
  const expected = [...ours, "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-plain"];
  t.same([...names].toSorted(), expected.toSorted());
  for (const name of names) t.equal(valuesOf(rawHeaders, name).length, 1, `${name} once`);
  t.match(seen, {
    "x-auth-subject": "acme",
    "x-auth-kind": "machine",
    "x-auth-tenant": "acme",
    "x-auth-permissions": "*",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": "gw.example:8080",
    "x-plain": "kept",
    host: upstream.origin.slice("http://".length),
  });
});

t.test("a public route strips credentials and identity all the same, and tells none", async (t) => {
  const { port, upstream, bearer } = await stand(t);
  const forged = FORGED.filter(([name]) => !["upgrade", "keep-alive", "te"].includes(name)).flatMap(([name, value]) => [name, value]);
  const { status } = await ask(port, "/open", { headers: [...forged, "Authorization", bearer.authorization, "X-Api-Key", "x", "Host", "gw"] });
  t.equal(status, 200);
  const told = Object.keys(upstream.take().headers).filter((name) => /auth|cookie|key|user|url|override|real/.test(name));
  t.same(told, []);
});

t.test("a request id and a trace go through, and the answer carries the decision id", async (t) => {
  const { port, upstream, bearer, sallyport } = await stand(t);
  const trace = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  await ask(port, "/any/x", { headers: { ...bearer, "x-request-id": "mine-1", traceparent: trace, tracestate: "a=1" } });
  t.match(upstream.take().headers, { "x-request-id": "mine-1", traceparent: trace, tracestate: "a=1" });
  const { headers } = await ask(port, "/any/x", { headers: bearer });
  const decision = String(headers["x-decision-id"]);
  t.match(upstream.take().headers, { "x-request-id": decision, traceparent: /^00-[0-9a-f]{32}-[0-9a-f]{16}-0\d$/ });
  const refused = await ask(port, "/any/x", {});
  const logged = sallyport.log().find((line) => line["decision"] === refused.headers["x-decision-id"]);
  t.match(logged, { code: "TOKEN_MISSING", route: "GET /any/{rest...}" }, "by its id the operator finds the reason");
});

/* ── request and answer, whole ────────────────────────────────────────── */

t.test("method, path, query and body bytes arrive as they were sent", async (t) => {
  const { port, upstream, bearer } = await stand(t);
  const bytes = Buffer.from(Array.from({ length: 256 }, (_value, index) => index));
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    const body = method === "GET" || method === "OPTIONS" ? undefined : bytes;
    const path = "/any/a%20b/%C3%A9;v=1/?q=%2Fa+b&q=2&empty=&flag";
    const length = body === undefined ? {} : { "content-length": body.length };
    await ask(port, path, { method, headers: { ...bearer, "content-type": "application/x-odd", ...length }, ...(body && { body }) });
    const seen = upstream.take();
    t.match({ method: seen.method, url: seen.url, type: seen.headers["content-type"] }, { method, url: path, type: "application/x-odd" });
    t.ok(seen.body.equals(body ?? Buffer.alloc(0)), `${method}: the bytes`);
  }
});

t.test("status, reason, headers, repeats, body and trailers come back as the upstream sent them", async (t) => {
  const { port, bearer } = await stand(t, (_request, response) => {
    response.writeHead(418, "Short and stout", ["X-One", "1", "x-one", "2", "ETag", '"e"', "Trailer", "x-sum, x-decision-id", "Server", "secret/1.0"]);
    response.write(Buffer.from([0, 255, 1]));
    response.addTrailers({ "x-sum": "abc", "x-decision-id": "forged" });
    response.end();
  });
  const answer = await ask(port, "/any/x", { headers: bearer });
  t.match({ status: answer.status, text: answer.statusText, etag: answer.headers.etag }, { status: 418, text: "Short and stout", etag: '"e"' });
  t.same(valuesOf(answer.rawHeaders, "x-one"), ["1", "2"]);
  t.same([...answer.body], [0, 255, 1]);
  t.same({ ...answer.trailers }, { "x-sum": "abc" });
  t.equal(answer.headers.server, undefined);
});

t.test("an upstream's own errors pass untouched, and redirects are not followed", async (t) => {
  const statuses = [401, 403, 404, 429, 500, 502, 503, 504];
  const { port, bearer, upstream } = await stand(t, (request, response) => {
    const status = Number(request.url?.split("/").at(-1));
    response.writeHead(status, { location: `${upstream.origin}/any/next` }).end("theirs");
  });
  for (const status of [301, 302, 307, ...statuses]) {
    const answer = await ask(port, `/any/${status}`, { headers: bearer });
    t.match({ status: answer.status, body: String(answer.body) }, { status, body: "theirs" });
    t.equal(answer.headers.location, "/any/next", "the upstream's address is not shown");
    t.equal(upstream.seen.splice(0).length, 1, `${status}: asked once`);
  }
});

const FILE = Buffer.from("0123456789".repeat(10));

/** A server of one file that knows ranges and validators. */
function fileServer(): RequestListener {
  return (request, response) => {
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    response.setHeader("etag", '"v1"').setHeader("accept-ranges", "bytes");
    if (request.headers["if-none-match"] === '"v1"') {
      response.writeHead(304, { "content-length": FILE.length }).end();
    } else if (range) {
      const part = FILE.subarray(Number(range[1]), Number(range[2]) + 1);
      response.writeHead(206, { "content-range": `bytes ${range[1]}-${range[2]}/${FILE.length}`, "content-length": part.length }).end(part);
    } else {
      response.writeHead(200, { "content-length": FILE.length }).end(request.method === "HEAD" ? undefined : FILE);
    }
  };
}

t.test("Range and 206, HEAD, and 304 work, and a connection goes on being used after each", async (t) => {
  const { port, bearer, upstream } = await stand(t, fileServer());
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  const asked = (method: string, headers: IncomingHttpHeaders) => ask(port, "/any/file", { method, agent, headers: { ...bearer, ...headers } });
  const part = await asked("GET", { range: "bytes=5-14" });
  t.match({ status: part.status, body: String(part.body), range: part.headers["content-range"] }, { status: 206, body: "5678901234", range: "bytes 5-14/100" });
  const head = await asked("HEAD", {});
  t.match({ status: head.status, length: head.headers["content-length"], body: head.body.length }, { status: 200, length: "100", body: 0 });
  const fresh = await asked("GET", { "if-none-match": '"v1"' });
  t.match({ status: fresh.status, etag: fresh.headers.etag, body: fresh.body.length }, { status: 304, etag: '"v1"', body: 0 });
  t.equal((await asked("GET", {})).body.length, 100);
  t.same(upstream.seen.map(({ method }) => method), ["GET", "HEAD", "GET", "GET"]);
});

t.test("HEAD of a refused route has no body", async (t) => {
  const { port } = await stand(t);
  const raw = await sendRaw(port, "HEAD /any/x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n");
  t.match(raw, /^HTTP\/1\.1 401 [^]*\r\n\r\n$/);
});

/* ── bodies ───────────────────────────────────────────────────────────── */

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
    const options = { port, path, method: "POST", agent: false, headers: { ...headers, expect: "100-continue", "content-length": body.length } };
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

t.test("an expectation that nobody knows is 417", async (t) => {
  const { port, upstream } = await stand(t);
  t.match(await sendRaw(port, "POST /any/x HTTP/1.1\r\nHost: gw\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n"), /^HTTP\/1\.1 417 [^]*"code":"EXPECTATION_FAILED"/);
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

/* ── an upstream that fails ───────────────────────────────────────────── */

async function closedPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const FORMATS: Readonly<Record<string, (status: number, code: string) => object>> = {
  problem: (status, code) => ({ type: "about:blank", status, code, decisionId: String }),
  detail: (status) => ({ detail: String, status_code: status }),
  envelope: () => ({ success: false, message: String }),
  coded: (_status, code) => ({ error: String, code, requestId: String }),
};

t.test("an upstream that is gone, slow or speaks nonsense is 502, 504, 502, in the service's own format", async (t) => {
  const slow = await openRaw(t, (socket) => socket.resume());
  const nonsense = await openRaw(t, (socket) => socket.once("data", () => socket.end("220 mail.example ESMTP\r\n")));
  const cases = [
    { what: "gone", upstream: `http://127.0.0.1:${await closedPort()}`, status: 502, code: "UPSTREAM_UNREACHABLE" },
    { what: "slow", upstream: slow.origin, status: 504, code: "UPSTREAM_TIMEOUT" },
    { what: "speaking nonsense", upstream: nonsense.origin, status: 502, code: "UPSTREAM_UNREACHABLE" },
  ];
  for (const [format, body] of Object.entries(FORMATS)) {
    for (const { what, upstream, status, code } of cases) {
      const rest = `errors: { format: ${format} }\ntimeouts: { headers: 100ms }\nroutes: { GET /x: public }`;
      const { port, sallyport } = await startThings(t, { upstream, rest });
      const answer = await ask(port, "/x");
      t.equal(answer.status, status, `${what}, ${format}`);
      t.match(JSON.parse(String(answer.body)), body(status, code));
      t.notMatch(String(answer.body), /127\.0\.0\.1|ECONN|HPE_|node:/, "no inner address, no cause");
      const logged = sallyport.log().find((line) => line["decision"] === answer.headers["x-decision-id"]);
      t.match(logged, { code, reason: /^upstream: / }, "the operator finds the cause");
    }
  }
});

/* ── streams ──────────────────────────────────────────────────────────── */

t.test("server-sent events arrive one by one: the first before the second is sent", async (t) => {
  const streams: http.ServerResponse[] = [];
  const opened = Promise.withResolvers<void>();
  const { port, bearer } = await stand(t, (_request, response) => {
    streams.push(response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" }));
    response.flushHeaders();
    opened.resolve();
  });
  const request = http.request({ port, path: "/any/events", agent: false, headers: bearer }).end();
  const response = await new Promise<http.IncomingMessage>((resolve) => request.once("response", resolve));
  await opened.promise;
  t.equal(response.headers["content-type"], "text/event-stream", "the head comes before any event");
  for (const event of ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]) {
    const next = new Promise((resolve) => response.once("data", resolve));
    streams[0]?.write(event);
    t.equal(String(await next), event);
  }
  streams[0]?.end();
  await new Promise((resolve) => response.once("end", resolve));
});

t.test("a stream ends when the token does, and is not made to look whole", async (t) => {
  const ended = Promise.withResolvers<void>();
  const { port, issuer, sallyport } = await stand(t, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
    response.once("close", () => ended.resolve());
  });
  const headers = { authorization: `Bearer ${issuer.token("acme", 2)}` };
  await t.rejects(ask(port, "/any/events", { headers }), { code: "ECONNRESET" });
  await ended.promise;
  const cuts = () => sallyport.log().filter((line) => line["cut"] !== undefined);
  await until(() => cuts().length > 0);
  t.match(cuts(), [{ outcome: "allow", cut: /credential ended/ }]);
});

t.test("a long poll waits for as long as its time-outs allow", async (t) => {
  const waiting = Promise.withResolvers<http.ServerResponse>();
  const { port, bearer } = await stand(t, (_request, response) => waiting.resolve(response));
  const answer = ask(port, "/any/poll", { headers: bearer });
  const response = await waiting.promise;
  const other = ask(port, "/nothing");
  t.equal((await other).status, 404, "meanwhile others are served");
  response.end("news");
  t.equal(String((await answer).body), "news");
});

/* ── connections ──────────────────────────────────────────────────────── */

t.test("requests pipelined on one connection are answered in order, refused ones among them", async (t) => {
  const { port, bearer, upstream } = await stand(t, (request, response) => {
    setTimeout(() => response.end(`<${request.url}>`), request.url?.endsWith("slow") ? 100 : 0);
  });
  const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: gw\r\nAuthorization: ${bearer.authorization}\r\n${more}\r\n`;
  const requests = [get("/any/slow"), get("/any/2"), get("/nothing"), get("/of/other/x"), get("/any/5"), get("/any/6", "Connection: close\r\n")];
  const raw = await sendRaw(port, requests.join(""));
  t.same(raw.match(/HTTP\/1\.1 \d+|<[^>]*>/g), [
    ...["HTTP/1.1 200", "</any/slow>", "HTTP/1.1 200", "</any/2>", "HTTP/1.1 404", "HTTP/1.1 403"],
    ...["HTTP/1.1 200", "</any/5>", "HTTP/1.1 200", "</any/6>"],
  ]);
  t.equal(upstream.seen.length, 4);
});

const GARBAGE: Readonly<Record<string, { readonly sent: string; readonly status: number; readonly code: string }>> = {
  "no HTTP": { sent: "hello\r\n\r\n", status: 400, code: "REQUEST_INVALID" },
  "TLS on a plain port": { sent: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", status: 400, code: "REQUEST_INVALID" },
  "a space before the colon": { sent: "GET /open HTTP/1.1\r\nHost : gw\r\n\r\n", status: 400, code: "REQUEST_INVALID" },
  "a control character in a header": { sent: "GET /open HTTP/1.1\r\nHost: gw\r\nX: a\x00b\r\n\r\n", status: 400, code: "REQUEST_INVALID" },
  "a bare line feed": { sent: "GET /open HTTP/1.1\nHost: gw\n\n", status: 400, code: "REQUEST_INVALID" },
  "two lengths": { sent: "POST /open HTTP/1.1\r\nHost: gw\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", status: 400, code: "REQUEST_INVALID" },
  "length and chunks": { sent: "POST /open HTTP/1.1\r\nHost: gw\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", status: 400, code: "REQUEST_INVALID" },
  "a length that is no number": { sent: "POST /open HTTP/1.1\r\nHost: gw\r\nContent-Length: +1\r\n\r\na", status: 400, code: "REQUEST_INVALID" },
  "a head without end": { sent: `GET /open HTTP/1.1\r\nHost: gw\r\n${"X: 1234567890\r\n".repeat(2000)}`, status: 431, code: "HEADERS_TOO_LARGE" },
  "no host": { sent: "GET /open HTTP/1.1\r\nConnection: close\r\n\r\n", status: 400, code: "REQUEST_INVALID" },
  "two hosts": { sent: "GET /open HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", status: 400, code: "REQUEST_INVALID" },
  "another version": { sent: "GET /open HTTP/2.0\r\nHost: gw\r\nConnection: close\r\n\r\n", status: 505, code: "PROTOCOL_UNSUPPORTED" },
};

t.test("what is no HTTP is answered in problem JSON, logged, and its connection closed", async (t) => {
  const { port, upstream, sallyport } = await stand(t);
  for (const [name, { sent, status, code }] of Object.entries(GARBAGE)) {
    const raw = await sendRaw(port, sent);
    const [head = "", body = ""] = raw.split("\r\n\r\n");
    t.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), name);
    t.match(head, /content-type: application\/problem\+json/i, name);
    t.match(JSON.parse(body), { status, code, decisionId: String }, name);
    const { decisionId } = JSON.parse(body) as { decisionId: string };
    t.match(head, `x-decision-id: ${decisionId}`, name);
    t.ok(sallyport.log().some((line) => line["decision"] === decisionId && line["code"] === code), `${name}: it is in the log`);
  }
  t.same(upstream.seen, []);
});

t.test("garbage behind a good request: the good one is answered as if nothing were, then 400, then the end", async (t) => {
  const { port, upstream } = await stand(t);
  const raw = await sendRaw(port, "GET /open HTTP/1.1\r\nHost: gw\r\n\r\nGARBAGE\r\n\r\n");
  t.same(raw.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 400"]);
  t.equal(upstream.seen.length, 1);
});

t.test("a chunked body that breaks off in nonsense is 400, and the upstream never gets its end", async (t) => {
  const { port, bearer, upstream } = await stand(t);
  const head = `POST /any/x HTTP/1.1\r\nHost: gw\r\nAuthorization: ${bearer.authorization}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const raw = await sendRaw(port, `${head}3\r\nabc\r\nZZZ\r\nGET /open HTTP/1.1\r\nHost: gw\r\n\r\n`);
  t.match(raw, /^HTTP\/1\.1 400 /);
  t.equal(raw.split("HTTP/1.1 ").length - 1, 1);
  t.same(upstream.seen, []);
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
  const raw = await sendRaw(port, `POST /any/x HTTP/1.1\r\nHost: gw\r\nAuthorization: ${bearer.authorization}\r\nContent-Length: 1000\r\n\r\nabc`);
  t.match(raw, /^HTTP\/1\.1 409 [^]*connection: close[^]*no need/i);
});
