/** Live reload: a new policy takes the place of the old one whole, and a bad one changes nothing. */
import type { LastReload, Reloaded } from "./admin/sources.ts";
import type { Policy } from "./contract/policy.ts";
import type { Gateway } from "./gateway.ts";
import { OneAtATime } from "./loading/one-at-a-time.ts";
import type { Log } from "./observability/log.ts";
import type { Metrics } from "./observability/metrics.ts";
import { diagnosticTexts } from "./policy/diagnostic.ts";
import type { Loaded } from "./policy/load.ts";
import type { Changed, Watch } from "./policy/watch.ts";

export interface Reloader {
  /** Never rejects: what cannot be loaded changes nothing. One at a time; who asks meanwhile is answered by the next one. */
  readonly reload: () => Promise<Reloaded>;
  /** Reloads, unless that is under way already. */
  readonly changed: Changed;
  /** The last load that changed something or was rejected; the start counts. */
  readonly last: () => LastReload;
  /** Calls `watch` with the files to look at, now and after each load. */
  readonly onFiles: (watch: Watch["watch"]) => void;
  /** What is being loaded comes too late. */
  readonly close: () => void;
}

export interface ReloaderParts {
  readonly loaded: Loaded;
  readonly load: () => Promise<Loaded>;
  readonly gateway: Pick<Gateway, "policy" | "swap">;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export function createReloader({ loaded, load, gateway, metrics, log, now }: ReloaderParts): Reloader {
  let last: LastReload = { at: now(), kind: "loaded", diagnostics: [] };
  let watch: Watch["watch"] = watchNothing;
  let closed = false;
  const started = gateway.policy();
  metrics.setRevision(gateway.policy().revision);

  const accept = async (policy: Policy): Promise<Reloaded> => {
    if (policy.revision === gateway.policy().revision && last.kind !== "rejected") return UNCHANGED;
    const fixed = fixedParts(started, policy);
    if (fixed.length > 0) log.warn({ parts: fixed }, "these parts of the gateway file take effect at the next start");
    await gateway.swap(policy);
    log.setLevel(policy.gateway.log.level);
    metrics.setRevision(policy.revision);
    metrics.reloaded(true);
    last = { at: now(), kind: "loaded", diagnostics: [] };
    log.info({ policy: policy.revision }, "policy loaded");
    return last;
  };
  const reject = (diagnostics: readonly string[]): Reloaded => {
    if (last.kind === "rejected" && last.diagnostics.join("\n") === diagnostics.join("\n")) return last;
    metrics.reloaded(false);
    last = { at: now(), kind: "rejected", diagnostics };
    log.error({ policy: gateway.policy().revision, diagnostics }, "policy rejected; the last good one stays in force");
    return last;
  };
  const loads = new OneAtATime(async (): Promise<Reloaded> => {
    try {
      const next = await load();
      if (closed) return UNCHANGED;
      watch(next.files, next.seen);
      return await (next.kind === "policy" ? accept(next.policy) : reject(diagnosticTexts(next.diagnostics)));
    } catch (cause) {
      return reject([`the policy could not be loaded: ${String(cause)}`]);
    }
  });
  return {
    reload: () => loads.ask(),
    changed: () => loads.askUnlessUnderWay(),
    last: () => last,
    onFiles: (listener) => {
      watch = listener;
      watch(loaded.files, loaded.seen);
    },
    close: () => {
      closed = true;
    },
  };
}

const UNCHANGED: Reloaded = { kind: "unchanged", diagnostics: [] };

function watchNothing(): void {}

/** Doors and stores are opened once, at the start. */
function fixedParts({ gateway: open }: Policy, { gateway: next }: Policy): readonly string[] {
  const parts = ["listen", "health", "admin", "stores"] as const;
  return parts.filter((part) => JSON.stringify(open[part], fixedFields) !== JSON.stringify(next[part], fixedFields));
}

/** Admin tokens, and what seals access keys, are taken from the policy in force: they count from the reload on. */
function fixedFields(key: string, value: unknown): unknown {
  return key === "tokens" || key === "sealing" ? undefined : value;
}
