/** Class 2.3: headers. */
import { gzipSync } from "node:zlib";
import t from "tap";
import { bearer, requestBytes, startFixture } from "./fixture.ts";
import { valuesOf } from "./raw-socket.ts";

const door = await startFixture(t);
const { ask, converse, heardOf, witness } = door;
const acme = bearer(door.tokenOf("acme"));

async function statusOf(target: string, fields: readonly string[]): Promise<number> {
  return (await ask(target, fields)).status;
}

/** Sends a head of its own making; answers with all statuses. */
async function statusesOf(head: readonly string[], body = ""): Promise<readonly number[]> {
  const { answers } = await converse(`${head.join("\r\n")}\r\n\r\n${body}`);
  return answers.map(({ status }) => status);
}

const FORGED = "forged-by-client";
const IDENTITY = [
  ["X-User-Id", "X-Tenant-Id", "X-Permissions", "X-Auth-Subject", "X-Auth-Kind", "X-Auth-Tenant", "X-Auth-Permissions", "X-Auth-Role"],
  ["X-Amzn-Oidc-Identity", "X-Amzn-Oidc-Data", "X-Amzn-Oidc-Accesstoken", "X-Remote-User", "Remote-User", "X-Forwarded-User"],
  ["X-Forwarded-Email", "X-Forwarded-Groups", "X-Consumer-Id", "X-Consumer-Username", "X-Credential-Identifier", "X-Authenticated-Userid"],
].flat();

t.test("H1 headers that tell an identity never come from the client", async (t) => {
  const forged = IDENTITY.map((name) => `${name}: ${FORGED}`);
  const heard = [
    await heardOf(t, "/public/a", forged),
    await heardOf(t, "/public/a", [...forged, bearer("not-a-token")]),
    await heardOf(t, "/t/acme/a", [...forged, acme]),
    await heardOf(t, "/named/a", [...forged, acme]),
  ];
  for (const { headers, line } of heard) t.notMatch(JSON.stringify(headers), FORGED, line);
  t.same(
    heard.map((one) => valuesOf(one, "x-auth-tenant")),
    [[], [], ["acme"], []],
  );
  t.same(
    heard.map((one) => valuesOf(one, "x-tenant-id")),
    [[], [], [], ["acme"]],
  );
  t.same(
    heard.map((one) => valuesOf(one, "x-user-id").length),
    [0, 0, 0, 1],
  );
  t.equal(await statusOf("/admin/a", forged), 401);
  t.equal(await statusOf("/admin/a", [...forged, acme]), 403);
  await door.nothingForwarded(t, "forged identities");
});

t.test("H2 nor in another spelling of their names", async (t) => {
  const respelt = IDENTITY.flatMap((name) => [
    name.replaceAll("-", "_"),
    name.toLowerCase().replace("-", "_"),
    name.replaceAll("-", "."),
    name.toUpperCase(),
  ]);
  for (const target of ["/public/a", "/t/acme/a", "/named/a"]) {
    const { headers } = await heardOf(t, target, [...respelt.map((name) => `${name}: ${FORGED}`), acme]);
    t.notMatch(JSON.stringify(headers), FORGED, target);
  }
  for (const name of ["X-User-Id ", "X-User-Id\t"]) t.equal(await statusOf("/public/a", [`${name}: ${FORGED}`]), 400, JSON.stringify(name));
  await door.nothingForwarded(t, "names with a space");
});

t.test("H3 Connection takes away what the client sent, and nothing of ours", async (t) => {
  const named = "x-user-id, x-auth-tenant, x-auth-subject, x-forwarded-for, authorization, host, cookie, x-mine, traceparent";
  const heard = await heardOf(t, "/t/acme/a", [acme, `Connection: ${named}`, "X-Mine: 1", "X-Yours: 2"]);
  t.same(valuesOf(heard, "x-auth-tenant"), ["acme"]);
  t.same(valuesOf(heard, "x-forwarded-for"), ["127.0.0.1"]);
  for (const name of ["x-auth-subject", "host", "traceparent"]) t.equal(valuesOf(heard, name).length, 1, name);
  t.same([valuesOf(heard, "x-mine"), valuesOf(heard, "x-yours")], [[], ["2"]]);
  const head = requestBytes("POST", "/inbox/a", ["Host: gw", "Connection: close, content-length, transfer-encoding", "Content-Length: 5"]);
  const { answers } = await converse(`${head}hello`);
  t.equal(answers[0]?.status, 200);
  t.equal(door.theOneHeard(t, "a body").body, "hello", "nor of the framing");
});

