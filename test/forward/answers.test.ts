import http from "node:http";
import t from "tap";
import { ask, openGateway, openRaw, openRecorder, readAnswer, sendRaw, valuesOf } from "./harness.ts";

/** An upstream that answers every request with these bytes and closes. */
function speaking(answer: string) {
  return (socket: import("node:net").Socket) => {
    socket.once("data", () => socket.end(answer, "latin1"));
  };
}

t.test("status, reason, headers with order and repeats, and body arrive as the upstream sent them", async (t) => {
  const head = "HTTP/1.1 418 Short and stout\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\nLink: <a>\r\nLink: <b>\r\nX-Bytes: \xe9\r\n";
  const upstream = await openRaw(t, speaking(`${head}Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 4\r\n\r\nteap`));
  const gateway = await openGateway(t, { origin: upstream.origin });
  const answer = await ask(gateway.port, "/a");
  t.equal(answer.status, 418);
  t.equal(answer.statusText, "Short and stout");
  t.strictSame(answer.rawHeaders.slice(0, 12), ["X-B", "1", "x-a", "2", "X-B", "3", "Link", "<a>", "Link", "<b>", "X-Bytes", "\xe9"]);
  t.equal(answer.headers.date, "Thu, 01 Jan 2026 00:00:00 GMT");
  t.equal(answer.headers["content-length"], "4");
  t.equal(answer.headers["x-decision-id"], "decision-1");
  t.equal(String(answer.body), "teap");
});

t.test("an upstream's own errors pass untouched, and are asked for once", async (t) => {
  const upstream = await openRecorder(t, (_request, response) => response.writeHead(503, { "retry-after": "7" }).end("busy"));
  const gateway = await openGateway(t, { origin: upstream.origin });
  const answer = await ask(gateway.port, "/a");
  t.match({ ...answer, body: String(answer.body) }, { status: 503, headers: { "retry-after": "7" }, body: "busy" });
  t.equal(upstream.seen.length, 1);
});

t.test("every method arrives as itself, with its body", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin });
  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "PURGE", "QUERY"]) {
    const body = method === "GET" || method === "HEAD" ? undefined : `body of ${method}`;
    const answer = await ask(gateway.port, "/a", {
      method,
      ...(body !== undefined && { body, headers: { "content-length": body.length } }),
    });
    t.equal(answer.status, 200, method);
    const seen = upstream.take();
    t.equal(seen.method, method);
    t.equal(String(seen.body), body ?? "");
  }
});

t.test("hop-by-hop headers of the answer, and those that its Connection names, end at the gateway", async (t) => {
  const head =
    "HTTP/1.1 200 OK\r\nConnection: x-mine, close\r\nX-Mine: 1\r\nKeep-Alive: timeout=1\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTE: trailers\r\n";
  const upstream = await openRaw(t, speaking(`${head}X-Other: 2\r\nContent-Length: 2\r\n\r\nok`));
  const gateway = await openGateway(t, { origin: upstream.origin });
  const agent = new http.Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const { headers } = await ask(gateway.port, "/a", { agent });
  t.equal(headers["x-other"], "2");
  t.equal(headers.connection, "keep-alive", "our own");
  for (const name of ["x-mine", "proxy-authenticate", "upgrade", "te"]) t.notOk(name in headers, name);
});

t.test("server banners, CORS headers, cookies and decision ids of the upstream's never pass", async (t) => {
  const answer = {
    server: "x",
    "x-powered-by": "y",
    "access-control-allow-origin": "*",
    "access-control-allow-credentials": "true",
    "set-cookie": ["a=1", "b=2"],
    "x-decision-id": "forged",
    "ratelimit-limit": "999",
  };
  const upstream = await openRecorder(t, (_request, response) => response.writeHead(200, answer).end("ok"));
  const ours = { "access-control-allow-origin": "https://app.example", "ratelimit-limit": "100", vary: "Origin" };
  const gateway = await openGateway(t, { origin: upstream.origin, answerHeaders: ours });
  const { rawHeaders, headers } = await ask(gateway.port, "/a");
  for (const name of ["server", "x-powered-by", "access-control-allow-credentials", "set-cookie"]) t.notOk(name in headers, name);
  t.strictSame(valuesOf(rawHeaders, "x-decision-id"), ["decision-1"]);
  t.strictSame(valuesOf(rawHeaders, "access-control-allow-origin"), ["https://app.example"]);
  t.strictSame(valuesOf(rawHeaders, "ratelimit-limit"), ["100"]);
});

t.test("cookies of the upstream's pass where the service says so, each by itself", async (t) => {
  const upstream = await openRecorder(t, (_request, response) => response.writeHead(200, { "set-cookie": ["a=1", "b=2"] }).end());
  const gateway = await openGateway(t, { origin: upstream.origin, upstream: { forward: { credential: false, cookies: true } } });
  t.strictSame((await ask(gateway.port, "/a")).headers["set-cookie"], ["a=1", "b=2"]);
});

t.test("C11: Vary of the upstream's is kept, and ours added once", async (t) => {
  let vary: string[] = [];
  const upstream = await openRecorder(t, (_request, response) =>
    response
      .writeHead(
        200,
        vary.flatMap((value) => ["vary", value]),
      )
      .end(),
  );
  const gateway = await openGateway(t, { origin: upstream.origin, answerHeaders: { vary: "Origin" } });
  const told = async (sent: string[]) => {
    vary = sent;
    return valuesOf((await ask(gateway.port, "/a")).rawHeaders, "vary");
  };
  t.strictSame(await told([]), ["Origin"]);
  t.strictSame(await told(["Accept", "Cookie"]), ["Accept, Cookie, Origin"]);
  t.strictSame(await told(["accept, origin"]), ["accept, origin"]);
  t.strictSame(await told(["*"]), ["*"]);
});

