/** A whole Sallyport for a test: policy files in a folder of its own, started as `serve` starts it, on free ports. */
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { Test } from "tap";
import type { Policy } from "../../src/contract/policy.ts";
import { loadApart } from "../../src/loading/apart.ts";
import { createLog } from "../../src/observability/log.ts";
import { diagnosticTexts } from "../../src/policy/diagnostic.ts";
import { loadPolicy, type Loaded } from "../../src/policy/load.ts";
import { start, type Running, type StartOptions } from "../../src/start.ts";
import { collectGateway, collectLog, collectMetrics } from "../security/log-sink.ts";

const SHIPPED = join(import.meta.dirname, "../../config");

export interface SallyportOptions {
  /** Policy files by their path below the folder; the shipped ones where nothing is given. */
  readonly files?: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  /** Epoch milliseconds; the real clock where nothing is given. */
  readonly now?: () => number;
  readonly monotonicNow?: () => number;
  /** Last word on the compiled policy, e.g. other limits. */
  readonly adapt?: (policy: Policy) => Policy;
  readonly watchMs?: number;
  /** Files of a shadow policy, by their path below the folder `shadow`. */
  readonly shadow?: Readonly<Record<string, string>>;
}

export interface Sallyport {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly adminUrl: string;
  readonly adminToken: string;
  readonly healthUrl: string;
  readonly running: Running;
  /** Folder of the policy files. */
  readonly folder: string;
  /** Path of the key store. */
  readonly keyStore: string;
  /** Log lines so far, parsed. */
  readonly log: () => readonly Record<string, unknown>[];
  /** The log's line about the decision with this id (`x-decision-id`). */
  readonly decision: (id: string) => Record<string, unknown> | undefined;
}

/** In the test's own thread at first, and beside it from then on, as `serve` does. */
type Loading = Pick<StartOptions, "loaded" | "load">;

/** Starts a gateway; it is stopped when the test ends. Throws the diagnostics of a bad policy. */
export async function startSallyport(t: Pick<Test, "teardown">, options: SallyportOptions): Promise<Sallyport> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-journey-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  writePolicy(folder, options.files);
  const keyStore = join(folder, "data", "keys.db");
  const environment = { ADMIN_TOKEN: randomBytes(24).toString("hex"), ...options.environment };
  collectGateway(environment);
  const adapted = (loaded: Loaded): Loaded =>
    loaded.kind === "policy" ? { ...loaded, policy: adapt(loaded.policy, keyStore, options) } : loaded;
  const loading = (place: string): Loading => {
    const from = { configPath: join(place, "sallyport.yaml"), environment };
    const loaded = adapted(loadPolicy(from));
    if (loaded.kind === "invalid") throw new Error(diagnosticTexts(loaded.diagnostics).join("\n"));
    return { loaded, load: async () => adapted(await loadApart({ options: from })) };
  };
  if (options.shadow) writePolicy(join(folder, "shadow"), options.shadow);
  const lines: string[] = [];
  const running = await start({
    ...loading(folder),
    ...(options.shadow && { shadowPolicy: loading(join(folder, "shadow")) }),
    log: createLog("debug", memory(lines)),
    now: options.now ?? Date.now,
    monotonicNow: options.monotonicNow ?? (() => performance.now()),
    randomBytes,
    watchMs: options.watchMs ?? 0,
  });
  const at = (port: number | undefined): string => `http://127.0.0.1:${port}`;
  t.teardown(async () => {
    await collectMetrics(at(running.ports.admin));
    await stopAtOnce(running);
  });
  return {
    url: at(running.ports.gateway),
    adminUrl: at(running.ports.admin),
    adminToken: environment["ADMIN_TOKEN"],
    healthUrl: at(running.ports.health),
    running,
    folder,
    keyStore,
    log: () => lines.map(parsed),
    decision: (id) => {
      const line = lines.findLast((text) => text.includes(`"decision":"${id}"`));
      return line === undefined ? undefined : parsed(line);
    },
  };
}

function writePolicy(folder: string, files: SallyportOptions["files"]): void {
  if (!files) {
    cpSync(SHIPPED, folder, { recursive: true });
    return;
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** Free ports on loopback, and a key store in the test's folder. */
function adapt(policy: Policy, keyStore: string, options: SallyportOptions): Policy {
  const { gateway } = policy;
  const door = { host: "127.0.0.1", port: 0 };
  const adapted: Policy = {
    ...policy,
    gateway: {
      ...gateway,
      listen: { ...door, ...(gateway.listen.tls && { tls: gateway.listen.tls }) },
      health: door,
      admin: { ...door, tokens: gateway.admin?.tokens ?? [] },
      stores: { ...gateway.stores, keys: { kind: "sqlite", path: keyStore } },
    },
  };
  return options.adapt ? options.adapt(adapted) : adapted;
}

function memory(lines: string[]): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      collectLog(String(chunk));
      lines.push(...String(chunk).split("\n").filter(Boolean));
      done();
    },
  });
}

function parsed(line: string): Record<string, unknown> {
  return JSON.parse(line) as Record<string, unknown>;
}

async function stopAtOnce(running: Running): Promise<void> {
  const stopped = running.stop();
  running.cut();
  await stopped;
}
