/** The front door over TLS: what it speaks, what it refuses, and how its certificate is renewed. Needs the `openssl` command. */
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { Agent } from "node:https";
import net from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import t, { type Test } from "tap";
import { WebSocket, WebSocketServer } from "ws";
import { hasOpenssl } from "../forward/certificates.ts";
import { listen, openRecorder, sendRaw, type Recorder } from "../forward/harness.ts";
import { writeFolder } from "./child.ts";
import type { SallyportOptions } from "./harness.ts";
import { startThings, until, type Things } from "./things.ts";
import { askSecurely, serialSeen, towards } from "./tls-client.ts";
import { doorCertificate, makeAuthority, type Authority, type Issued } from "./tls-files.ts";

const skip = hasOpenssl() ? false : "the `openssl` command is missing: TLS of the front door is NOT tested";
const ROUTES = `
tenant: { path: tenant }
routes:
  GET /: public
  GET /stream: public
  POST /small: { access: public, body: { max: 10B } }
  POST /: public
  GET /of/{tenant}: authenticated
  GET /of/{tenant}/live: { access: authenticated, websocket: true }
`;
const DAY_MS = 86_400_000;

interface Secure extends Things {
  readonly authority: Authority;
  readonly door: Issued;
  /** The files that the policy names. */
  readonly certFile: string;
  readonly keyFile: string;
  readonly metrics: () => Promise<string>;
  readonly certificate: () => Promise<{ lastReload: { kind: string; diagnostics: string[] }; notAfter: string; secondsLeft: number }>;
}

interface SecureShape {
  readonly upstream: Pick<Recorder, "origin">;
  readonly more?: string;
  /** More keys of `listen:`. */
  readonly beside?: string;
  readonly door?: (authority: Authority) => Issued;
  readonly options?: Partial<SallyportOptions>;
}

async function start(
  t: Test,
  { upstream, more = "", beside = "", door: makeDoor = doorCertificate, options = {} }: SecureShape,
): Promise<Secure> {
  const authority = makeAuthority(t, "Authority of the door");
  const door = makeDoor(authority);
  const folder = writeFolder(t, { "tls.crt": door.cert, "tls.key": door.key });
  const [certFile, keyFile] = [join(folder, "tls.crt"), join(folder, "tls.key")];
  const shape = { upstream: upstream.origin, rest: ROUTES, tls: `{ cert: "${certFile}", key: "${keyFile}"${more} }${beside}` };
  const things = await startThings(t, shape, options);
  const detail = async () => (await (await fetch(`${things.sallyport.adminUrl}/health/ready`)).json()) as { certificate: never };
  const metrics = async () => (await fetch(`${things.sallyport.adminUrl}/metrics`)).text();
  return { ...things, authority, door, certFile, keyFile, metrics, certificate: async () => (await detail()).certificate };
}

/** In one step, as certificate managers do. */
function replace(file: string, by: string): void {
  copyFileSync(by, `${file}.new`);
  renameSync(`${file}.new`, file);
}

function serialOf({ cert }: Issued): string {
  return new X509Certificate(cert).serialNumber;
}

/** Resolves with the version that was agreed upon; rejects when the handshake fails. */
function handshake({ port, authority }: Secure, options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ ...towards(port, authority), ...options }, () => resolve(socket));
    socket.on("error", reject);
  });
}

t.test("TLS 1.2 and 1.3 are spoken, anything older is not", { skip }, async (t) => {
  const secure = await start(t, { upstream: await openRecorder(t) });
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const socket = await handshake(secure, { minVersion: version, maxVersion: version });
    t.equal(socket.getProtocol(), version);
    socket.destroy();
  }
  const old = handshake(secure, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" });
  await t.rejects(old, { code: /PROTOCOL_VERSION/ });
  await until(async () => /^sallyport_tls_handshakes_failed_total\{reason="protocol"\} 1$/m.test(await secure.metrics()));
  const [line] = secure.sallyport.log().filter(({ msg, reason }) => msg === "TLS handshake failed" && reason === "protocol");
  t.match(line, { level: "debug", reason: "protocol", address: "127.0.0.1" });
});

t.test("with `minVersion: 1.3` nothing older is spoken", { skip }, async (t) => {
  const secure = await start(t, { upstream: await openRecorder(t), more: ", minVersion: 1.3" });
  await t.rejects(handshake(secure, { maxVersion: "TLSv1.2" }), { code: /PROTOCOL_VERSION/ });
  const socket = await handshake(secure, {});
  t.equal(socket.getProtocol(), "TLSv1.3");
  socket.destroy();
});

t.test("HTTP/2 is not agreed upon: only HTTP/1.1 is offered", { skip }, async (t) => {
  const secure = await start(t, { upstream: await openRecorder(t) });
  await t.rejects(handshake(secure, { ALPNProtocols: ["h2"] }), { code: /NO_APPLICATION_PROTOCOL/ });
  const both = await handshake(secure, { ALPNProtocols: ["h2", "http/1.1"] });
  t.equal(both.alpnProtocol, "http/1.1");
  both.destroy();
});