t.test("HEAD, 204 and 304 have no body; HEAD and 304 keep their length", async (t) => {
  const upstream = await openRecorder(t, (request, response) => {
    if (request.method === "HEAD") response.writeHead(200, { "content-length": 12345 }).end();
    else response.writeHead(Number(request.url?.slice(1)), { etag: '"x"' }).end();
  });
  const gateway = await openGateway(t, { origin: upstream.origin });
  const head = await ask(gateway.port, "/a", { method: "HEAD" });
  t.match(head, { status: 200, headers: { "content-length": "12345" } });
  t.notOk("transfer-encoding" in head.headers);
  for (const status of [204, 304]) {
    const answer = await ask(gateway.port, `/${status}`);
    t.match(answer, { status, headers: { etag: '"x"' } });
    t.equal(answer.body.length, 0);
    t.notOk("transfer-encoding" in answer.headers);
  }
});

t.test("Range and 206 pass", async (t) => {
  const upstream = await openRecorder(t, (request, response) => {
    t.equal(request.headers.range, "bytes=2-4");
    response.writeHead(206, { "content-range": "bytes 2-4/10", "content-length": 3 }).end("cde");
  });
  const gateway = await openGateway(t, { origin: upstream.origin });
  const answer = await ask(gateway.port, "/a", { headers: { range: "bytes=2-4" } });
  t.match({ ...answer, body: String(answer.body) }, { status: 206, headers: { "content-range": "bytes 2-4/10" }, body: "cde" });
});

t.test("trailers of the answer pass, and none of them becomes a header of ours", async (t) => {
  const upstream = await openRecorder(t, (_request, response) => {
    response.writeHead(200, { trailer: "x-sum" });
    response.write("body");
    response.addTrailers({ "x-sum": "42", "x-decision-id": "forged", "set-cookie": "a=1" });
    response.end();
  });
  const gateway = await openGateway(t, { origin: upstream.origin });
  const answer = await ask(gateway.port, "/a");
  t.equal(String(answer.body), "body");
  t.equal(answer.headers.trailer, "x-sum");
  t.strictSame({ ...answer.trailers }, { "x-sum": "42" });
});

t.test("an HTTP/1.0 client gets the body up to the end of the connection: no chunks, no trailers", async (t) => {
  const upstream = await openRecorder(t, (_request, response) => {
    response.writeHead(200, { trailer: "x-sum" });
    response.write("one,");
    response.addTrailers({ "x-sum": "42" });
    response.end("two");
  });
  const gateway = await openGateway(t, { origin: upstream.origin });
  const answer = await sendRaw(gateway.port, "GET /a HTTP/1.0\r\nHost: gw\r\n\r\n");
  t.notMatch(answer, /transfer-encoding|trailer/i);
  t.equal(answer.slice(answer.indexOf("\r\n\r\n") + 4), "one,two");
});

t.test("interim answers of the upstream's end at the gateway", async (t) => {
  const upstream = await openRaw(
    t,
    speaking("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
  );
  const gateway = await openGateway(t, { origin: upstream.origin });
  const answer = await sendRaw(gateway.port, "GET /a HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n");
  t.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
  t.notMatch(answer, /103|Link/);
});

t.test("redirects are passed on, not followed", async (t) => {
  const upstream = await openRecorder(t, (_request, response) =>
    response.writeHead(302, { location: "https://elsewhere.example/x" }).end(),
  );
  const gateway = await openGateway(t, { origin: upstream.origin });
  t.match(await ask(gateway.port, "/a"), { status: 302, headers: { location: "https://elsewhere.example/x" } });
  t.equal(upstream.seen.length, 1);
});

t.test("an answer without length or chunks is passed on whole", async (t) => {
  const upstream = await openRaw(t, speaking("HTTP/1.1 200 OK\r\n\r\nall of it"));
  const gateway = await openGateway(t, { origin: upstream.origin });
  t.equal(String((await ask(gateway.port, "/a")).body), "all of it");
});

t.test("a stream's head and each of its events go out as they come", async (t) => {
  const open: http.ServerResponse[] = [];
  const upstream = await openRecorder(t, (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    open.push(response);
  });
  const gateway = await openGateway(t, { origin: upstream.origin });
  const response = await new Promise<http.IncomingMessage>((resolve) =>
    http.get({ port: gateway.port, path: "/a", agent: false }, resolve),
  );
  t.equal(response.headers["content-type"], "text/event-stream", "before the first event");
  for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
    const next = new Promise((resolve) => response.once("data", (chunk) => resolve(String(chunk))));
    open[0]?.write(event);
    t.equal(await next, event);
  }
  open[0]?.end();
  await readAnswer(response);
});

t.test("exchanges share connections to the upstream, and end once each", async (t) => {
  let connections = 0;
  const upstream = await openRaw(t, (socket) => {
    connections += 1;
    socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  });
  const gateway = await openGateway(t, { origin: upstream.origin });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  for (let count = 0; count < 20; count++) await ask(gateway.port, "/a", { agent });
  await new Promise(setImmediate);
  t.equal(connections, 1);
  t.equal(gateway.over.length, 20);
  t.ok(gateway.over.every(({ outcome }) => outcome?.kind === "forwarded" && outcome.status === 200 && outcome.cut === undefined));
});
