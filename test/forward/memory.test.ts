/** Memory that is used again, or given back early: nobody reads a byte of what was somebody else's. */
import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import t, { type Test } from "tap";
import { dial } from "../security/live-gate.ts";
import { listen, openGateway } from "./harness.ts";

/** The last is more than the systems on the way hold. */
const LENGTHS = [100, 20_000, 70_000, 400_000, 16_000_000];
const ROUNDS = 3;
const CLIENTS = 24;

const lengthOf = (id: number): number => LENGTHS[id % LENGTHS.length]!;

/** Bytes that tell whose they are, wherever they are cut. */
function bytesOf(id: number, length = lengthOf(id)): Buffer {
  return Buffer.alloc(length, `<${String(id).padStart(6, "0")}>`);
}

/** Answers each id with its own bytes, by length or in chunks; what is sent to it must be its own too. */
async function openUpstream(t: Test, wrong: string[]): Promise<string> {
  const server = http.createServer((request, response) => {
    const id = Number(request.url?.slice(1));
    if (request.method === "POST") {
      void receive(request, id, response, wrong);
      return;
    }
    const body = bytesOf(id);
    if (id % 2 === 0) response.setHeader("content-length", body.length);
    const step = id % 3 === 0 ? 5_000 : body.length;
    for (let at = 0; at < body.length; at += step) response.write(body.subarray(at, at + step));
    response.end();
  });
  return `http://127.0.0.1:${await listen(t, server)}`;
}

/** Slowly, now and then. */
async function receive(request: http.IncomingMessage, id: number, response: http.ServerResponse, wrong: string[]): Promise<void> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      if (id % 2 === 0) await pause(2);
    }
  } catch {
    return;
  }
  if (!Buffer.concat(chunks).equals(bytesOf(id))) wrong.push(`what was sent as ${id}`);
  response.end("received");
}

/** Reads at its own pace, and leaves early now and then. */
function download(port: number, id: number, wrong: string[]): Promise<void> {
  return new Promise((resolve) => {
    const request = http.get({ port, host: "127.0.0.1", path: `/${id}`, agent: false }, async (response) => {
      const chunks: Buffer[] = [];
      const leavesAt = id % 7 === 0 ? lengthOf(id) / 2 : Infinity;
      let length = 0;
      for await (const chunk of response as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        length += chunk.length;
        if (length > leavesAt) break;
        if (id % 5 > 2) await pause(3);
      }
      const got = Buffer.concat(chunks);
      if (!got.equals(bytesOf(id).subarray(0, got.length)) || (leavesAt === Infinity && got.length !== lengthOf(id)))
        wrong.push(`what ${id} read`);
      resolve();
    });
    request.on("error", () => resolve());
  });
}

function upload(port: number, id: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = id % 2 === 0 ? { "content-length": lengthOf(id) } : { "transfer-encoding": "chunked" };
    const request = http.request({ port, host: "127.0.0.1", path: `/${id}`, method: "POST", agent: false, headers }, (response) => {
      response.resume().on("end", resolve);
    });
    request.on("error", reject).end(bytesOf(id));
  });
}

/** Both answers are under way at once, and the second waits for the first. */
async function pipelined(t: Test, port: number, ids: readonly number[], wrong: string[]): Promise<void> {
  const socket = dial(t, port);
  const chunks: Buffer[] = [];
  socket.write(ids.map((id) => `GET /${id} HTTP/1.1\r\nHost: gw\r\n${id === ids.at(-1) ? "Connection: close\r\n" : ""}\r\n`).join(""));
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    await pause(1);
  }
  const found =
    Buffer.concat(chunks)
      .toString("latin1")
      .match(/<\d{6}>/g) ?? [];
  const counts = ids.map((id) => found.filter((mark) => mark === `<${String(id).padStart(6, "0")}>`).length);
  const order = [...new Set(found)].map((mark) => Number(mark.slice(1, -1)));
  if (order.join() !== ids.join() || counts.some((count, index) => count < Math.floor(lengthOf(ids[index]!) / 8) - 1_000))
    wrong.push(`what came for ${ids.join()}: ${order.join()}, ${counts.join()} times`);
}

t.test("long bodies, both ways and many at once, are each their own, whoever is slow or leaves", async (t) => {
  const wrong: string[] = [];
  const gateway = await openGateway(t, { origin: await openUpstream(t, wrong) });
  let id = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const others = Array.from({ length: CLIENTS }, (_, index) =>
      index % 3 === 0 ? upload(gateway.port, ++id) : download(gateway.port, ++id, wrong),
    );
    const behind = [0, 10, 20].map((start) =>
      pipelined(
        t,
        gateway.port,
        [start + 1, start + 2, start + 3].map((one) => 1_000 + 10 * one + 8),
        wrong,
      ),
    );
    await Promise.all([...others, ...behind]);
  }
  t.same(wrong, []);
});
