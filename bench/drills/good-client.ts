/** A client that asks at a fixed rate, whether or not it has been answered before, and notes how long each answer took. */
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** Milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export interface Client {
  /** So many requests a second, evenly spread, for so long. Rejects where one is not answered with 200. */
  readonly ask: (perSecond: number, forMs: number) => Promise<Quantiles>;
  readonly close: () => void;
}

const MOST_CONNECTIONS = 32;
const TICK_MS = 2;

export function openClient(url: string, headers: Readonly<Record<string, string>>): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: MOST_CONNECTIONS });
  const askOnce = (): Promise<number> => timeOne(url, headers, agent);
  return {
    async ask(perSecond, forMs) {
      const taken: Promise<number>[] = [];
      const startedAt = performance.now();
      while (performance.now() - startedAt < forMs) {
        const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000);
        while (taken.length <= due) taken.push(askOnce());
        await pause(TICK_MS);
      }
      const sorted = (await Promise.all(taken)).toSorted((left, right) => left - right);
      return { p50: at(sorted, 0.5), p99: at(sorted, 0.99) };
    },
    close: () => agent.destroy(),
  };
}

/** Resolves with the time to the answer's end. */
function timeOne(url: string, headers: Readonly<Record<string, string>>, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const sent = request(url, { agent, headers }).on("error", reject).end();
    sent.once("response", (response) => {
      if (response.statusCode !== 200) reject(new Error(`a good request got ${response.statusCode}`));
      response.resume().once("end", () => resolve(performance.now() - startedAt));
    });
  });
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
