/** What follows its files while it serves: the policy, the front door's certificate, a shadow policy. */
import type { CertificateState, LastReload, Reloaded } from "./admin/sources.ts";
import { createCertificates, type Certificates, type CertificatesParts } from "./certificates.ts";
import { oneAtATime } from "./loading/one-at-a-time.ts";
import type { Metrics } from "./observability/metrics.ts";
import { type Changed, watchFiles, type Watch } from "./policy/watch.ts";
import { createReloader, type ReloaderParts } from "./reload.ts";
import { followShadow, type ShadowFiles } from "./shadow.ts";

export interface FollowingParts extends ReloaderParts {
  readonly metrics: Metrics;
  /** Where the front door is one of TLS. */
  readonly certificate?: Pick<CertificatesParts, "tls" | "first" | "use">;
  readonly shadow?: ShadowFiles;
  /** How often files are looked at; 0: never. */
  readonly watchMs: number;
}

export interface Following {
  /** Reads all of them again. */
  readonly reload: () => Promise<Reloaded>;
  readonly lastReload: () => LastReload;
  readonly certificate: () => CertificateState | undefined;
  close(): void;
}

export function follow(parts: FollowingParts): Following {
  const { log, metrics, now } = parts;
  const watches: Watch[] = [];
  const watch = (changed: Changed): Watch["watch"] => {
    if (parts.watchMs === 0) return watchNothing;
    const started = watchFiles(parts.watchMs, changed);
    watches.push(started);
    return started.watch;
  };
  const reloader = createReloader(parts);
  reloader.onFiles(watch(reloader.changed));
  const shadow = parts.shadow && followShadow({ ...parts.shadow, log, metrics });
  shadow?.onFiles(watch(shadow.changed));
  const certificates = parts.certificate && createCertificates({ ...parts.certificate, log, metrics, now });
  if (certificates) followCertificates(certificates, watch, parts);
  return {
    reload: oneAtATime(async () => {
      certificates?.reload();
      const [reloaded] = await Promise.all([reloader.reload(), shadow?.reload()]);
      return reloaded;
    }),
    lastReload: reloader.last,
    certificate: () => certificates?.state(),
    close: () => {
      for (const part of [...watches, ...(certificates ? [certificates] : []), reloader]) part.close();
    },
  };
}

function followCertificates(
  certificates: Certificates,
  watch: (changed: Changed) => Watch["watch"],
  { metrics, now }: Pick<FollowingParts, "metrics" | "now">,
): void {
  const changed = (): boolean => {
    certificates.reload();
    return true;
  };
  watch(changed)(certificates.files);
  metrics.observeCertificate(() => (certificates.state().notAfter - now()) / 1000);
}

function watchNothing(): void {}