const FORWARDING = [
  ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix", "X-Forwarded-Uri"],
  ["X-Forwarded-Server", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "X-Original-URL", "X-Rewrite-URL"],
  ["X-Original-Host", "X_Forwarded_For", "X-Cluster-Client-IP", "Fastly-Client-IP", "Client-IP", "X-Host", "Via"],
].flat();

t.test("H4 headers that tell where a request came from are the gateway's alone", async (t) => {
  const spoofed = [
    ...FORWARDING.map((name) => `${name}: 203.0.113.9`),
    "Forwarded: for=203.0.113.9;host=evil.example",
    "X-Original-URL: /admin/a",
  ];
  const heard = await heardOf(t, "/public/a", spoofed);
  t.notMatch(JSON.stringify(heard.headers), /203\.0\.113\.9|evil|admin/);
  t.same(valuesOf(heard, "x-forwarded-for"), ["127.0.0.1"]);
  t.same([valuesOf(heard, "x-forwarded-host"), valuesOf(heard, "x-forwarded-proto")], [["gw"], ["http"]]);
  t.equal(await statusOf("/admin/a", spoofed), 401);
  t.equal(await statusOf("/hosted/a", ["X-Forwarded-Host: hosted.example", "X-Host: hosted.example"]), 404);
  await door.nothingForwarded(t, "spoofed origins");
  t.notMatch(JSON.stringify(door.sallyport.log()), /203\.0\.113\.9/, "nor does the log believe them");
});

t.test("H5 behind a trusted load balancer the client is the right-most address that is not one of ours", async (t) => {
  const balanced = await startFixture(t, ["127.0.0.1/32", "10.0.0.0/8"]);
  const clientOf = async (...values: readonly string[]): Promise<readonly string[]> => {
    const answer = await balanced.ask(
      "/public/a",
      values.map((value) => `X-Forwarded-For: ${value}`),
    );
    t.equal(answer.status, 200);
    return valuesOf(balanced.theOneHeard(t, values.join(" | ").slice(0, 60)), "x-forwarded-for");
  };
  t.same(await clientOf("198.51.100.1, 203.0.113.7"), ["203.0.113.7"], "a spoofed left part");
  t.same(await clientOf("198.51.100.1", "203.0.113.7"), ["203.0.113.7"], "in two fields");
  t.same(await clientOf("203.0.113.7, 10.1.2.3"), ["203.0.113.7"], "over two balancers");
  t.same(await clientOf(Array<string>(50).fill("198.51.100.1").concat("203.0.113.7").join(", ")), ["203.0.113.7"], "a long chain");
  t.same(await clientOf("203.0.113.7, garbage"), ["127.0.0.1"], "garbage is nobody's address");
  t.same(await clientOf("203.0.113.7, "), ["127.0.0.1"], "nor is nothing");
  t.same(await clientOf("fe80::1%eth0"), ["fe80::1"], "without its zone");
  t.same(await clientOf("::ffff:203.0.113.7"), ["203.0.113.7"], "IPv4-mapped");
  t.same(await clientOf("[2001:DB8::1]:4711"), ["2001:db8::1"], "with a port");
});

