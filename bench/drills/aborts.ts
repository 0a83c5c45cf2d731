/** `npm run drill -- aborts`: ten thousand requests whose clients leave in the middle, and what is left of them. */
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { openStage, type Stage } from "./stage.ts";

const ROUTES = "  GET /a: authenticated\n  GET /events: public\n  GET /large: public\n  POST /in: public\n";
const ROUNDS = 5;
const PER_ROUND = 2_000;
/** Clients at once. */
const CLIENTS = 50;
/** What the process may have in use beyond what it had after the first round, in which it grows to its size. */
const GROWTH_MB = 30;

/** Where a client leaves. */
interface Leaving {
  readonly what: string;
  readonly sent: string;
  /** Bytes of the answer that it reads first. */
  readonly readBytes: number;
}

const LEAVINGS: readonly Leaving[] = [
  { what: "in its head", sent: "GET /a HTTP/1.1\r\nHost: gw\r\nx-", readBytes: 0 },
  { what: "once it has asked", sent: "GET /large HTTP/1.1\r\nHost: gw\r\n\r\n", readBytes: 0 },
  { what: "in a large answer", sent: "GET /large HTTP/1.1\r\nHost: gw\r\n\r\n", readBytes: 100_000 },
  { what: "in a stream", sent: "GET /events HTTP/1.1\r\nHost: gw\r\n\r\n", readBytes: 1 },
  {
    what: "in its body",
    sent: `POST /in HTTP/1.1\r\nHost: gw\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(50_000)}`,
    readBytes: 0,
  },
  {
    what: "in a chunk",
    sent: "POST /in HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\nxxxx",
    readBytes: 0,
  },
];

/** Prints the figures; resolves with the exit code: 1 when something is left. */
export async function run(): Promise<number> {
  const stage = await openStage({ routes: ROUTES, connections: "{ perAddress: 2000 }" });
  try {
    const [socketsBefore, memoryBefore] = [stage.sockets(), Math.round(stage.gateway.residentMb())];
    console.log(`before: ${socketsBefore} sockets, ${memoryBefore} MB; clients leave ${LEAVINGS.map(({ what }) => what).join(", ")}`);
    const memory: number[] = [];
    let aborted = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      aborted += await abortMany(stage.port);
      await settled(stage, socketsBefore);
      memory.push(Math.round(stage.gateway.residentMb()));
      console.log(`after ${aborted} aborted requests: ${stage.sockets()} sockets, ${memory.at(-1)} MB`);
    }
    return (await report(stage, socketsBefore, memory)) && aborted === ROUNDS * PER_ROUND ? 0 : 1;
  } finally {
    await stage.close();
  }
}

async function report(stage: Stage, socketsBefore: number, memory: readonly number[]): Promise<boolean> {
  const left = stage.sockets() - socketsBefore;
  const open = await stage.upstream.open();
  const grownMb = (memory.at(-1) ?? 0) - (memory.at(0) ?? 0);
  console.log(
    `sockets left: ${left}; streams left at the upstream: ${open}; memory since the first round: ${grownMb} MB (bound ${GROWTH_MB} MB)`,
  );
  return left <= 0 && open === 0 && grownMb <= GROWTH_MB;
}

/** Resolves with how many clients left as they were to. */
async function abortMany(port: number): Promise<number> {
  let [begun, left] = [0, 0];
  const client = async (): Promise<void> => {
    for (let number = ++begun; number <= PER_ROUND; number = ++begun) {
      const hasLeft = await abort(port, LEAVINGS.at(number % LEAVINGS.length) as Leaving, number % 2 === 0);
      if (hasLeft) left += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return left;
}

/** Leaves with a reset, or as a program does that just ends; resolves with whether it came so far. */
function abort(port: number, { sent, readBytes }: Leaving, withReset: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let hasLeft = false;
    const leave = (): void => {
      hasLeft = true;
      if (withReset) socket.resetAndDestroy();
      else socket.destroy();
    };
    let read = 0;
    socket.on("data", (data) => {
      read += data.length;
      if (read >= readBytes) leave();
    });
    socket.once("connect", () => socket.write(sent, () => readBytes === 0 && leave()));
    socket.on("error", () => {}).once("close", () => resolve(hasLeft));
  });
}

/** Resolves when the gateway has let go of all, or when it has had more time than its time-outs. */
async function settled(stage: Stage, socketsBefore: number): Promise<void> {
  for (let tries = 0; tries < 50 && stage.sockets() > socketsBefore; tries++) await pause(200);
}
