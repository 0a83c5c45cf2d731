/**
 * A shadow policy: decides every request once more when it is over, and is obeyed by none. It is loaded as the policy in
 * force is, all or nothing, and whatever goes wrong with it costs the gateway nothing.
 */
import { compare } from "./assurance/shadow/compare.ts";
import type { Policy } from "./contract/policy.ts";
import type { ShadowRecord } from "./contract/recorded.ts";
import { OneAtATime } from "./loading/one-at-a-time.ts";
import type { Log } from "./observability/log.ts";
import type { Metrics } from "./observability/metrics.ts";
import type { Exchange } from "./pipeline/exchange.ts";
import { diagnosticTexts } from "./policy/diagnostic.ts";
import type { Loaded } from "./policy/load.ts";
import type { Changed, Watch } from "./policy/watch.ts";

/** Holds every request that is over against the shadow policy. */
export interface Comparison {
  /** Counts what the shadow policy would have said; what the decision log is to say of it, if anything. Never throws. */
  readonly look: (exchange: Exchange) => ShadowRecord | undefined;
  /** Another shadow policy, for all that is looked at from now on. */
  readonly use: (policy: Policy) => void;
}

/** A shadow policy that follows its files. */
interface ShadowFollower {
  /** Reads the shadow policy's files anew; a bad file leaves the last good one. Never rejects. */
  readonly reload: () => Promise<void>;
  /** Reloads, unless that is under way already. */
  readonly changed: Changed;
  /** Calls `watch` with the files to look at, now and after each load. */
  readonly onFiles: (watch: Watch["watch"]) => void;
}

/** Lines of the log about one shadow policy that are said once: requests that cannot be compared, and faults. */
const MOST_SAID = 1000;

interface ComparisonParts {
  readonly policy: Policy;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "countShadow">;
}

export function createComparison({ policy: first, log, metrics }: ComparisonParts): Comparison {
  let policy = first;
  const said = new Set<string>();
  const isNews = (words: string): boolean => {
    if (said.has(words) || said.size >= MOST_SAID) return false;
    said.add(words);
    return true;
  };
  return {
    look: (exchange) => {
      try {
        const { result, record } = compare(exchange, policy);
        metrics.countShadow(exchange, result);
        if (!record || (result === "unknown" && !isNews(`${record.route} ${record.unknown}`))) return undefined;
        return record;
      } catch (cause) {
        metrics.countShadow(exchange, "failed");
        if (isNews(String(cause))) log.error({ decision: exchange.id, cause: String(cause) }, "the shadow policy could not decide");
        return undefined;
      }
    },
    use: (next) => {
      policy = next;
      said.clear();
    },
  };
}

export interface ShadowFiles {
  readonly loaded: Extract<Loaded, { kind: "policy" }>;
  readonly load: () => Promise<Loaded>;
  /** Told of each policy that is loaded from now on. */
  readonly use: (policy: Policy) => void;
}

/** For the line that says that the gateway serves: without a difference no other line would speak of a shadow. */
export function shadowNamed(files: Pick<ShadowFiles, "loaded"> | undefined): { readonly shadowPolicy?: string } {
  return files ? { shadowPolicy: files.loaded.policy.revision } : {};
}

interface FollowerParts extends ShadowFiles {
  readonly log: Log;
  readonly metrics: Pick<Metrics, "shadowReloaded" | "setShadowRevision">;
}

export function followShadow({ loaded, load, log, metrics, use }: FollowerParts): ShadowFollower {
  let { revision } = loaded.policy;
  let rejected = "";
  let watch: Watch["watch"] = watchNothing;
  metrics.setShadowRevision(revision);

  const accept = (next: Policy): void => {
    if (next.revision === revision && rejected === "") return;
    rejected = "";
    revision = next.revision;
    use(next);
    metrics.setShadowRevision(revision);
    metrics.shadowReloaded(true);
    log.info({ shadowPolicy: revision }, "shadow policy loaded");
  };
  const reject = (diagnostics: readonly string[]): void => {
    if (rejected === diagnostics.join("\n")) return;
    rejected = diagnostics.join("\n");
    metrics.shadowReloaded(false);
    log.error({ shadowPolicy: revision, diagnostics }, "shadow policy rejected; the last good one is compared on");
  };
  const loads = new OneAtATime(async (): Promise<void> => {
    try {
      const next = await load();
      watch(next.files, next.seen);
      if (next.kind === "policy") accept(next.policy);
      else reject(diagnosticTexts(next.diagnostics));
    } catch (cause) {
      reject([`the shadow policy could not be loaded: ${String(cause)}`]);
    }
  });
  return {
    reload: () => loads.ask(),
    changed: () => loads.askUnlessUnderWay(),
    onFiles: (listener) => {
      watch = listener;
      watch(loaded.files, loaded.seen);
    },
  };
}

function watchNothing(): void {}
