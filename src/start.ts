/** Starts all that a gateway file asks for: what answers requests, what follows the files, and the doors; and stops it again. */
import { openDoors, type OpenDoors } from "./admin/doors.ts";
import type { Phase, Sources } from "./admin/sources.ts";
import { firstCertificate } from "./certificates.ts";
import type { Policy } from "./contract/policy.ts";
import { follow } from "./following.ts";
import type { Log } from "./observability/log.ts";
import { createMetrics } from "./observability/metrics.ts";
import type { Loaded } from "./policy/load.ts";
import { createServing } from "./serving.ts";
import { createComparison, shadowNamed, type ShadowFiles } from "./shadow.ts";

export interface StartOptions {
  /** What `load` gave just now. */
  readonly loaded: Extract<Loaded, { kind: "policy" }>;
  /** Reads the policy files anew. */
  readonly load: () => Promise<Loaded>;
  /** A policy that is asked beside the one in force, and obeyed by none. */
  readonly shadowPolicy?: Pick<ShadowFiles, "loaded" | "load">;
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

/** Resolves when everything listens and each issuer was asked. Rejects when a port is taken; then nothing stays open. */
export async function start(options: StartOptions): Promise<Running> {
  const { loaded, log, now } = options;
  const { policy } = loaded;
  const { tls } = policy.gateway.listen;
  const certificate = tls && firstCertificate(tls, now());
  const metrics = createMetrics();
  const shadow = options.shadowPolicy && createComparison({ policy: options.shadowPolicy.loaded.policy, log, metrics });
  const serving = await createServing({ ...options, policy, metrics, ...(certificate && { certificate }), ...(shadow && { shadow }) });
  const { gateway } = serving;
  const following = follow({
    ...options,
    gateway,
    metrics,
    ...(tls && certificate && { certificate: { tls, first: certificate, use: gateway.useCertificate } }),
    ...(options.shadowPolicy && shadow && { shadow: { ...options.shadowPolicy, use: shadow.use } }),
  });
  let phase: Phase = "starting";
  const startedAt = now();
  const sources: Sources = {
    policy: gateway.policy,
    phase: () => phase,
    status: () => ({
      phase,
      startedAt,
      lastReload: following.lastReload(),
      issuers: serving.issuers(),
      keyStoreTrouble: serving.keyStoreTrouble(),
      certificate: following.certificate(),
    }),
    metrics,
    decisions: serving.decisions,
    reload: following.reload,
    now,
    onFault: (error) => log.error({ cause: String(error) }, "the admin door failed"),
  };
  let doors: OpenDoors | undefined;
  const close = async (): Promise<void> => {
    following.close();
    await gateway.close();
    await doors?.close();
    serving.closeStores();
  };
  try {
    doors = await openDoors(policy.gateway, sources);
    const port = await serving.listen();
    phase = "serving";
    log.info({ policy: policy.revision, port, ...shadowNamed(options.shadowPolicy) }, "serving");
    return {
      ports: { gateway: port, ...doors.ports },
      policy: gateway.policy,
      reload: following.reload,
      cut: gateway.cut,
      stop: async () => {
        phase = "draining";
        const deadline = setTimeout(gateway.cut, gateway.policy().gateway.graceMs);
        await close();
        clearTimeout(deadline);
        log.info({}, "stopped");
        log.flush();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
