/** What failed connections mean to an operator, by the codes of Node and OpenSSL. */

export interface NetworkFault {
  readonly words: string;
  readonly repair: string;
}

const TRUST = "give the authority's certificate in NODE_EXTRA_CA_CERTS, or let the server send its whole chain";
const UNKNOWN_AUTHORITY: NetworkFault = { words: "its certificate is of an authority that is not trusted here", repair: TRUST };

const FAULTS = new Map<string, NetworkFault>([
  ["ECONNREFUSED", { words: "the connection was refused", repair: "start it, or correct host and port" }],
  ["ECONNRESET", { words: "the connection was reset", repair: "look whether it speaks what the address says: http or https" }],
  ["ENOTFOUND", { words: "its name is not known", repair: "correct the host, or the resolver of this machine" }],
  ["EAI_AGAIN", { words: "its name could not be looked up", repair: "look at the resolver of this machine" }],
  ["EHOSTUNREACH", { words: "there is no way to its host", repair: "look at routes and firewalls" }],
  ["ENETUNREACH", { words: "there is no way to its network", repair: "look at routes and firewalls" }],
  ["ETIMEDOUT", { words: "nothing answered in time", repair: "look at firewalls between here and there" }],
  ["SELF_SIGNED_CERT_IN_CHAIN", UNKNOWN_AUTHORITY],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", { words: "its certificate is signed by itself", repair: TRUST }],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", UNKNOWN_AUTHORITY],
  ["UNABLE_TO_GET_ISSUER_CERT", UNKNOWN_AUTHORITY],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", UNKNOWN_AUTHORITY],
  ["CERT_HAS_EXPIRED", { words: "its certificate has expired", repair: "renew it" }],
  ["CERT_NOT_YET_VALID", { words: "its certificate is not valid yet", repair: "look at the clocks here and there" }],
  [
    "ERR_TLS_CERT_ALTNAME_INVALID",
    { words: "its certificate is for another name", repair: "use a name that it holds, or renew it with this one" },
  ],
  ["ERR_SSL_WRONG_VERSION_NUMBER", { words: "it does not speak TLS", repair: "write `http:`, or correct the port" }],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", { words: "it does not speak TLS", repair: "write `http:`, or correct the port" }],
]);

/** The fault with this code, or with that message where none is known. */
export function networkFault(code: string, message: string): NetworkFault {
  return FAULTS.get(code) ?? { words: message === "" ? code : message, repair: "look at the address, and at what answers there" };
}

/** The code of an error, or of what caused it; `""` where there is none. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return "code" in error && typeof error.code === "string" ? error.code : codeOf(error.cause);
}