t.test("H8 Host is there once and well-formed, and picks a service only where the table says so", async (t) => {
  const line = "GET /public/a HTTP/1.1";
  const close = "Connection: close";
  t.same(await statusesOf([line, "Host: gw", "Host: gw", close]), [400], "twice");
  t.same(await statusesOf([line, "Host: gw", "host: evil", close]), [400], "two of them");
  t.same(await statusesOf([line, "Host:", close]), [400], "empty");
  t.same(await statusesOf([line, close]), [400], "none");
  t.same(await statusesOf(["GET /public/a HTTP/1.0"]), [400], "none, HTTP/1.0");
  t.same(await statusesOf([line, "", line, "Host: gw", close]), [400], "none, and what stands behind it is no request");
  t.same(await statusesOf(["GET http://other/public/a HTTP/1.1", "Host: gw", close]), [400], "another than the target's");
  const malformed = [
    "g@w",
    "u:p@gw",
    "g/w",
    "g\\w",
    "g#w",
    "g?w",
    "g w",
    "gw, evil",
    "gw,evil",
    ".gw",
    "[::1",
    "::1",
    "gw:",
    "gw:1234567",
    "gw:80:80",
    "gw:8a",
  ];
  for (const host of [...malformed, "g".repeat(1000), "gw\xff", "%67w"])
    t.same(await statusesOf([line, `Host: ${host}`, close]), [400], host.slice(0, 20));
  await door.nothingForwarded(t, "malformed hosts");
  for (const host of ["gw:80", "gw:8080", "evil.example", "127.0.0.1", "[::1]:80", "GW"]) {
    t.same(await statusesOf([line, `Host: ${host}`, close]), [200], host);
    t.equal(door.theOneHeard(t, host).line, line, "no host leads to another upstream");
  }
  const hosted = "GET /hosted/a HTTP/1.1";
  t.same(await statusesOf([hosted, "Host: Hosted.Example:81", close]), [200], "an exact host of the table");
  t.equal(door.theOneHeard(t, "hosted").target, "/hosted-upstream/hosted/a");
  for (const host of ["gw", "xhosted.example", "hosted.example.evil", "a.hosted.example"])
    t.same(await statusesOf([hosted, `Host: ${host}`, close]), [404], host);
  await door.nothingForwarded(t, "other hosts");
});

t.test("H10 malformed fields are refused; 8-bit bytes pass, but in no credential and no identity", async (t) => {
  const malformed = [
    "X-A : v",
    "X-A: v\r\n w",
    "X-A: v\0w",
    "X-A: v\nw",
    "X-A: v\rw",
    ": v",
    "X-\xe9: v",
    "X-A",
    "X A: v",
    "X-A: v\x7f\x01",
    " X-A: v",
    "X-A:\r\n v",
  ];
  for (const field of malformed) t.equal(await statusOf("/public/a", [field]), 400, JSON.stringify(field));
  await door.nothingForwarded(t, "malformed fields");
  const heard = await heardOf(t, "/t/acme/a", [acme, "X-Note: caf\xe9", "X-Auth-Subject: \xe9", "X-Request-Id: \xe9"]);
  t.same(valuesOf(heard, "x-note"), ["caf\xe9"]);
  const ours = heard.headers.filter(([name]) => name.startsWith("x-auth") || name === "x-request-id");
  t.match(JSON.stringify(ours), /^[\x20-\x7e]+$/);
});

t.test("H11 headers named like parts of an object are headers", async (t) => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "prototype", "valueOf"];
  const heard = await heardOf(t, "/t/acme/a", [acme, ...names.map((name) => `${name}: ${FORGED}`)]);
  t.same(valuesOf(heard, "x-auth-tenant"), ["acme"]);
  t.equal(
    await statusOf(
      "/admin/a",
      names.map((name) => `${name}: admin`),
    ),
    401,
  );
  t.equal(({} as Record<string, unknown>)["admin"], undefined);
  await door.nothingForwarded(t, "odd names");
});

t.test("H12 too large a head is 431, and the gateway goes on", async (t) => {
  const fields = (count: number, field: string): string[] => Array<string>(count).fill(field);
  t.equal(await statusOf("/public/a", [`X-A: ${"a".repeat(17_000)}`]), 431);
  t.equal(await statusOf("/public/a", fields(2_000, "X-A: a")), 431);
  t.equal(await statusOf("/public/a", fields(101, "X-A: a")), 431);
  t.equal(await statusOf("/public/a", fields(1_000, "Cookie: a=b")), 431);
  await door.nothingForwarded(t, "large heads");
  const heard = await heardOf(t, "/public/a", [`Cookie: ${fields(1_000, "a=b").join("; ")}`]);
  t.same(valuesOf(heard, "cookie"), [], "a long cookie within the bound passes, without the cookie");
});

