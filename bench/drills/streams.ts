/** `npm run drill -- streams`: how soon WebSockets and event streams end once their credential has, and what is left of them. */
import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";
import { openStage, type Stage } from "./stage.ts";

/** Of each kind. */
const COUNT = 200;
const ROUTES = "  GET /events: authenticated\n  GET /live: { access: authenticated, websocket: true }\n";
/** What docs/operations.md promises, and a second for a machine that is busy. */
const LATEST_MS = { revoked: 4_000, expired: 3_000 };
/** Long enough to open them all. */
const TOKEN_SECONDS = 12;

/** Prints the figures; resolves with the exit code: 1 when a bound is broken. */
export async function run(): Promise<number> {
  const stage = await openStage({ routes: ROUTES, connections: "{ perAddress: 5000 }" });
  try {
    console.log(`${COUNT} WebSockets and ${COUNT} event streams each; times from the end of the credential to the end of the connection`);
    const before = stage.sockets();
    const key = stage.newKey("robot");
    const revoked = await drill(stage, { "x-api-key": key.key }, async () => {
      stage.revoke(key.id);
      return performance.now();
    });
    const issuedAt = Date.now();
    const token = { authorization: `Bearer ${stage.token(TOKEN_SECONDS)}` };
    const expiresInMs = (Math.floor(issuedAt / 1000) + TOKEN_SECONDS) * 1000 - Date.now();
    const expiresAt = performance.now() + expiresInMs;
    const expired = await drill(stage, token, () => Promise.resolve(expiresAt));
    await pause(4_000);
    const left = stage.sockets() - before;
    const open = await stage.upstream.open();
    console.log(`sockets left at the gateway: ${left}; streams left at the upstream: ${open}`);
    const holds = [report("key revoked", revoked, LATEST_MS.revoked), report("token expired", expired, LATEST_MS.expired)];
    return holds.every(Boolean) && left <= 0 && open === 0 ? 0 : 1;
  } finally {
    await stage.close();
  }
}

interface Open {
  /** Resolves with the instant at which it closes. */
  readonly closed: Promise<number>;
}

type Headers = Readonly<Record<string, string>>;

/** Opens everything, ends the credential, and resolves with how long after that each connection closed. */
async function drill({ port }: Stage, headers: Headers, end: () => Promise<number>): Promise<readonly number[]> {
  const opened: Promise<Open>[] = [];
  for (let count = 0; count < COUNT; count++) opened.push(openSocket(port, headers), openEvents(port, headers));
  const open = await Promise.all(opened);
  // Past the first look, which spares whatever is short.
  await pause(2_500);
  const endedAt = await end();
  const closedAt = await Promise.all(open.map(({ closed }) => closed));
  return closedAt.map((at) => at - endedAt).toSorted((left, right) => left - right);
}

/** Resolves when it is open. */
async function openSocket(port: number, headers: Headers): Promise<Open> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/live`, { headers });
  const closed = new Promise<number>((resolve) => socket.once("close", () => resolve(performance.now())));
  await new Promise<void>((resolve, reject) => socket.once("open", resolve).once("error", reject));
  return { closed };
}

async function openEvents(port: number, headers: Headers): Promise<Open> {
  const sent = request({ host: "127.0.0.1", port, path: "/events", headers, agent: false }).end();
  return new Promise((resolve, reject) => {
    sent.once("error", reject).once("response", (response) => {
      const closed = new Promise<number>((done) => response.on("error", () => {}).once("close", () => done(performance.now())));
      response.once("data", () => resolve({ closed }));
    });
  });
}

function report(what: string, times: readonly number[], latestMs: number): boolean {
  const [first, middle, last] = [times[0] ?? 0, times[Math.floor(times.length / 2)] ?? 0, times.at(-1) ?? 0];
  const holds = last <= latestMs;
  const verdict = holds ? "holds" : "BROKEN";
  console.log(`${what.padEnd(14)} min ${ms(first)}  median ${ms(middle)}  max ${ms(last)}  bound ${ms(latestMs)}  ${verdict}`);
  return holds;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
