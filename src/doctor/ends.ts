/** What ends by itself: the door's certificate, secrets with a date. */
import { X509Certificate } from "node:crypto";
import type { Secret } from "../contract/authenticators.ts";
import type { DoorTls, Policy } from "../contract/policy.ts";
import { type DoorCertificate, endOf, readCertificate } from "../policy/certificate-files.ts";
import { endWords, fail, type Finding, ok, SOON_MS, warn } from "./finding.ts";

/** The files of the TLS front door; nothing where it speaks plain HTTP. `now`: epoch milliseconds. */
export function checkDoorCertificate(tls: DoorTls | undefined, now: number): readonly Finding[] {
  if (!tls) return [];
  const reading = readCertificate(tls, now);
  if (reading.kind === "faults")
    return reading.faults.map(({ path, reason, repair }) =>
      fail({ area: "certificate", subject: path }, reason, repair ?? "look at the file"),
    );
  const { certificate } = reading;
  return [ending(tls.cert, certificate.notAfter, now), ...(tls.clients ? [ending(tls.clients.ca, authorityEnd(certificate), now)] : [])];
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The first of the authorities to end: from then on its clients cannot come in. */
function authorityEnd({ clientCa }: DoorCertificate): number {
  return Math.min(...(clientCa?.match(CERTIFICATES) ?? []).map((text) => endOf(new X509Certificate(text))));
}

function ending(subject: string, end: number, now: number): Finding {
  const of = { area: "certificate", subject } as const;
  if (end <= now) return fail(of, `ended on ${new Date(end).toISOString().slice(0, 10)}`, "renew it");
  return end - now <= SOON_MS ? warn(of, `ends on ${endWords(end, now)}`, "renew it") : ok(of, `ends on ${endWords(end, now)}`);
}

/* ── secrets ──────────────────────────────────────────────────────────── */

interface Holder {
  /** `pie.partner`, or `admin`. */
  readonly name: string;
  readonly secrets: readonly Secret[];
}

/** Secrets that end soon or have ended; one finding where there are none of those. */
export function checkSecrets(policy: Policy, now: number): readonly Finding[] {
  const holders = holdersOf(policy);
  const found = holders.flatMap((holder) => holderFindings(holder, now));
  const count = holders.reduce((sum, { secrets }) => sum + secrets.length, 0);
  if (found.length > 0 || count === 0) return found;
  return [ok({ area: "secrets", subject: `${count} secret${count === 1 ? "" : "s"}` }, "none ends within 14 days")];
}

function holdersOf({ gateway, services }: Policy): readonly Holder[] {
  const admin = gateway.admin ? [{ name: "admin", secrets: gateway.admin.tokens }] : [];
  const bearers = services.flatMap((service) =>
    service.authenticators.flatMap((one) => (one.kind === "bearer" ? [{ name: `${service.name}.${one.name}`, secrets: one.secrets }] : [])),
  );
  return [...admin, ...bearers];
}

function holderFindings({ name, secrets }: Holder, now: number): readonly Finding[] {
  if (secrets.length > 0 && secrets.every(({ until }) => until !== undefined && until <= now))
    return [fail({ area: "secrets", subject: name }, "all its secrets have ended: none opens it any more", "add a new one")];
  return secrets.flatMap(({ id, until }): readonly Finding[] => {
    const of = { area: "secrets", subject: `${name} ${id}` } as const;
    if (until === undefined || until - now > SOON_MS) return [];
    if (until <= now) return [warn(of, `ended on ${new Date(until).toISOString().slice(0, 10)}`, "take it out")];
    return [warn(of, `ends on ${endWords(until, now)}`, "add its successor beside it")];
  });
}