t.test("H13 what is for this connection alone goes no further, and the request works", async (t) => {
  const hopByHop = [
    "Upgrade: h2c",
    "Keep-Alive: timeout=5",
    "Proxy-Authorization: Basic eDp5",
    "Proxy-Connection: keep-alive",
    "TE: gzip, trailers",
    "Trailer: X-A",
    "HTTP2-Settings: AAMAAABk",
  ];
  const heard = await heardOf(t, "/public/a", hopByHop);
  for (const name of ["upgrade", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "http2-settings", "expect"]) {
    t.same(valuesOf(heard, name), [], name);
  }
  t.equal(await statusOf("/public/a", ["Expect: x"]), 417);
  await door.nothingForwarded(t, "an unknown expectation");
  const { answers, raw } = await converse([
    requestBytes("POST", "/inbox/a", ["Host: gw", "Expect: 100-continue", "Content-Length: 5", "Connection: close"]),
    "hello",
  ]);
  t.match(raw, /^HTTP\/1\.1 100 Continue\r\n\r\n/);
  t.equal(answers[0]?.status, 200);
  const expecting = door.theOneHeard(t, "100-continue");
  t.same([expecting.body, valuesOf(expecting, "expect")], ["hello", []]);
});

t.test("H14 coded bodies pass as they are: nothing is ever unpacked", async (t) => {
  const bomb = gzipSync(Buffer.alloc(1024 * 1024)).toString("latin1");
  const head = requestBytes("POST", "/inbox/a", [
    "Host: gw",
    "Content-Encoding: gzip",
    `Content-Length: ${bomb.length}`,
    "Connection: close",
  ]);
  witness.answerWith(() => `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n${bomb}`);
  const { answers } = await converse(head + bomb);
  witness.answerWith(undefined);
  t.ok(answers[0]?.body === bomb, "the answer is the upstream's, byte for byte");
  const heard = door.theOneHeard(t, "gzip");
  t.ok(heard.body === bomb, "and so is the request");
  t.same(valuesOf(heard, "content-encoding"), ["gzip"]);
  t.same(valuesOf(await heardOf(t, "/public/a", ["Accept-Encoding: gzip;q=0.5, br"]), "accept-encoding"), ["gzip;q=0.5, br"]);
});

t.test("H15 marks by which inner services skip their checks have no effect, and go", async (t) => {
  const marks = [
    "X-Middleware-Subrequest: middleware",
    "X-Internal: true",
    "X-Internal-Request: 1",
    "X-Gateway-Auth: ok",
    "X-Envoy-Internal: true",
  ];
  t.equal(await statusOf("/admin/a", marks), 401);
  await door.nothingForwarded(t, "marks");
  const heard = await heardOf(t, "/public/a", marks);
  for (const mark of marks) t.same(valuesOf(heard, mark.slice(0, mark.indexOf(":")).toLowerCase()), [], mark);
});

t.test("H18 a request id of the client's passes when it is plain; otherwise it is the gateway's", async (t) => {
  t.same(valuesOf(await heardOf(t, "/public/a", ["X-Request-Id: abc-123_DEF"]), "x-request-id"), ["abc-123_DEF"]);
  for (const id of ["a".repeat(10_000), '{"a":1}', "a b", "a\tb", "", "a,b", "<script>", "\xe9", "a".repeat(65)]) {
    const answer = await ask("/public/a", [`X-Request-Id: ${id}`]);
    const heard = door.theOneHeard(t, id.slice(0, 20));
    t.same(valuesOf(heard, "x-request-id"), valuesOf(answer, "x-decision-id"), JSON.stringify(id.slice(0, 20)));
  }
  t.same(valuesOf(await heardOf(t, "/public/a", ["X-Request-Id: a", "X-Request-Id: b"]), "x-request-id").length, 1);
  t.equal(await statusOf("/public/a", ["X-Request-Id: a\nb"]), 400);
  await door.nothingForwarded(t, "an id with a line break");
});
