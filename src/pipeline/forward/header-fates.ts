/** Which of a client's headers never reach an upstream, whatever the policy says. Names as `headerKey` gives them. */

/** RFC 9110 section 7.6.1, and what the two legs' own framing and handshakes use. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "content-length",
  "expect",
  "host",
];

/** Where a request came from: told anew by the gateway. */
const FORWARDING = [
  "forwarded",
  "via",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-originating-ip",
  "fastly-client-ip",
  "client-ip",
  "x-host",
];

/** Headers by which some servers let a request change its own method or target. */
const OVERRIDES = ["x-http-method", "x-http-method-override", "x-method-override", "x-middleware-subrequest"];

/** Well-known headers by which a proxy tells who is calling. */
const IDENTITY = [
  "remote-user",
  "x-user",
  "x-username",
  "x-tenant",
  "x-role",
  "x-roles",
  "x-groups",
  "x-scopes",
  "x-permissions",
  "x-credential-identifier",
  "client-cert",
  "client-cert-chain",
  "x-goog-iap-jwt-assertion",
];

/** Credentials; they pass only where the service says so. */
const CREDENTIALS = ["authorization", "cookie", "x-amz-security-token"];

const PREFIXES = [
  "proxy-",
  "sec-websocket-",
  "x-forwarded-",
  "x-real-",
  "cf-connecting-",
  "x-original-",
  "x-rewrite-",
  "remote-",
  "x-remote-",
  "x-user-",
  "x-tenant-",
  "x-auth-",
  "x-authenticated-",
  "x-amzn-oidc-",
  "x-goog-authenticated-user-",
  "x-ms-client-principal",
  "cf-access-",
  "x-consumer-",
  "x-client-cert",
  "x-ssl-",
  "ssl-client-",
  "impersonate-",
  "x-internal",
  "x-gateway-",
  "x-envoy-",
];

const NAMES: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...FORWARDING, ...OVERRIDES, ...IDENTITY, ...CREDENTIALS]);

/** True when a client's header of this key is never passed on as it stands. */
export function isReserved(key: string): boolean {
  return NAMES.has(key) || PREFIXES.some((prefix) => key.startsWith(prefix));
}

/** Headers of an upstream's answer that end at the gateway. Lower case. */
const ANSWER_NAMES: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "te",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "server",
  "x-powered-by",
  "x-decision-id",
]);
const ANSWER_PREFIXES = ["proxy-", "access-control-"];

/** True when an upstream's header of this lower-case name is never passed on to the client. */
export function isReservedInAnswer(name: string): boolean {
  return ANSWER_NAMES.has(name) || ANSWER_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/**
 * Remembers an answer for each spelling of a name that has been seen, so that known spellings cost one look-up.
 * Bounded, since strangers choose the spellings: when it is full it starts afresh.
 */
export function rememberByName<T>(decide: (name: string) => T, capacity = 1000): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    if (known.size >= capacity) known.clear();
    const decided = decide(name);
    known.set(name, decided);
    return decided;
  };
}

/** Keys of the headers that a `Connection` header names; undefined when it names none (RFC 9110 section 7.6.1). */
export function connectionNames(connection: string | undefined, keyOf: (name: string) => string): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return undefined;
  return new Set(connection.split(",").map((name) => keyOf(name.trim())));
}
