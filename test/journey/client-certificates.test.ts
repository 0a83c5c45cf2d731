/** Clients that prove themselves by a certificate: which account it stands for, and for how long. Needs the `openssl` command. */
import { once } from "node:events";
import { copyFileSync, renameSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { Agent } from "node:https";
import { join } from "node:path";
import tls from "node:tls";
import t, { type Test } from "tap";
import { WebSocket, WebSocketServer } from "ws";
import type { Account } from "../../src/contract/caller.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { hasOpenssl } from "../forward/certificates.ts";
import { listen, type Answer } from "../forward/harness.ts";
import { writeFolder } from "./child.ts";
import { startUpstream, type RecordingUpstream } from "./recording-upstream.ts";
import { AUTHENTICATORS, startThings, thingsFiles, until, type Things } from "./things.ts";
import { askSecurely, towards, type SecureAsk } from "./tls-client.ts";
import { doorCertificate, makeAuthority, type Authority, type Issued } from "./tls-files.ts";

const skip = hasOpenssl() ? false : "the `openssl` command is missing: client certificates are NOT tested";
const DAY_MS = 86_400_000;

const authenticators = (subject: string): string => `${AUTHENTICATORS.replace('owner: ["*"]', "reader: [things.read], owner: ['*']")}
  devices:
    mtls: { subject: ${subject} }
    tenant: account
`;
const ROUTES = `
tenant: { path: tenant }
routes:
  GET /open: public
  GET /of/{tenant}: things.read
  PUT /of/{tenant}: things.write
  GET /of/{tenant}/live: { access: things.read, websocket: true }
  GET /machines: { access: things.read, authenticators: [machines], tenant: unchecked }
`;
/** Reads no certificates. */
const OTHERS = `version: 1
service: others
prefix: /others
upstream: { url: "UPSTREAM" }
authenticators:
  machines:
    jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", use: access, caller: machine, clients: any }
    scopes: { things/all: ["*"] }
routes:
  GET /: authenticated
`;

interface Setting extends Things {
  readonly door: Authority;
  readonly clients: Authority;
  readonly clientCa: string;
  readonly ask: (path: string, options?: SecureAsk) => Promise<Answer & { readonly code: string | undefined }>;
  readonly account: (id: string, more?: Partial<Account>) => void;
  readonly change: (id: string, change: { role?: string; tenant?: string; enabled?: boolean }) => void;
}

interface Shape {
  readonly upstream: Pick<RecordingUpstream, "url">;
  readonly mode?: "request" | "require";
  readonly subject?: string;
  readonly now?: () => number;
  readonly watchMs?: number;
}

async function start(t: Test, { upstream, mode = "request", subject = "commonName", ...options }: Shape): Promise<Setting> {
  const [door, clients] = [makeAuthority(t, "Authority of the door"), makeAuthority(t, "Authority of the clients")];
  const { certFile, keyFile } = doorCertificate(door);
  const clientCa = join(writeFolder(t, { "clients.crt": clients.cert }), "clients.crt");
  const files = `{ cert: "${certFile}", key: "${keyFile}", clientCa: "${clientCa}", clientCertificates: ${mode} }`;
  const shape = { upstream: upstream.url, rest: ROUTES, authenticators: authenticators(subject), tls: files };
  const made = thingsFiles(shape);
  const policy = {
    ...made,
    "sallyport.yaml": made["sallyport.yaml"]!.replace("services/things.yaml", "services/*.yaml"),
    "services/others.yaml": OTHERS.replace("UPSTREAM", upstream.url),
  };
  const things = await startThings(t, shape, { files: policy, ...options });
  const store = openSqliteKeys(things.sallyport.keyStore, { side: "command", create: true });
  t.teardown(() => store.close());
  return {
    ...things,
    door,
    clients,
    clientCa,
    ask: async (path, asked) => {
      const answer = await askSecurely(things.port, door, path, asked);
      return { ...answer, code: codeIn(answer.body) };
    },
    account: (id, more = {}) =>
      void store.createAccount({ service: "things", id, kind: "service", role: "reader", tenant: "acme", enabled: true, ...more }),
    change: (id, change) => void store.changeAccount("things", id, change),
  };
}

function codeIn(body: Buffer): string | undefined {
  return (JSON.parse(body.toString()) as { code?: string }).code;
}

/** A fresh agent that keeps one connection. */
function oneConnection(t: Test): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  return agent;
}

