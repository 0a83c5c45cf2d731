/** Starts several workers and all that is there once: what follows the files, and the doors for operators and probes. */
import { openDoors, type OpenDoors } from "../admin/doors.ts";
import type { Phase, Sources } from "../admin/sources.ts";
import { firstCertificate } from "../certificates.ts";
import type { Policy } from "../contract/policy.ts";
import { follow, type FollowingParts } from "../following.ts";
import { shadowNamed } from "../shadow.ts";
import { createMetrics } from "../observability/metrics.ts";
import type { DoorCertificate } from "../policy/certificate-files.ts";
import type { SoundFiles } from "../policy/sound.ts";
import type { Running, StartOptions } from "../start.ts";
import { openSqliteKeys } from "../stores/sqlite-keys.ts";
import { Fleet } from "./fleet.ts";
import { gatheredDecisions, GatheredMetrics, gatheredReports } from "./gathered.ts";
import { type Outlets, workerProcesses } from "./child.ts";

export interface WorkersOptions extends StartOptions {
  readonly workers: number;
  /** What each worker process runs. */
  readonly script: URL;
  readonly outlets: Outlets;
  /** The files of a policy that `load` gave. */
  readonly soundOf: (policy: Policy) => SoundFiles;
}

/** As `start` does, with several processes that answer requests. */
export async function startWorkers(options: WorkersOptions): Promise<Running> {
  const { loaded, log, now } = options;
  let { policy } = loaded;
  const { tls } = policy.gateway.listen;
  const certificate = tls && firstCertificate(tls, now());
  const keys = openSqliteKeys(policy.gateway.stores.keys.path, { side: "gateway", create: true });
  // Makes the store where there is none yet: of several processes that do so at the same time all but one would be refused.
  keys.trouble();
  const metrics = createMetrics();
  const fleet = createFleet(options, certificate);
  const gathered = new GatheredMetrics(metrics, fleet);
  const following = follow({
    ...options,
    metrics,
    gateway: {
      policy: () => policy,
      swap: async (next) => {
        await fleet.agreement.swap(options.soundOf(next));
        policy = next;
      },
    },
    ...followed(options, fleet, certificate),
  });
  let isDraining = false;
  const phase = (): Phase => {
    if (isDraining) return "draining";
    return fleet.servingCount() > 0 ? "serving" : "starting";
  };
  const startedAt = now();
  const sources: Sources = {
    policy: () => policy,
    phase,
    status: async () => ({
      phase: phase(),
      startedAt,
      lastReload: following.lastReload(),
      ...(await gatheredReports(fleet, keys.trouble())),
      certificate: following.certificate(),
      workers: fleet.states(),
    }),
    metrics: gathered,
    decisions: gatheredDecisions(fleet),
    reload: following.reload,
    now,
    onFault: (error) => log.error({ cause: String(error) }, "the admin door failed"),
  };
  let doors: OpenDoors | undefined;
  const close = async (): Promise<void> => {
    isDraining = true;
    following.close();
    await fleet.stop(policy.gateway.graceMs);
    await doors?.close();
    keys.close();
  };
  try {
    doors = await openDoors(policy.gateway, sources);
    const port = await fleet.start();
    log.info({ policy: policy.revision, port, workers: options.workers, ...shadowNamed(options.shadowPolicy) }, "serving");
    return {
      ports: { gateway: port, ...doors.ports },
      policy: () => policy,
      reload: following.reload,
      cut: () => fleet.cut(),
      stop: async () => {
        await close();
        log.info({}, "stopped");
        log.flush();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function createFleet(options: WorkersOptions, certificate: DoorCertificate | undefined): Fleet {
  const { loaded, shadowPolicy, soundOf } = options;
  return new Fleet(
    { ...options, count: options.workers, startProcess: workerProcesses(options.script, options.outlets) },
    {
      policy: soundOf(loaded.policy),
      ...(shadowPolicy && { shadow: soundOf(shadowPolicy.loaded.policy) }),
      ...(certificate && { certificate }),
    },
  );
}

/** What follows its files beside the policy. */
function followed(
  { loaded, shadowPolicy, soundOf }: WorkersOptions,
  fleet: Fleet,
  first: DoorCertificate | undefined,
): Pick<FollowingParts, "certificate" | "shadow"> {
  const { tls } = loaded.policy.gateway.listen;
  const renew = (certificate: DoorCertificate, newAuthorities: boolean) =>
    void fleet.agreement.useCertificate({ certificate, newAuthorities });
  return {
    ...(tls && first && { certificate: { tls, first, use: renew } }),
    ...(shadowPolicy && { shadow: { ...shadowPolicy, use: (next) => void fleet.agreement.useShadow(soundOf(next)) } }),
  };
}
