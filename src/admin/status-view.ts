/** The gateway's state as the admin door tells it. Instants are ISO 8601, spans seconds. */
import type { IssuerState } from "../pipeline/authenticate/key-set.ts";
import { readinessOf } from "./readiness.ts";
import type { CertificateState, LastReload, Sources } from "./sources.ts";

/** Detail of readiness: what a person asks first when something is wrong. */
export async function statusView(sources: Sources) {
  const { phase, startedAt, lastReload, issuers, keyStoreTrouble, certificate, workers } = await sources.status();
  return {
    status: readinessOf(phase).status,
    phase,
    revision: sources.policy().revision,
    startedAt: instant(startedAt),
    uptimeSeconds: seconds(sources.now() - startedAt),
    lastReload: reloadView(lastReload),
    issuers: issuers.map(issuerView),
    keyStore: { usable: keyStoreTrouble === undefined, trouble: keyStoreTrouble },
    certificate: certificate && certificateView(certificate, sources.now()),
    workers,
  };
}

function reloadView({ at, kind, diagnostics }: LastReload) {
  return { at: instant(at), kind, diagnostics };
}

function certificateView({ file, notAfter, lastReload }: CertificateState, now: number) {
  return { file, notAfter: instant(notAfter), secondsLeft: seconds(notAfter - now), lastReload: reloadView(lastReload) };
}

function issuerView({ iss, usable, ageMs, keyCount, lastError }: IssuerState) {
  return { iss, usable, keyCount, ageSeconds: ageMs === undefined ? undefined : seconds(ageMs), lastError };
}

function instant(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function seconds(spanMs: number): number {
  return Math.max(0, Math.round(spanMs / 1000));
}
