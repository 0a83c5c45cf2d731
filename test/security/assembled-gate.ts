/** A gateway on real sockets, put together from parts that a test controls: timers, key store, counters. */
import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Test } from "tap";
import type { CounterStore, KeyReader } from "../../src/contract/stores.ts";
import { createGateway } from "../../src/gateway.ts";
import { createDecisionIds } from "../../src/observability/decision-id.ts";
import { createDecisionLog } from "../../src/observability/decisions.ts";
import { createLog } from "../../src/observability/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { guardedLookup, jwksFetch } from "../../src/pipeline/authenticate/jwks-fetch.ts";
import { forbiddenHost } from "../../src/policy/addresses.ts";
import { createIssuers, type Issuers } from "../../src/pipeline/authenticate/jwks.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import { createMemoryCounters } from "../../src/stores/memory-counters.ts";
import { testClock, type TestClock } from "../authenticate/fixtures/clock.ts";
import { keyStore } from "../authenticate/fixtures/key-store.ts";
import { createClient, type Send } from "../journey/client.ts";
import { startUpstream, type RecordingUpstream } from "../journey/recording-upstream.ts";
import { gateFiles, ISS, type GateShape } from "./gate.ts";
import { logSink } from "./log-sink.ts";

export interface Assembled {
  readonly send: Send;
  readonly upstream: RecordingUpstream;
  /** Monotonic time, and the timers of the issuers' keys. */
  readonly clock: TestClock;
  /** The wall clock, in epoch milliseconds; it stands still unless the test moves it. */
  readonly wall: { epochMs: number };
  /** Lets time pass on both clocks; resolves when the fetches of keys that it caused are over. */
  readonly pass: (ms: number) => Promise<void>;
}

export interface AssembledParts {
  readonly keys?: KeyReader;
  readonly counters?: CounterStore;
}

/** Stopped when the test ends. */
export async function startAssembled(t: Test, shape: Omit<GateShape, "answer">, parts: AssembledParts = {}): Promise<Assembled> {
  const clock = testClock();
  const wall = { epochMs: Date.UTC(2026, 11, 1, 12) };
  const upstream = await startUpstream(t);
  const fetches = new EventEmitter();
  const issuers = createIssuers({ ...clock, fetch: jwksFetch(guardedLookup(forbiddenHost)), onEvent: () => fetches.emit("over") });
  const log = createLog("debug", logSink);
  const gateway = await createGateway({
    policy: policyOf(t, shape, { UPSTREAM: upstream.url, ISSUER: ISS, ...shape.environment }),
    keys: parts.keys ?? keyStore(() => undefined),
    counters: parts.counters ?? createMemoryCounters({ maxBuckets: 1000 }),
    issuers,
    log,
    decisions: createDecisionLog(log),
    metrics: createMetrics(),
    decisionId: createDecisionIds(randomBytes),
    now: () => wall.epochMs,
    monotonicNow: clock.monotonicNow,
    randomBytes,
  });
  await issuers.ready();
  const port = await gateway.listen();
  t.teardown(async () => {
    issuers.close();
    const closed = gateway.close();
    gateway.cut();
    await closed;
  });
  const pass: Assembled["pass"] = async (ms) => {
    const before = fetchCount(issuers);
    let over = before;
    const done = Promise.withResolvers<void>();
    const check = (): void => void (over >= fetchCount(issuers) && done.resolve());
    const count = (): void => {
      over += 1;
      check();
    };
    fetches.on("over", count);
    wall.epochMs += ms;
    clock.advance(ms);
    check();
    await done.promise;
    fetches.off("over", count);
  };
  return { send: createClient(t, `http://127.0.0.1:${port}`), upstream, clock, wall, pass };
}

function policyOf(t: Test, shape: Omit<GateShape, "answer">, environment: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-assembled-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(gateFiles(shape))) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const loaded = loadPolicy({
    configPath: join(folder, "sallyport.yaml"),
    environment: { ADMIN_TOKEN: randomBytes(24).toString("hex"), ...environment },
  });
  if (loaded.kind === "invalid")
    throw new Error(loaded.diagnostics.map(({ file, line, message }) => `${file}:${line}: ${message}`).join("\n"));
  const { gateway } = loaded.policy;
  return { ...loaded.policy, gateway: { ...gateway, listen: { host: "127.0.0.1", port: 0 } } };
}

function fetchCount(issuers: Issuers): number {
  return issuers.states().reduce((sum, state) => sum + state.fetchCount, 0);
}
