/** Starts all that a gateway file asks for: stores, issuers, the gateway and its doors; and stops it again. */
import { startAdminDoor } from "./admin/door.ts";
import { startHealthDoor } from "./admin/health.ts";
import type { Phase, RunningDoor, Sources } from "./admin/sources.ts";
import type { Policy } from "./contract/policy.ts";
import { createGateway, type GatewayParts } from "./gateway.ts";
import { createDecisionIds } from "./observability/decision-id.ts";
import { createDecisionLog } from "./observability/decisions.ts";
import type { Log } from "./observability/log.ts";
import { createMetrics } from "./observability/metrics.ts";
import { fetchJwks } from "./pipeline/authenticate/jwks-fetch.ts";
import { createIssuers, type Issuers } from "./pipeline/authenticate/jwks.ts";
import type { IssuerEvent } from "./pipeline/authenticate/key-set.ts";
import type { Loaded } from "./policy/load.ts";
import { watchFiles } from "./policy/watch.ts";
import { createReloader } from "./reload.ts";
import { createMemoryCounters } from "./stores/memory-counters.ts";
import { openSqliteKeys } from "./stores/sqlite-keys.ts";

export interface StartOptions {
  /** What `load` gave just now. */
  readonly loaded: Extract<Loaded, { kind: "policy" }>;
  /** Reads the policy files anew. */
  readonly load: () => Loaded;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
  readonly randomBytes: (count: number) => Buffer;
  /** How often the policy files are looked at; 0: never. */
  readonly watchMs: number;
}

export interface Running {
  /** Where it listens. */
  readonly ports: { readonly gateway: number; readonly admin?: number; readonly health?: number };
  readonly policy: () => Policy;
  /** Loads the files again: all or nothing. */
  readonly reload: Sources["reload"];
  /** Unready at once, and no more requests; resolves when those under way are over, or cut at the grace period's end. */
  readonly stop: () => Promise<void>;
  /** Ends what is still under way. */
  readonly cut: () => void;
}

const MOST_BUCKETS = 1_000_000;

/** Resolves when everything listens and each issuer was asked once. Rejects when a port is taken. */
export async function start(options: StartOptions): Promise<Running> {
  const { policy } = options.loaded;
  const metrics = createMetrics();
  const parts: GatewayParts = {
    ...options,
    policy,
    metrics,
    keys: openSqliteKeys(policy.gateway.stores.keys.path, { side: "gateway", create: true }),
    counters: createMemoryCounters({ maxBuckets: MOST_BUCKETS }),
    issuers: createIssuers({ fetch: fetchJwks, monotonicNow: options.monotonicNow, onEvent: logIssuerEvent(options.log) }),
    decisions: createDecisionLog(options.log),
    decisionId: createDecisionIds(options.randomBytes),
  };
  const gateway = await createGateway(parts);
  const reloader = createReloader({ ...options, gateway, metrics });
  const watch = options.watchMs > 0 ? watchFiles(options.watchMs, () => void reloader.reload()) : undefined;
  reloader.onFiles((files) => watch?.watch(files));
  let phase: Phase = "starting";
  const startedAt = options.now();
  const sources: Sources = {
    policy: gateway.policy,
    status: () => ({ phase, startedAt, lastReload: reloader.last(), issuers: parts.issuers.states(), ...optional("keyStoreTrouble", parts.keys.trouble()) }),
    metrics,
    decisions: parts.decisions,
    reload: reloader.reload,
    now: options.now,
    onFault: (error) => options.log.error({ cause: String(error) }, "the admin door failed"),
  };
  metrics.observe({ issuers: () => issuerReadings(parts.issuers), keyStoreUp: () => parts.keys.trouble() === undefined });
  const doors = await openDoors(policy, sources);
  await parts.issuers.ready();
  const port = await gateway.listen();
  phase = "serving";
  options.log.info({ policy: policy.revision, port }, "serving");

  const cut = (): void => gateway.cut();
  return {
    ports: { gateway: port, ...doors.ports },
    policy: gateway.policy,
    reload: reloader.reload,
    cut,
    stop: async () => {
      phase = "draining";
      watch?.close();
      const deadline = setTimeout(cut, gateway.policy().gateway.graceMs);
      await gateway.close();
      clearTimeout(deadline);
      await doors.close();
      for (const part of [parts.issuers, parts.counters, parts.keys]) part.close();
      options.log.info({}, "stopped");
      options.log.flush();
    },
  };
}

interface Doors {
  readonly ports: { readonly admin?: number; readonly health?: number };
  readonly close: () => Promise<void>;
}

async function openDoors({ gateway }: Policy, sources: Sources): Promise<Doors> {
  const health = gateway.health && (await startHealthDoor(gateway.health, sources));
  const admin = gateway.admin && (await startAdminDoor(gateway.admin, sources));
  const open = [health, admin].filter((door): door is RunningDoor => door !== undefined);
  return {
    ports: { ...optional("admin", admin?.port), ...optional("health", health?.port) },
    close: async () => void (await Promise.all(open.map((door) => door.close()))),
  };
}

function issuerReadings(issuers: Issuers): { iss: string; keys: number; ageSeconds: number | undefined }[] {
  return issuers.states().map(({ iss, keyCount, ageMs }) => ({ iss, keys: keyCount, ageSeconds: ageMs === undefined ? undefined : ageMs / 1000 }));
}

function logIssuerEvent(log: Log): (event: IssuerEvent) => void {
  return (event) => {
    if (event.kind === "failed") log.warn({ issuer: event.iss, reason: event.reason }, "keys of an issuer could not be fetched");
    else log.info({ issuer: event.iss, keys: event.keyCount, skipped: event.skipped }, "keys of an issuer fetched");
  };
}

/** A field that is there only when it has a value. */
function optional<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [key in Name]?: Value } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [key in Name]?: Value };
}
