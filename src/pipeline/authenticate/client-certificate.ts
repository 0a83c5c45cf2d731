/** Client certificates: which account a connection's stands for. The TLS handshake has proved that the client holds its key. */
import type { X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Account, Proof } from "../../contract/caller.ts";
import type { Authenticator, CertificateSubject, MtlsAuthenticator } from "../../contract/authenticators.ts";
import { type KeyReader, StoreUnavailable } from "../../contract/stores.ts";

/** What a client showed in its handshake. Instants are epoch milliseconds. */
export interface ClientCertificate {
  /** Its chain leads to the door's authorities and held at the time of the handshake. */
  readonly trusted: boolean;
  /** SHA-256 of the whole certificate, in hexadecimal digits. */
  readonly fingerprint: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** Values of each field that may name an account. */
  readonly names: Readonly<Record<CertificateSubject, readonly string[]>>;
}

/** Certificates of open connections; `null` where the client showed none. */
const shown = new WeakMap<TLSSocket, ClientCertificate | null>();

/** The certificate of the connection; undefined on a connection without TLS, or where the client showed none. */
export function clientCertificate(socket: Socket): ClientCertificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = shown.get(socket);
  if (known !== undefined) return known ?? undefined;
  const certificate = socket.getPeerX509Certificate();
  const read = certificate ? readCertificate(certificate, socket.authorized) : null;
  shown.set(socket, read);
  return read ?? undefined;
}

/** The service's authenticator for certificates; a policy has at most one in a service. */
export function certificateAuthenticator(authenticators: readonly Authenticator[]): MtlsAuthenticator | undefined {
  return authenticators.find((authenticator) => authenticator.kind === "mtls");
}

/** Finds the account that a certificate stands for. State of the account and the certificate's end are not looked at. */
export function proveCertificate(
  keys: KeyReader,
  service: string,
  authenticator: MtlsAuthenticator,
  certificate: ClientCertificate,
): Proof | Promise<Proof> {
  if (!certificate.trusted)
    return invalid("the client's certificate does not lead to an authority of the front door, or is out of its term");
  const [id, ...others] = certificate.names[authenticator.subject];
  if (id === undefined) return invalid(`the client's certificate has no ${authenticator.subject}`);
  if (others.length > 0) return invalid(`the client's certificate has more than one ${authenticator.subject}`);
  const judge = (account: Account | undefined) => proofOf(authenticator.name, certificate, account);
  try {
    const found = keys.account(service, id);
    return found instanceof Promise ? found.then(judge).catch(unavailable) : judge(found);
  } catch (error) {
    return unavailable(error);
  }
}

function proofOf(authenticator: string, { fingerprint, notBefore, notAfter }: ClientCertificate, account: Account | undefined): Proof {
  if (account === undefined) return invalid("no account of the service has the id that the client's certificate names");
  const { service } = account;
  return { kind: "key", authenticator, key: { id: fingerprint, service, account, scopes: [], createdAt: notBefore, expiresAt: notAfter } };
}

function invalid(reason: string): Proof {
  return { kind: "invalid", code: "TOKEN_INVALID", reason };
}

function unavailable(error: unknown): Proof {
  if (error instanceof StoreUnavailable) return { kind: "unavailable", reason: `key store: ${error.message}` };
  throw error;
}

function readCertificate(certificate: X509Certificate, trusted: boolean): ClientCertificate {
  const alternatives = alternativeNames(certificate.subjectAltName ?? "");
  return {
    trusted,
    fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    names: {
      commonName: commonNames(certificate),
      dnsName: alternatives.get("DNS") ?? [],
      email: alternatives.get("email") ?? [],
      uri: alternatives.get("URI") ?? [],
    },
  };
}

/** From the parsed form, where no character of a name can pass for a separator. */
function commonNames(certificate: X509Certificate): readonly string[] {
  const subject: Partial<Record<"CN", unknown>> | undefined = certificate.toLegacyObject().subject;
  const names: readonly unknown[] = [subject?.CN].flat();
  return names.filter((name) => typeof name === "string");
}

const ALTERNATIVE = /([A-Za-z ]+):([^",\\]*)(?:, |$)/y;

/**
 * Type → values, of `DNS:a.example, URI:urn:b`. Node quotes a value that holds a comma or a quotation mark; nothing that
 * looks so can be an account's id, and a certificate with such a name has none that count.
 */
export function alternativeNames(text: string): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  let at = 0;
  while (at < text.length) {
    ALTERNATIVE.lastIndex = at;
    const match = ALTERNATIVE.exec(text);
    if (match === null) return new Map();
    const [whole, type = "", value = ""] = match;
    names.set(type, [...(names.get(type) ?? []), value]);
    at += whole.length;
  }
  return names;
}
