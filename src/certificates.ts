/** The front door's certificate while it serves: read anew when its files change, and a bad pair changes nothing. */
import type { CertificateState, LastReload } from "./admin/sources.ts";
import type { DoorTls } from "./contract/policy.ts";
import type { Log } from "./observability/log.ts";
import type { Metrics } from "./observability/metrics.ts";
import { readCertificate, type CertificateFault, type DoorCertificate } from "./policy/certificate-files.ts";

export interface Certificates {
  /** All files that it is made of. */
  readonly files: readonly string[];
  /** Reads them again; what they hold counts for all handshakes that begin from now on. */
  reload(): void;
  state(): CertificateState;
  close(): void;
}

export interface CertificatesParts {
  readonly tls: DoorTls;
  /** In force already. */
  readonly first: DoorCertificate;
  /** Puts another one in force. `newAuthorities`: those of clients are others than before. */
  readonly use: (next: DoorCertificate, newAuthorities: boolean) => void;
  readonly metrics: Pick<Metrics, "certificateReloaded">;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const DAY_MS = 86_400_000;
const ENDS_SOON_MS = 14 * DAY_MS;
const REMINDER_MS = DAY_MS / 2;

/** Throws, with every fault, where the files do not hold a certificate that can be served. */
export function firstCertificate(tls: DoorTls, now: number): DoorCertificate {
  const reading = readCertificate(tls, now);
  if (reading.kind === "certificate") return reading.certificate;
  throw new Error(reading.faults.map(wordsOf).join("\n"));
}

export function createCertificates(parts: CertificatesParts): Certificates {
  const { tls, log, now, metrics } = parts;
  let current = parts.first;
  let last: LastReload = { at: now(), kind: "loaded", diagnostics: [] };

  const remind = (): void => {
    const leftMs = current.notAfter - now();
    if (leftMs < ENDS_SOON_MS)
      log.warn({ file: tls.cert, daysLeft: Math.floor(leftMs / DAY_MS) }, "the front door's certificate ends soon");
  };
  const accept = (next: DoorCertificate): void => {
    if (isSame(next, current) && last.kind !== "rejected") return;
    parts.use(next, next.clientCa !== current.clientCa);
    current = next;
    last = { at: now(), kind: "loaded", diagnostics: [] };
    metrics.certificateReloaded(true);
    log.info({ file: tls.cert, notAfter: new Date(next.notAfter).toISOString() }, "certificate loaded");
    remind();
  };
  const reject = (diagnostics: readonly string[]): void => {
    if (last.kind === "rejected" && last.diagnostics.join("\n") === diagnostics.join("\n")) return;
    last = { at: now(), kind: "rejected", diagnostics };
    metrics.certificateReloaded(false);
    log.error({ diagnostics }, "certificate rejected; the last good one stays in force");
  };
  remind();
  const reminder = setInterval(remind, REMINDER_MS).unref();
  return {
    files: [tls.cert, tls.key, ...(tls.clients ? [tls.clients.ca] : [])],
    reload: () => {
      const reading = readCertificate(tls, now());
      if (reading.kind === "certificate") accept(reading.certificate);
      else reject(reading.faults.map(wordsOf));
    },
    state: () => ({ file: tls.cert, notAfter: current.notAfter, lastReload: last }),
    close: () => clearInterval(reminder),
  };
}

function isSame(left: DoorCertificate, right: DoorCertificate): boolean {
  return left.cert === right.cert && left.key === right.key && left.clientCa === right.clientCa;
}

function wordsOf({ path, reason, repair }: CertificateFault): string {
  return `${path} ${reason}${repair === undefined ? "" : `: ${repair}`}`;
}
