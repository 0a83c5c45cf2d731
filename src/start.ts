/** Starts all that a gateway file asks for: stores, issuers, the gateway and its doors; and stops it again. */
import { startAdminDoor } from "./admin/door.ts";
import { startHealthDoor } from "./admin/health.ts";
import type { Phase, RunningDoor, Sources } from "./admin/sources.ts";
import { createCertificates, firstCertificate, type Certificates } from "./certificates.ts";
import type { Policy } from "./contract/policy.ts";
import { createGateway, type Gateway, type GatewayParts } from "./gateway.ts";
import { createDecisionIds } from "./observability/decision-id.ts";
import { createDecisionLog } from "./observability/decisions.ts";
import type { Log } from "./observability/log.ts";
import { createMetrics } from "./observability/metrics.ts";
import { fetchJwks } from "./pipeline/authenticate/jwks-fetch.ts";
import { createIssuers, type Issuers } from "./pipeline/authenticate/jwks.ts";
import type { IssuerEvent } from "./pipeline/authenticate/key-set.ts";
import type { Loaded } from "./policy/load.ts";
import { watchFiles } from "./policy/watch.ts";
import { createReloader, type Reloader } from "./reload.ts";
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

/** Resolves when everything listens and each issuer was asked once. Rejects when a port is taken; then nothing stays open. */
export async function start(options: StartOptions): Promise<Running> {
  const { policy } = options.loaded;
  const { tls } = policy.gateway.listen;
  const certificate = tls && firstCertificate(tls, options.now());
  const metrics = createMetrics();
  const parts: GatewayParts = {
    ...options,
    policy,
    ...optional("certificate", certificate),
    metrics,
    keys: openSqliteKeys(policy.gateway.stores.keys.path, { side: "gateway", create: true }),
    counters: createMemoryCounters({ maxBuckets: MOST_BUCKETS }),
    issuers: createIssuers({ fetch: fetchJwks, monotonicNow: options.monotonicNow, onEvent: logIssuerEvent(options.log) }),
    decisions: createDecisionLog(options.log),
    decisionId: createDecisionIds(options.randomBytes),
  };
  const gateway = await createGateway(parts);
  const reloader = createReloader({ ...options, gateway, metrics });
  const certificates = followCertificate(parts, gateway);
  const reload = (): ReturnType<Reloader["reload"]> => {
    certificates?.reload();
    return reloader.reload();
  };
  const watch = options.watchMs > 0 ? watchFiles(options.watchMs, () => void reloader.reload()) : undefined;
  reloader.onFiles((files) => watch?.watch(files));
  const certificateWatch = certificates && options.watchMs > 0 ? watchFiles(options.watchMs, () => certificates.reload()) : undefined;
  certificateWatch?.watch(certificates?.files ?? []);
  let phase: Phase = "starting";
  const startedAt = options.now();
  const sources: Sources = {
    policy: gateway.policy,
    status: () => ({
      phase,
      startedAt,
      lastReload: reloader.last(),
      issuers: parts.issuers.states(),
      ...optional("keyStoreTrouble", parts.keys.trouble()),
      ...optional("certificate", certificates?.state()),
    }),
    metrics,
    decisions: parts.decisions,
    reload,
    now: options.now,
    onFault: (error) => options.log.error({ cause: String(error) }, "the admin door failed"),
  };
  metrics.observe({
    issuers: () => issuerReadings(parts.issuers),
    keyStoreUp: () => parts.keys.trouble() === undefined,
    ...(certificates && { certificateLeftSeconds: () => (certificates.state().notAfter - options.now()) / 1000 }),
  });
  const doors: Doors = {};
  const close = async (): Promise<void> => {
    watch?.close();
    certificateWatch?.close();
    certificates?.close();
    await gateway.close();
    await Promise.all([doors.health?.close(), doors.admin?.close()]);
    for (const part of [parts.issuers, parts.counters, parts.keys]) part.close();
  };
  const open = async (): Promise<number> => {
    await openDoors(doors, policy, sources);
    await parts.issuers.ready();
    return gateway.listen();
  };
  const port = await open().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  phase = "serving";
  options.log.info({ policy: policy.revision, port }, "serving");

  const cut = (): void => gateway.cut();
  return {
    ports: { gateway: port, ...optional("admin", doors.admin?.port), ...optional("health", doors.health?.port) },
    policy: gateway.policy,
    reload,
    cut,
    stop: async () => {
      phase = "draining";
      const deadline = setTimeout(cut, gateway.policy().gateway.graceMs);
      await close();
      clearTimeout(deadline);
      options.log.info({}, "stopped");
      options.log.flush();
    },
  };
}

/** Undefined for a door without TLS. */
function followCertificate(parts: GatewayParts, gateway: Gateway): Certificates | undefined {
  const { certificate: first, metrics, log, now } = parts;
  const { tls } = parts.policy.gateway.listen;
  if (!tls || !first) return undefined;
  const use: Parameters<typeof createCertificates>[0]["use"] = (next, previous) =>
    gateway.useCertificate(next, next.clientCa !== previous.clientCa);
  return createCertificates({ tls, first, use, metrics, log, now });
}

/** Filled one by one, so that what is open is known when the next cannot be had. */
interface Doors {
  health?: RunningDoor;
  admin?: RunningDoor;
}

async function openDoors(doors: Doors, { gateway: { health, admin } }: Policy, sources: Sources): Promise<void> {
  if (health) doors.health = await startHealthDoor(health, sources);
  if (admin) doors.admin = await startAdminDoor(admin, sources);
}

function issuerReadings(issuers: Issuers): { iss: string; keys: number; ageSeconds: number | undefined }[] {
  return issuers
    .states()
    .map(({ iss, keyCount, ageMs }) => ({ iss, keys: keyCount, ageSeconds: ageMs === undefined ? undefined : ageMs / 1000 }));
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
