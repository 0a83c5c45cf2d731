/** Certificate and key of the TLS front door, read from their files and held against each other. */
import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { DoorTls } from "../contract/policy.ts";
import { readText } from "./read.ts";

/** What a TLS server is made of, in PEM. */
export interface DoorCertificate {
  readonly cert: string;
  readonly key: string;
  /** Authorities whose client certificates are proved. */
  readonly clientCa?: string;
  /** When the door's own certificate ends, epoch milliseconds. */
  readonly notAfter: number;
}

/** Which of the files is at fault, and how: `reason` follows the file's name in a sentence. It holds nothing of the file. */
export interface CertificateFault {
  readonly part: "cert" | "key" | "clientCa";
  readonly path: string;
  readonly reason: string;
  readonly repair?: string;
}

export type CertificateReading =
  | { readonly kind: "certificate"; readonly certificate: DoorCertificate }
  | { readonly kind: "faults"; readonly faults: readonly CertificateFault[] };

const MAX_BYTES = 1024 * 1024;
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads the files anew and judges them at `now` (epoch milliseconds): all of them, so that every fault is told at once. */
export function readCertificate({ cert, key, clients }: DoorTls, now: number): CertificateReading {
  const faults: CertificateFault[] = [];
  const chain = readChain("cert", cert, faults);
  const privateKey = readKey(key, faults);
  const authorities = clients && readChain("clientCa", clients.ca, faults);
  const own = chain?.certificates[0];
  if (chain && own) faults.push(...termFaults(cert, own, now));
  if (own && privateKey && !own.checkPrivateKey(privateKey.key)) {
    const repair = "renew the two together; the door's own certificate comes first in its file";
    faults.push({ part: "key", path: key, reason: `is not the key of the certificate in \`${cert}\``, repair });
  }
  if (faults.length > 0 || !chain || !own || !privateKey) return { kind: "faults", faults };
  const certificate = { cert: chain.text, key: privateKey.text, ...(authorities && { clientCa: authorities.text }), notAfter: endOf(own) };
  const unusable = contextFault(certificate);
  return unusable === undefined
    ? { kind: "certificate", certificate }
    : {
        kind: "faults",
        faults: [{ part: "cert", path: cert, reason: `cannot be used for TLS (${unusable})`, repair: "have another one made" }],
      };
}

/** When a certificate ends, epoch milliseconds. */
export function endOf(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo);
}

interface Chain {
  readonly text: string;
  readonly certificates: readonly X509Certificate[];
}

function readChain(part: "cert" | "clientCa", path: string, faults: CertificateFault[]): Chain | undefined {
  const result = readText(path, MAX_BYTES);
  if (result.kind === "refused") return void faults.push({ part, path, reason: result.reason, ...repairOf(result.repair) });
  const blocks = result.text.match(CERTIFICATES) ?? [];
  if (blocks.length === 0) {
    const repair = "write it as PEM, which begins with `-----BEGIN CERTIFICATE-----`";
    return void faults.push({ part, path, reason: "holds no certificate", repair });
  }
  try {
    return { text: blocks.join("\n"), certificates: blocks.map((block) => new X509Certificate(block)) };
  } catch {
    return void faults.push({ part, path, reason: "holds a certificate that cannot be read", repair: "copy it anew, whole" });
  }
}

function readKey(path: string, faults: CertificateFault[]): { readonly text: string; readonly key: KeyObject } | undefined {
  const result = readText(path, MAX_BYTES);
  if (result.kind === "refused") return void faults.push({ part: "key", path, reason: result.reason, ...repairOf(result.repair) });
  try {
    return { text: result.text, key: createPrivateKey(result.text) };
  } catch {
    const repair = "write it as PEM, without a passphrase";
    return void faults.push({ part: "key", path, reason: "holds no private key that can be read", repair });
  }
}

function repairOf(repair: string | undefined): { readonly repair?: string } {
  return repair === undefined ? {} : { repair };
}

function instant(text: string): string {
  return new Date(Date.parse(text)).toISOString();
}

function termFaults(path: string, certificate: X509Certificate, now: number): readonly CertificateFault[] {
  const { validFrom, validTo } = certificate;
  if (endOf(certificate) <= now) return [{ part: "cert", path, reason: `expired on ${instant(validTo)}`, repair: "renew it" }];
  return Date.parse(validFrom) > now
    ? [{ part: "cert", path, reason: `is not valid before ${instant(validFrom)}`, repair: "set the clock, or wait until then" }]
    : [];
}

/** What OpenSSL has against them besides (a key that is too short, a digest that is too weak); its code alone. */
function contextFault({ cert, key, clientCa }: DoorCertificate): string | undefined {
  try {
    createSecureContext({ cert, key, ...(clientCa !== undefined && { ca: clientCa }) });
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  }
}
