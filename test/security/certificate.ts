/** Self-signed certificates (RFC 5280) of any name and any validity, such as no tool likes to make. */
import { generateKeyPairSync, randomUUID, sign } from "node:crypto";

export interface Certificate {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
}

export interface CertificateOptions {
  readonly name: { readonly dns: string } | { readonly ip: string };
  /** From a day ago for a day more where nothing is given. */
  readonly from?: Date;
  readonly until?: Date;
}

const DAY_MS = 86_400_000;
const ECDSA_WITH_SHA256 = sequence(oid("2a8648ce3d040302"));

export function makeCertificate({ name, from, until }: CertificateOptions): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // trusted certificates are looked up by their subject
  const who = sequence(der(0x31, sequence(oid("550403"), der(0x0c, Buffer.from(randomUUID())))));
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ECDSA_WITH_SHA256,
    who,
    sequence(time(from ?? new Date(Date.now() - DAY_MS)), time(until ?? new Date(Date.now() + DAY_MS))),
    who,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(authority(), alternativeName(name))),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", content, privateKey));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    cert: pem(sequence(content, ECDSA_WITH_SHA256, signature)),
  };
}

/** Basic constraints: it may vouch for itself. */
function authority(): Buffer {
  return sequence(oid("551d13"), der(0x01, Buffer.from([255])), der(0x04, sequence(der(0x01, Buffer.from([255])))));
}

function alternativeName(name: CertificateOptions["name"]): Buffer {
  const general = "dns" in name ? der(0x82, Buffer.from(name.dns)) : der(0x87, Buffer.from(name.ip.split(".").map(Number)));
  return sequence(oid("551d11"), der(0x04, sequence(general)));
}

function time(instant: Date): Buffer {
  return der(0x18, Buffer.from(`${instant.toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`));
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, ...parts);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

/** Tag, length and content (X.690 section 8.1). */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function pem(bytes: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${bytes.toString("base64").replaceAll(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
}
