/** Runs in a thread of its own: sends forged tokens at a fixed rate, so that the flood's own work is not the gateway's. */
import { randomUUID } from "node:crypto";
import { Agent } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { ask } from "./jwks-stage.ts";

export interface Flood {
  readonly port: number;
  readonly count: number;
  readonly perSecond: number;
  /** A token whose payload is used under another header and signature. */
  readonly token: string;
  /** Of every token; undefined: each has one of its own, unknown to the issuer. */
  readonly kid?: string;
}

export interface FloodResult {
  /** Status → answers. */
  readonly statuses: Readonly<Record<string, number>>;
}

const STEP_MS = 10;

async function pour({ port, count, perSecond, token, kid }: Flood): Promise<FloodResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const payload = token.split(".")[1];
  const signature = Buffer.alloc(256, 7).toString("base64url");
  const unknown = randomUUID();
  const statuses: Record<string, number> = {};
  const underWay: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let sent = 0; sent < count;) {
    for (const due = dueBy(performance.now() - startedAt, perSecond, count); sent < due; sent += 1) {
      const header = Buffer.from(JSON.stringify({ alg: "RS256", kid: kid ?? `${unknown}-${sent}` })).toString("base64url");
      underWay.push(
        ask(port, agent, `${header}.${payload}.${signature}`).then(({ status }) => void (statuses[status] = (statuses[status] ?? 0) + 1)),
      );
    }
    await pause(STEP_MS);
  }
  await Promise.all(underWay);
  agent.destroy();
  return { statuses };
}

function dueBy(elapsedMs: number, perSecond: number, count: number): number {
  return Math.min(count, Math.ceil((elapsedMs / 1000) * perSecond));
}

// Starting a thread costs as much as a small flood: whoever measures waits for it, and then says when to begin.
parentPort?.once("message", async () => parentPort?.postMessage(await pour(workerData as Flood), []));
parentPort?.postMessage("ready", []);
