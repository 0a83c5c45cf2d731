/** The one table of refusals: code, status, public words. The inner reason never stands here. */
export interface ErrorEntry {
  readonly status: number;
  /** What the client reads. */
  readonly message: string;
  /** When it is given: for the operator's reference. */
  readonly when: string;
}

export const ERRORS = {
  REQUEST_INVALID: {
    status: 400,
    message: "The request is malformed or ambiguous",
    when: "malformed or ambiguous target, header or framing",
  },
  CREDENTIALS_AMBIGUOUS: { status: 400, message: "More than one credential was sent", when: "more than one credential, or one repeated" },
  TOKEN_MISSING: { status: 401, message: "A credential is required", when: "no credential in any place that the service reads" },
  TOKEN_INVALID: { status: 401, message: "The credential is not valid", when: "anything wrong with a token or secret" },
  TOKEN_EXPIRED: { status: 401, message: "The token has expired", when: "a proved token past its `exp`" },
  KEY_INVALID: {
    status: 401,
    message: "The API key is not valid",
    when: "unknown, malformed, revoked or expired key, or its account disabled",
  },
  SIGNATURE_INVALID: { status: 401, message: "The signature is not valid", when: "any mismatch of a signed request" },
  WRONG_TOKEN_TYPE: {
    status: 403,
    message: "This kind of token is not accepted here",
    when: "a good credential that no authenticator of the route takes",
  },
  ORIGIN_NOT_ALLOWED: {
    status: 403,
    message: "This origin is not allowed",
    when: "a preflight, a WebSocket handshake or (where told to refuse) any request of an origin that is not listed",
  },
  ADDRESS_NOT_ALLOWED: { status: 403, message: "This address is not allowed", when: "the client's address is not in the route's `from`" },
  INSUFFICIENT_SCOPE: {
    status: 403,
    message: "The credential does not grant this operation",
    when: "a permission is lacking, and the authenticator has no role",
  },
  INSUFFICIENT_ROLE: {
    status: 403,
    message: "The caller's role does not allow this operation",
    when: "a permission is lacking, and the authenticator has a role",
  },
  TENANT_MISMATCH: {
    status: 403,
    message: "The request is about another tenant",
    when: "the tenant named is not the caller's, or the places that name one disagree, or one is required and none can be told; or the line says `crossTenantOnly`, whatever is named, and the caller may not cross tenants",
  },
  ROUTE_NOT_FOUND: { status: 404, message: "There is nothing here", when: "no line of the table, or a `denied` one" },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: "This method is not allowed here",
    when: "the path is in the table, for other methods (see `Allow`)",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    message: "The request took too long to arrive",
    when: "head or body of the request did not arrive in time",
  },
  BODY_TOO_LARGE: { status: 413, message: "The request body is too large", when: "the body is larger than the route's `body.max`" },
  TARGET_TOO_LONG: { status: 414, message: "The request target is too long", when: "the request target is longer than 8 KB" },
  BODY_TYPE_NOT_ALLOWED: {
    status: 415,
    message: "This media type is not accepted",
    when: "the body's media type is not in the route's `body.types`",
  },
  EXPECTATION_FAILED: { status: 417, message: "The expectation cannot be met", when: "an `Expect` other than `100-continue`" },
  HEADERS_TOO_LARGE: {
    status: 431,
    message: "The request headers are too large",
    when: "the head is larger than 16 KB or has more than 100 fields",
  },
  RATE_LIMITED: { status: 429, message: "Too many requests", when: "a limit is used up; `Retry-After` says for how long" },
  INTERNAL_ERROR: { status: 500, message: "The gateway failed", when: "a fault of the gateway's own; logged with its cause" },
  UPSTREAM_UNREACHABLE: {
    status: 502,
    message: "The service cannot be reached",
    when: "connection refused or reset, bad TLS, bad response",
  },
  UPSTREAM_UNAVAILABLE: { status: 503, message: "The service is not available", when: "no healthy target" },
  AUTH_UNAVAILABLE: {
    status: 503,
    message: "Credentials cannot be checked at the moment",
    when: "keys or key store out of reach and nothing trustworthy cached",
  },
  UPSTREAM_TIMEOUT: {
    status: 504,
    message: "The service did not answer in time",
    when: "the upstream did not connect or answer within the route's time-outs",
  },
  PROTOCOL_UNSUPPORTED: { status: 505, message: "This HTTP version is not supported", when: "a version other than HTTP/1.0 and HTTP/1.1" },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** The refusals that a brake `of: failures` counts and may turn into RATE_LIMITED. */
export const AUTHENTICATION_FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "TOKEN_MISSING",
  "TOKEN_INVALID",
  "TOKEN_EXPIRED",
  "KEY_INVALID",
  "SIGNATURE_INVALID",
]);
