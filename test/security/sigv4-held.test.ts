/** Bodies that are held before their signature can be checked: how much memory they may take, and when it is given back. */
import { subscribe } from "node:diagnostics_channel";
import { connect, type Socket } from "node:net";
import t, { type Test } from "tap";
import { sign } from "../authenticate/fixtures/sigv4-signer.ts";
import { VECTOR_NOW } from "../authenticate/fixtures/sigv4-vectors.ts";
import { until } from "../journey/things.ts";
import { bufferBytes, heapBytes } from "./heap.ts";
import { bytesOf, HOST, SIGNER, startSigV4, type SigV4Fixture } from "./sigv4-fixture.ts";

const BODY_BYTES = 8 * 1024 ** 2;
const BODY = "x".repeat(BODY_BYTES);
/** As docs/credentials/sigv4.md says: of all addresses, and of one. */
const MOST_BODIES = (64 * 1024 ** 2) / BODY_BYTES;
const MOST_OF_ADDRESS = MOST_BODIES / 4;

const WHOLE = bytesOf(sign({ method: "POST", target: "/large/a", headers: [HOST], body: BODY, at: VECTOR_NOW }, SIGNER));

interface Client {
  readonly socket: Socket;
  /** What it was answered so far. */
  readonly answer: () => string;
}

/** Sends from an address of loopback. */
function sendFrom(t: Test, { sallyport }: SigV4Fixture, host: number, bytes: string): Client {
  let got = "";
  const port = sallyport.running.ports.gateway;
  const socket = connect({ port, host: "127.0.0.1", localAddress: `127.0.0.${host}` }, () => socket.write(bytes));
  socket.on("data", (data) => (got += String(data))).on("error", () => {});
  t.teardown(() => socket.destroy());
  return { socket, answer: () => got };
}

/** The server's ends of all connections, by the client's address and port. */
const ends = new Map<string, Socket>();
subscribe("net.server.socket", (message) => {
  const { socket } = message as { readonly socket: Socket };
  ends.set(`${socket.remoteAddress} ${socket.remotePort}`, socket);
});

/** Resolves when the gateway has read so many bytes of it. */
async function isRead({ socket }: Client, bytes: number): Promise<void> {
  await until(() => ends.get(`${socket.localAddress} ${socket.localPort}`)?.bytesRead === bytes);
}

/** All of the body but its last byte: it is held, and waits. */
async function holdFrom(t: Test, fixture: SigV4Fixture, host: number): Promise<Client> {
  const client = sendFrom(t, fixture, host, WHOLE.slice(0, -1));
  await isRead(client, WHOLE.length - 1);
  return client;
}

/** Sends the whole; resolves with the status line. */
async function statusFrom(t: Test, fixture: SigV4Fixture, host: number): Promise<string> {
  const { answer } = sendFrom(t, fixture, host, WHOLE);
  await until(() => answer().includes("\r\n\r\n"));
  return answer().slice("HTTP/1.1 ".length, "HTTP/1.1 200".length);
}

t.test("S6 X1 bodies that are held take no more memory together than is said, nor does one address take it all", async (t) => {
  const fixture = await startSigV4(t, { hold: "16MB" });
  const clients: Client[] = [];
  for (let count = 0; count < MOST_OF_ADDRESS; count += 1) clients.push(await holdFrom(t, fixture, 1));
  t.equal(await statusFrom(t, fixture, 1), "503", "the address has its share");
  t.match(fixture.sallyport.log().at(-1), { code: "AUTH_UNAVAILABLE", reason: /holdBody/ });
  for (let count = MOST_OF_ADDRESS; count < MOST_BODIES; count += 1)
    clients.push(await holdFrom(t, fixture, 1 + Math.floor(count / MOST_OF_ADDRESS)));
  t.equal(await statusFrom(t, fixture, 99), "503", "and here everybody has");
  t.same(
    clients.map(({ answer }) => answer()),
    clients.map(() => ""),
    "those that were there first go on",
  );
  fixture.witness.take();
  clients[0]!.socket.write("x");
  await until(() => clients[0]!.answer() !== "");
  t.match(clients[0]!.answer(), /^HTTP\/1\.1 200 /);
  t.equal(fixture.witness.take()[0]?.body.length, BODY_BYTES);
  await until(async () => (await statusFrom(t, fixture, 99)) === "200");
  clients[1]!.socket.destroy();
  await until(async () => (await statusFrom(t, fixture, 1)) === "200");
});