t.test("a certificate stands for the account that it names: its role, its tenant, its state", { skip }, async (t) => {
  const upstream = await startUpstream(t);
  const { ask, account, change, clients } = await start(t, { upstream });
  account("meter-7");
  const as = clients.issue({ subject: "/O=Example/CN=meter-7" });
  const agent = oneConnection(t);
  t.equal((await ask("/of/acme", { as, agent })).status, 200);
  const [{ headers } = { headers: {} }] = upstream.take();
  t.match(headers, { "x-auth-subject": "meter-7", "x-auth-kind": "key", "x-auth-tenant": "acme", "x-auth-permissions": "things.read" });
  t.match(await ask("/of/other", { as, agent }), { status: 403, code: "TENANT_MISMATCH" });
  t.match(await ask("/of/acme", { as, agent, method: "PUT" }), { status: 403, code: "INSUFFICIENT_ROLE" });
  change("meter-7", { role: "owner" });
  t.equal((await ask("/of/acme", { as, agent, method: "PUT" })).status, 200, "the very next request on the same connection");
  change("meter-7", { enabled: false });
  const refused = await ask("/of/acme", { as, agent });
  t.match(refused, { status: 401, code: "TOKEN_INVALID" });
  t.match(refused.headers["www-authenticate"], /ClientCertificate/);
  t.match(await ask("/machines", { as, agent }), { status: 401 });
  change("meter-7", { enabled: true });
  t.match(await ask("/machines", { as, agent }), { status: 403, code: "WRONG_TOKEN_TYPE" }, "it does not count there");
  t.equal(upstream.take().length, 1);
});

t.test("without a certificate, or with one that is not good, nobody is let in", { skip }, async (t) => {
  const upstream = await startUpstream(t);
  const { ask, account, clients, door, sallyport } = await start(t, { upstream });
  account("meter-7");
  const stranger = makeAuthority(t, "Authority of the clients");
  const subject = "/CN=meter-7";
  const bad: Readonly<Record<string, Issued>> = {
    "of another authority with the same name": stranger.issue({ subject }),
    "of the door's own authority": door.issue({ subject }),
    "the authority's own": clients,
    "that has expired": clients.issue({ subject, from: Date.now() - 2 * DAY_MS, until: Date.now() - 1000 }),
    "that is not valid yet": clients.issue({ subject, from: Date.now() + DAY_MS, until: Date.now() + 2 * DAY_MS }),
    "for servers": clients.issue({ subject, usage: "serverAuth" }),
    "of no account": clients.issue({ subject: "/CN=meter-8" }),
    "of the account in another case": clients.issue({ subject: "/CN=Meter-7" }),
    "with two names": clients.issue({ subject: "/CN=meter-7/CN=meter-8" }),
    "without a name": clients.issue({ subject: "/O=meter-7" }),
    "with the name elsewhere": clients.issue({ subject: "/O=x", names: "DNS:meter-7" }),
    "with the name inside another": clients.issue({ subject: "/O=x\\nCN=meter-7" }),
  };
  t.match(await ask("/of/acme"), { status: 401, code: "TOKEN_MISSING" });
  for (const [what, as] of Object.entries(bad)) {
    const answer = await ask("/of/acme", { as });
    t.match(answer, { status: 401, code: "TOKEN_INVALID" }, what);
    t.match(sallyport.decision(String(answer.headers["x-decision-id"])), { reason: /certificate/ });
  }
  t.same(upstream.seen, []);
  t.equal((await ask("/open", { as: bad["for servers"]! })).status, 200, "a public route reads none");
});

t.test("with `require`, no handshake succeeds without a good certificate", { skip }, async (t) => {
  const upstream = await startUpstream(t);
  const { ask, account, clients, sallyport } = await start(t, { upstream, mode: "require" });
  account("meter-7");
  await t.rejects(ask("/open"));
  await t.rejects(ask("/open", { as: makeAuthority(t, "Another").issue({ subject: "/CN=meter-7" }) }));
  await t.rejects(ask("/open", { as: clients.issue({ subject: "/CN=meter-7", until: Date.now() - 1000 }) }));
  t.same(upstream.seen, []);
  t.equal((await ask("/of/acme", { as: clients.issue({ subject: "/CN=meter-7" }) })).status, 200);
  const failed = () => sallyport.log().filter(({ msg, reason }) => msg === "TLS handshake failed" && reason === "certificate");
  await until(() => failed().length === 3);
});

t.test("the field that the policy names is the one that counts", { skip }, async (t) => {
  const upstream = await startUpstream(t);
  const cases = [
    ["dnsName", "meter-7.example.com", "DNS:meter-7.example.com"],
    ["email", "meter7@example.com", "email:meter7@example.com"],
    ["uri", "spiffe://example.com/meter/7", "URI:spiffe://example.com/meter/7"],
  ] as const;
  for (const [subject, id, names] of cases) {
    const { ask, account, clients } = await start(t, { upstream, subject });
    account(id);
    t.equal((await ask("/of/acme", { as: clients.issue({ subject: "/CN=x", names }) })).status, 200, subject);
    t.equal((await ask("/of/acme", { as: clients.issue({ subject: `/CN=${id.replaceAll("/", "\\/")}` }) })).status, 401);
    t.equal((await ask("/of/acme", { as: clients.issue({ subject: "/CN=x", names: `${names},${names}x` }) })).status, 401);
    t.equal(upstream.take()[0]?.headers["x-auth-subject"], id);
  }
});