t.test("plain HTTP to the TLS port is closed without an answer, and nothing reaches a service", { skip }, async (t) => {
  const upstream = await openRecorder(t);
  const secure = await start(t, { upstream });
  t.equal(await sendRaw(secure.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), "");
  t.same(upstream.seen, []);
  await until(async () => /^sallyport_tls_handshakes_failed_total\{reason="protocol"\} 1$/m.test(await secure.metrics()));
  t.equal((await askSecurely(secure.port, secure.authority, "/")).status, 200, "the next one is served");
});

t.test("a request over TLS is decided as any other, and the upstream is told of https", { skip }, async (t) => {
  const upstream = await openRecorder(t);
  const { port, authority, bearer } = await start(t, { upstream });
  t.equal((await askSecurely(port, authority, "/of/acme")).status, 401);
  const answer = await askSecurely(port, authority, "/of/acme", { headers: { ...bearer, "x-forwarded-proto": "http" } });
  t.equal(answer.status, 200);
  t.match(upstream.take().headers, { "x-forwarded-proto": "https", "x-auth-tenant": "acme", "x-forwarded-for": "127.0.0.1" });
  t.equal((await askSecurely(port, authority, "/of/other", { headers: bearer })).status, 403);
  t.equal((await askSecurely(port, authority, "/", { method: "POST", body: "x".repeat(300_000) })).status, 200);
  t.equal(upstream.take().body.length, 300_000);
});

t.test("what the parser refuses is answered over TLS too, and a refused body ends its connection", { skip }, async (t) => {
  const upstream = await openRecorder(t);
  const secure = await start(t, { upstream });
  const send = async (text: string): Promise<string> => {
    const socket = await handshake(secure, {});
    let answer = "";
    socket.setEncoding("latin1").on("data", (chunk) => (answer += String(chunk)));
    socket.write(text);
    await once(socket, "close");
    return answer;
  };
  t.match(await send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"), /^HTTP\/1\.1 400 /);
  t.match(await send(`POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n${"x".repeat(50)}`), /^HTTP\/1\.1 413 /);
  t.same(upstream.seen, []);
});

t.test("a stream flows over TLS as it comes", { skip }, async (t) => {
  const steps = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const upstream = await openRecorder(t, (_request, response) => {
    response.write("first");
    void steps[0]?.promise.then(() => response.end("second"));
  });
  const { port, authority } = await start(t, { upstream });
  const socket = tls.connect(towards(port, authority), () =>
    socket.write("GET /stream HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
  );
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk) => (text += String(chunk)));
  await until(() => text.includes("first"));
  t.notMatch(text, "second");
  steps[0]?.resolve();
  await once(socket, "close");
  t.match(text, /first[^]*second/);
});

t.test("a WebSocket goes through TLS, with the same decision and the same identity", { skip }, async (t) => {
  const server = createServer();
  const told: (string | string[] | undefined)[] = [];
  new WebSocketServer({ server }).on("connection", (socket, request) => {
    told.push(request.headers["x-forwarded-proto"], request.headers["x-auth-tenant"]);
    socket.on("message", (data) => socket.send(data, { binary: false }));
  });
  const upstream = { origin: `http://127.0.0.1:${await listen(t, server)}` };
  const { port, authority, bearer } = await start(t, { upstream });
  const open = (headers: Record<string, string>): WebSocket =>
    new WebSocket(`wss://localhost:${port}/of/acme/live`, { ca: authority.cert, headers });
  const refused = open({});
  const [, response] = (await once(
    refused.on("error", () => {}),
    "unexpected-response",
  )) as [unknown, { statusCode: number }];
  t.equal(response.statusCode, 401);
  refused.terminate();
  const socket = open(bearer);
  await once(socket, "open");
  socket.send("hello");
  const [data] = (await once(socket, "message")) as [Buffer];
  t.equal(String(data), "hello");
  t.same(told, ["https", "acme"]);
  socket.close();
  await once(socket, "close");
});

