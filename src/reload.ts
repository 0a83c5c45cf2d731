/** Live reload: a new policy takes the place of the old one whole, and a bad one changes nothing. */
import type { LastReload, Reloaded } from "./admin/sources.ts";
import type { Policy } from "./contract/policy.ts";
import type { Gateway } from "./gateway.ts";
import type { Log } from "./observability/log.ts";
import type { Metrics } from "./observability/metrics.ts";
import { formatDiagnostic } from "./policy/diagnostic.ts";
import type { Loaded } from "./policy/load.ts";

export interface Reloader {
  readonly reload: () => Promise<Reloaded>;
  /** The last load that changed something or was rejected; the start counts. */
  readonly last: () => LastReload;
  /** Calls `watch` with the files to look at, now and after each load. */
  readonly onFiles: (watch: (files: readonly string[]) => void) => void;
}

export interface ReloaderParts {
  readonly loaded: Loaded;
  readonly load: () => Loaded;
  readonly gateway: Gateway;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export function createReloader({ loaded, load, gateway, metrics, log, now }: ReloaderParts): Reloader {
  let last: LastReload = { at: now(), kind: "loaded", diagnostics: [] };
  let watch: (files: readonly string[]) => void = watchNothing;
  metrics.setRevision(gateway.policy().revision);

  const accept = (policy: Policy): Reloaded => {
    if (policy.revision === gateway.policy().revision && last.kind !== "rejected") return { kind: "unchanged", diagnostics: [] };
    const fixed = fixedParts(gateway.policy(), policy);
    if (fixed.length > 0) log.warn({ parts: fixed }, "these parts of the gateway file take effect at the next start");
    log.setLevel(policy.gateway.log.level);
    gateway.swap(policy);
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
  return {
    reload: async () => {
      const next = load();
      watch(next.files);
      return next.kind === "policy" ? accept(next.policy) : reject(next.diagnostics.map((one) => formatDiagnostic(one, { colour: false })));
    },
    last: () => last,
    onFiles: (listener) => {
      watch = listener;
      watch(loaded.files);
    },
  };
}

function watchNothing(): void {}

/** Doors and stores are opened once, at the start. */
function fixedParts({ gateway: old }: Policy, { gateway: next }: Policy): readonly string[] {
  const parts = ["listen", "health", "admin", "stores"] as const;
  return parts.filter((part) => JSON.stringify(old[part], fixedFields) !== JSON.stringify(next[part], fixedFields));
}

/** Admin tokens, and what seals access keys, are taken from the policy in force: they count from the reload on. */
function fixedFields(key: string, value: unknown): unknown {
  return key === "tokens" || key === "sealing" ? undefined : value;
}
