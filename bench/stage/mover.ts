/** A program that moves one large body over one connection, down or up, and prints how long that took. */
import { connect } from "node:net";
import type { MoverAnswer, MoverOptions } from "./moved.ts";

const { port, request, direction, bytes } = JSON.parse(process.argv[2] ?? "") as MoverOptions;
const chunk = Buffer.alloc(256 * 1024, "x");
const buffer = Buffer.alloc(1024 * 1024);
let startedAt = 0;
let head = "";
let taken = 0;
let sent = 0;

const socket = connect({ host: "127.0.0.1", port, noDelay: true, onread: { buffer, callback: take } });
socket.once("connect", () => {
  startedAt = performance.now();
  socket.write(request, "latin1");
  if (direction === "up") push();
});
socket.on("drain", () => direction === "up" && push());
socket.once("close", () => fail("the connection was closed too early"));

function push(): void {
  for (let goesOn = true; goesOn && sent < bytes;) {
    const part = chunk.subarray(0, Math.min(chunk.length, bytes - sent));
    sent += part.length;
    goesOn = socket.write(part);
  }
}

function take(count: number): boolean {
  if (head === "") head = headIn(buffer);
  taken += count;
  if (direction === "up" && sent < bytes) fail("the answer came before the body was sent");
  if (direction === "up" || taken === bytes + head.length) finish();
  return true;
}

function headIn(first: Buffer): string {
  const text = first.toString("latin1", 0, first.indexOf("\r\n\r\n") + 4);
  if (!text.startsWith("HTTP/1.1 200 ")) fail(`the answer is ${text}`);
  return text;
}

function finish(): void {
  const answer: MoverAnswer = { ms: performance.now() - startedAt };
  socket.removeAllListeners("close");
  process.stdout.write(JSON.stringify(answer), () => process.exit());
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