t.test("S6 X1 a body that fills all that may be held gives it back when it has gone on", async (t) => {
  const fixture = await startSigV4(t, { hold: "8MB" });
  for (let count = 0; count < 2 * MOST_OF_ADDRESS; count += 1) t.equal(await statusFrom(t, fixture, 1), "200", `body ${count + 1}`);
});

t.test("S6 X1 a body that is held costs its bytes, in however many pieces it comes", async (t) => {
  const fixture = await startSigV4(t, { hold: "1MB" });
  const pieces = 200_000;
  const draft = { method: "POST", target: "/large/a", headers: [HOST, ["Transfer-Encoding", "chunked"]] as const, at: VECTOR_NOW };
  const head = bytesOf({ ...sign({ ...draft, body: "x".repeat(pieces) }, SIGNER), body: "" });
  const bytes = head + "1\r\nx\r\n".repeat(pieces);
  const before = heapBytes() + bufferBytes();
  const client = sendFrom(t, fixture, 1, bytes);
  await isRead(client, bytes.length);
  const grownMb = (heapBytes() + bufferBytes() - before) / 1024 ** 2;
  t.ok(grownMb < 10, `${pieces} pieces of one byte take ${grownMb.toFixed(1)} MB`);
  client.socket.write("0\r\n\r\n");
  await until(() => client.answer() !== "");
  t.match(client.answer(), /^HTTP\/1\.1 200 /);
});

/* ── time that passes while a body is held ────────────────────────────── */

const SMALL = { method: "POST", target: "/a", headers: [HOST], body: "x".repeat(50) } as const;

/** All of it but its last byte, which `socket` is to send. */
async function holdSmall(t: Test, fixture: SigV4Fixture, target = "/a"): Promise<Client> {
  const whole = bytesOf(sign({ ...SMALL, target, at: fixture.clock.now }, SIGNER));
  const client = sendFrom(t, fixture, 1, whole.slice(0, -1));
  await isRead(client, whole.length - 1);
  return client;
}

async function statusOf({ socket, answer }: Client): Promise<string> {
  socket.write("x");
  await until(() => answer().includes("\r\n\r\n"));
  return answer().slice("HTTP/1.1 ".length, "HTTP/1.1 200".length);
}

t.test("S1 S7 a key that ends, and a signature that gets old, while the body is held count no more when it is there", async (t) => {
  const fixture = await startSigV4(t, { hold: "1MB" });
  const kept = await holdSmall(t, fixture);
  t.equal(await statusOf(kept), "200");
  const old = await holdSmall(t, fixture);
  fixture.clock.now += 16 * 60_000;
  t.equal(await statusOf(old), "401", "signed sixteen minutes ago");
  fixture.store.expireKey("things", SIGNER.id, fixture.clock.now + 1_000);
  const ended = await holdSmall(t, fixture);
  fixture.clock.now += 2_000;
  t.equal(await statusOf(ended), "401", "the key has ended");
  t.equal(fixture.witness.take().length, 1);
});

t.test("R1 a request whose body was held counts when it goes on, and not when it came", async (t) => {
  const fixture = await startSigV4(t, { hold: "1MB" });
  const held: Client[] = [];
  for (let minute = 0; minute < 3; minute++) {
    for (let count = 0; count < 3; count++) held.push(await holdSmall(t, fixture, "/counted/a"));
    fixture.clock.now += 60_001;
  }
  const statuses: string[] = [];
  for (const client of held) statuses.push(await statusOf(client));
  t.same(statuses, ["200", "200", "200", ...Array.from({ length: 6 }, () => "429")]);
});

t.test("X2 nobody's key takes up memory for bodies: such a request is refused before any of it is held", async (t) => {
  const fixture = await startSigV4(t, { hold: "8MB" });
  const unknown = bytesOf(sign({ ...SMALL, at: fixture.clock.now }, { ...SIGNER, id: "AKIAAAAAAAAAAAAAAAAA" }));
  const { answer } = sendFrom(t, fixture, 2, unknown.slice(0, -1));
  await until(() => answer().includes("\r\n\r\n"));
  t.match(answer(), /^HTTP\/1\.1 401 /);
});
