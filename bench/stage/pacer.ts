/**
 * A program that asks at a given rate, however long the answers take, and prints how long they took. A request counts from when
 * it is written, or, where all connections are taken, from when it was due.
 */
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { quantile } from "../report/figures.ts";
import type { ClockOptions } from "./pacer-clock.ts";
import type { PacerAnswer, PacerOptions } from "./paced.ts";

const options = JSON.parse(process.argv[2] ?? "") as PacerOptions;
const request = Buffer.from(options.request, "latin1");
const due = new Int32Array(new SharedArrayBuffer(4));
const tookMs = new Float64Array(Math.ceil(options.rate * options.seconds * 2) + 1_000);
const LAST_ANSWERS_MS = 1_000;

interface Line {
  readonly socket: Socket;
  askedAt: number;
}

const free = await Promise.all(Array.from({ length: options.connections }, open));
const waiting: number[] = [];
let [asked, answered, wrong] = [0, 0, 0];
const countedFrom = performance.now() + options.warmUpSeconds * 1000;
const countedTo = countedFrom + options.seconds * 1000;
const clock: ClockOptions = { rate: options.rate, seconds: options.warmUpSeconds + options.seconds, seed: options.seed, due };
new Worker(new URL("./pacer-clock.ts", import.meta.url), { workerData: clock })
  .on("message", askWhatIsDue)
  .once("exit", () => setTimeout(finish, LAST_ANSWERS_MS));

function open(): Promise<Line> {
  const buffer = Buffer.alloc(16_384);
  return new Promise((resolve, reject) => {
    const callback = (bytes: number): boolean => take(line, buffer.toString("latin1", 0, bytes));
    const socket = connect({ host: "127.0.0.1", port: options.port, noDelay: true, onread: { buffer, callback } });
    const line: Line = { socket, askedAt: 0 };
    socket.once("connect", () => resolve(line)).once("error", reject);
  });
}

function askWhatIsDue(): void {
  for (const now = performance.now(); asked < Atomics.load(due, 0); asked++) {
    const line = free.pop();
    if (line === undefined) waiting.push(now);
    else askOn(line, now);
  }
}

function askOn(line: Line, askedAt: number): void {
  line.askedAt = askedAt;
  line.socket.write(request);
}

function take(line: Line, answer: string): boolean {
  const now = performance.now();
  if (!isWhole(answer)) throw new Error(`an answer that is in pieces, or does not say how long it is:\n${answer}`);
  if (!answer.startsWith(`HTTP/1.1 ${options.status} `)) wrong++;
  if (line.askedAt >= countedFrom && line.askedAt < countedTo) tookMs[answered++] = now - line.askedAt;
  const next = waiting.shift();
  if (next === undefined) free.push(line);
  else askOn(line, next);
  askWhatIsDue();
  return true;
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf("\r\n\r\n");
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer)?.[1];
  return end > 0 && length !== undefined && answer.length === end + 4 + Number(length);
}

function finish(): void {
  const sorted = tookMs.subarray(0, answered).toSorted();
  const [p50 = 0, p99 = 0, p999 = 0] = [0.5, 0.99, 0.999].map((share) => quantile(sorted, share));
  const answer: PacerAnswer = { perSecond: answered / options.seconds, p50, p99, p999, wrong };
  process.stdout.write(JSON.stringify(answer), () => process.exit());
}