t.test("beside another credential a certificate is ambiguous, where the service reads certificates", { skip }, async (t) => {
  const upstream = await startUpstream(t);
  const { ask, account, clients, bearer } = await start(t, { upstream });
  account("meter-7");
  const as = clients.issue({ subject: "/CN=meter-7" });
  t.match(await ask("/of/acme", { as, headers: bearer }), { status: 400, code: "CREDENTIALS_AMBIGUOUS" });
  t.match(await ask("/of/acme", { as, headers: { "x-api-key": "x" } }), { status: 400, code: "CREDENTIALS_AMBIGUOUS" });
  t.same(upstream.seen, []);
  t.equal((await ask("/of/acme", { headers: bearer })).status, 200, "the token alone");
  t.equal((await ask("/others/", { as, headers: bearer })).status, 200, "a service that reads none");
  t.match(await ask("/others/", { as }), { status: 401, code: "TOKEN_MISSING" });
});

t.test("a resumed session proves no more than the one that it resumes", { skip }, async (t) => {
  const upstream = await startUpstream(t);
  const { ask, account, clients, door, port, change } = await start(t, { upstream });
  account("meter-7");
  const as = clients.issue({ subject: "/CN=meter-7" });
  const resume = (session: Buffer, own?: Issued) => ask("/of/acme", { session, ...(own && { as: own }) });
  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    const nobody = await sessionOf(tls.connect({ ...towards(port, door), maxVersion }));
    t.match(await resume(nobody), { status: 401, code: "TOKEN_MISSING" }, maxVersion);
    t.match((await resume(nobody, as)).status, /200|401/, "resumed or not, nobody else is let in");
    const known = await sessionOf(tls.connect({ ...towards(port, door, as), maxVersion }));
    change("meter-7", { enabled: false });
    t.equal((await resume(known)).status, 401);
    change("meter-7", { enabled: true });
  }
});

/** The session that a connection may be resumed with. */
async function sessionOf(socket: tls.TLSSocket): Promise<Buffer> {
  const session = once(socket, "session") as Promise<[Buffer]>;
  socket.on("secureConnect", () => socket.write("GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const [made] = await session;
  socket.destroy();
  return made;
}

/** An upstream that takes every WebSocket; the function returned ends them. */
function acceptSockets(server: Server): () => void {
  const sockets = new WebSocketServer({ server });
  return () => sockets.close();
}

t.test("a connection does not outlive its certificate: not for requests, not for a WebSocket", { skip }, async (t) => {
  const server = createServer((_request, response) => response.end("{}"));
  t.teardown(acceptSockets(server));
  let aheadMs = 0;
  const now = (): number => Date.now() + aheadMs;
  const { ask, account, clients, door, port } = await start(t, { upstream: { url: `http://127.0.0.1:${await listen(t, server)}` }, now });
  account("meter-7");
  const as = clients.issue({ subject: "/CN=meter-7", until: Date.now() + DAY_MS });
  const agent = oneConnection(t);
  t.equal((await ask("/of/acme", { as, agent })).status, 200);
  const socket = new WebSocket(`wss://localhost:${port}/of/acme/live`, { ca: door.cert, cert: as.cert, key: as.key });
  await once(socket, "open");
  aheadMs = DAY_MS + 1000;
  t.match(await ask("/of/acme", { as, agent }), { status: 401, code: "TOKEN_INVALID" });
  t.equal((await once(socket, "close"))[0], 1008);
});

t.test("a WebSocket goes on while its account does, and ends with it", { skip }, async (t) => {
  const server = createServer();
  t.teardown(acceptSockets(server));
  const { account, change, clients, door, port } = await start(t, { upstream: { url: `http://127.0.0.1:${await listen(t, server)}` } });
  account("meter-7");
  const as = clients.issue({ subject: "/CN=meter-7" });
  const socket = new WebSocket(`wss://localhost:${port}/of/acme/live`, { ca: door.cert, cert: as.cert, key: as.key });
  await once(socket, "open");
  const ended = once(socket, "close");
  await new Promise((resolve) => setTimeout(resolve, 5_500));
  t.equal(socket.readyState, WebSocket.OPEN, "the store was asked, and has no fault to find");
  change("meter-7", { enabled: false });
  t.equal((await ended)[0], 1008);
});

t.test("with other authorities, connections are made anew, and certificates of the old ones no longer count", { skip }, async (t) => {
  const upstream = await startUpstream(t);
  const { ask, account, clients, clientCa } = await start(t, { upstream, watchMs: 20 });
  account("meter-7");
  const [as, agent] = [clients.issue({ subject: "/CN=meter-7" }), oneConnection(t)];
  t.equal((await ask("/of/acme", { as, agent })).status, 200);
  const successor = makeAuthority(t, "Successor");
  copyFileSync(successor.certFile, `${clientCa}.new`);
  renameSync(`${clientCa}.new`, clientCa);
  await until(async () => (await ask("/of/acme", { as })).status === 401);
  t.match(await ask("/of/acme", { as, agent }), { status: 401, code: "TOKEN_INVALID" }, "not even on a connection that was proved before");
  t.equal((await ask("/of/acme", { as: successor.issue({ subject: "/CN=meter-7" }) })).status, 200);
});