t.test("a renewed certificate is served to new connections, and no request under load fails", { skip }, async (t) => {
  const secure = await start(t, { upstream: await openRecorder(t), options: { watchMs: 20 } });
  const { port, authority, door } = secure;
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  t.teardown(() => agent.destroy());
  const load = { isOver: false };
  const statuses = new Map<number, number>();
  const ask = async (by: Agent | false): Promise<void> => {
    while (!load.isOver) {
      const { status } = await askSecurely(port, authority, "/", { agent: by });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const asking = [ask(agent), ask(agent), ask(false)];
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => kept.destroy());
  t.equal(await serialSeen(port, authority, kept), serialOf(door));

  const next = doorCertificate(authority);
  replace(secure.keyFile, next.keyFile);
  replace(secure.certFile, next.certFile);
  await until(async () => (await serialSeen(port, authority)) === serialOf(next));
  t.equal(await serialSeen(port, authority, kept), serialOf(door), "a connection that was open goes on");
  load.isOver = true;
  await Promise.all(asking);
  t.same([...statuses.keys()], [200], "all of them were answered");
  t.match(await secure.certificate(), { lastReload: { kind: "loaded" } });
  t.match(await secure.metrics(), /^sallyport_certificate_reloads_total\{result="loaded"\} 1$/m);
});

t.test(
  "a pair that does not fit, or has expired, changes nothing; log, metric and health detail say so until it is mended",
  { skip },
  async (t) => {
    const secure = await start(t, { upstream: await openRecorder(t), options: { watchMs: 20 } });
    const { port, authority, door, sallyport } = secure;
    const rejected = (reason: RegExp) => async (): Promise<boolean> => {
      const { lastReload } = await secure.certificate();
      return lastReload.kind === "rejected" && reason.test(lastReload.diagnostics.join());
    };
    const next = doorCertificate(authority);
    replace(secure.keyFile, next.keyFile);
    await until(rejected(/tls\.key is not the key of the certificate/));
    t.equal(await serialSeen(port, authority), serialOf(door));

    const expired = doorCertificate(authority, { from: Date.now() - 3 * DAY_MS, until: Date.now() - DAY_MS });
    replace(secure.keyFile, expired.keyFile);
    replace(secure.certFile, expired.certFile);
    await until(rejected(/tls\.crt expired on /));
    writeFileSync(secure.certFile, "nothing of the kind");
    await until(rejected(/tls\.crt holds no certificate/));
    t.equal(await serialSeen(port, authority), serialOf(door));
    t.match(await secure.metrics(), /^sallyport_certificate_reloads_total\{result="rejected"\} [3-9]$/m);
    t.ok(sallyport.log().some(({ level, msg }) => level === "error" && /certificate rejected/.test(String(msg))));
    t.notMatch(JSON.stringify(sallyport.log()), "PRIVATE KEY");

    const { kind } = await sallyport.running.reload();
    t.equal(kind, "unchanged", "the policy is another matter");
    replace(secure.keyFile, next.keyFile);
    replace(secure.certFile, next.certFile);
    await until(async () => (await serialSeen(port, authority)) === serialOf(next));
    t.match(await secure.certificate(), { lastReload: { kind: "loaded", diagnostics: [] } });
  },
);

t.test("a certificate that ends within two weeks is warned of, and its end can be watched", { skip }, async (t) => {
  const end = Math.floor((Date.now() + 10.5 * DAY_MS) / 1000) * 1000;
  const door = (authority: Authority): Issued => doorCertificate(authority, { until: end });
  const secure = await start(t, { upstream: await openRecorder(t), door });
  t.match(
    secure.sallyport.log().filter(({ level }) => level === "warn"),
    [{ daysLeft: 10, file: secure.certFile }],
  );
  const left = Number(/^sallyport_certificate_expiry_seconds (\S+)$/m.exec(await secure.metrics())?.[1]);
  t.ok(left > (10 * DAY_MS) / 1000 && left < (11 * DAY_MS) / 1000, String(left));
  t.match(await secure.certificate(), { notAfter: new Date(end).toISOString() });
});

t.test("files that cannot be served stop the start, with every reason", { skip }, async (t) => {
  const authority = makeAuthority(t, "Authority of the door");
  const [one, other] = [doorCertificate(authority), doorCertificate(authority, { until: Date.now() - 1000 })];
  const shape = { upstream: "http://127.0.0.1:9", rest: ROUTES, tls: `{ cert: "${other.certFile}", key: "${one.keyFile}" }` };
  await t.rejects(startThings(t, shape), { message: /expired on [^]*is not the key of the certificate/ });
});

t.test("a connection with TLS counts as one, and gives its place back", { skip }, async (t) => {
  const secure = await start(t, { upstream: await openRecorder(t), beside: ", connections: { total: 2 }" });
  const first = await handshake(secure, {});
  const second = await handshake(secure, {});
  await t.rejects(handshake(secure, {}));
  first.destroy();
  await until(() =>
    handshake(secure, {})
      .then(
        (socket) => socket.destroy(),
        () => false,
      )
      .then(Boolean),
  );
  second.destroy();
});

t.test("a stop waits for the request under way, and not for those who never finish a handshake", { skip }, async (t) => {
  const arrived = Promise.withResolvers<() => void>();
  const upstream = await openRecorder(t, (_request, response) => arrived.resolve(() => response.end("finished")));
  const { port, authority, sallyport } = await start(t, { upstream });
  const silent = net.connect(port, "127.0.0.1");
  silent.on("error", () => {});
  const gone = once(silent, "close");
  await once(silent, "connect");
  const answer = askSecurely(port, authority, "/");
  const finish = await arrived.promise;
  const stopped = sallyport.running.stop();
  await gone;
  finish();
  t.match(await answer, { status: 200, body: Buffer.from("finished") });
  await stopped;
});
