/** What passes through the whole gateway, and what does not: heads, statuses and methods between a client's socket and an upstream's. */
import http, { type IncomingHttpHeaders, type RequestListener } from "node:http";
import t from "tap";
import { ask, sendRaw, valuesOf } from "../forward/harness.ts";
import { stand } from "./stand.ts";

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
  const headers = [
    ...forged,
    "Authorization",
    bearer.authorization,
    "Connection",
    "close, X-Named-By-Connection",
    "Host",
    "gw.example:8080",
    "x-plain",
    "kept",
  ];
  const { status } = await ask(port, "/of/acme/thing", { headers });
  t.equal(status, 200);
  const { rawHeaders, headers: seen } = upstream.take();
  const names = new Set(rawHeaders.filter((_name, index) => index % 2 === 0).map((name) => name.toLowerCase()));
  const ours = [
    "host",
    "connection",
    "x-auth-subject",
    "x-auth-kind",
    "x-auth-tenant",
    "x-auth-permissions",
    "x-request-id",
    "traceparent",
  ];
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
  const { status } = await ask(port, "/open", {
    headers: [...forged, "Authorization", bearer.authorization, "X-Api-Key", "x", "Host", "gw"],
  });
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
    response.writeHead(418, "Short and stout", [
      "X-One",
      "1",
      "x-one",
      "2",
      "ETag",
      '"e"',
      "Trailer",
      "x-sum, x-decision-id",
      "Server",
      "secret/1.0",
    ]);
    response.write(Buffer.from([0, 255, 1]));
    response.addTrailers({ "x-sum": "abc", "x-decision-id": "forged" });
    response.end();
  });
  const answer = await ask(port, "/any/x", { headers: bearer });
  t.match(
    { status: answer.status, text: answer.statusText, etag: answer.headers.etag },
    { status: 418, text: "Short and stout", etag: '"e"' },
  );
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
  const asked = (method: string, headers: IncomingHttpHeaders) =>
    ask(port, "/any/file", { method, agent, headers: { ...bearer, ...headers } });
  const part = await asked("GET", { range: "bytes=5-14" });
  t.match(
    { status: part.status, body: String(part.body), range: part.headers["content-range"] },
    { status: 206, body: "5678901234", range: "bytes 5-14/100" },
  );
  const head = await asked("HEAD", {});
  t.match({ status: head.status, length: head.headers["content-length"], body: head.body.length }, { status: 200, length: "100", body: 0 });
  const fresh = await asked("GET", { "if-none-match": '"v1"' });
  t.match({ status: fresh.status, etag: fresh.headers.etag, body: fresh.body.length }, { status: 304, etag: '"v1"', body: 0 });
  t.equal((await asked("GET", {})).body.length, 100);
  t.same(
    upstream.seen.map(({ method }) => method),
    ["GET", "HEAD", "GET", "GET"],
  );
});

t.test("HEAD of a refused route has no body", async (t) => {
  const { port } = await stand(t);
  const raw = await sendRaw(port, "HEAD /any/x HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n");
  t.match(raw, /^HTTP\/1\.1 401 [^]*\r\n\r\n$/);
});
