/** The guards, each with the code that it is and what stands there when it is turned off. */

export interface Mutation {
  readonly name: string;
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly code: string;
  readonly instead: string;
  /** One of them must turn red. */
  readonly tests: readonly string[];
}

const PATH = "test/decision/path.test.ts";
const MATCH = "test/decision/match.test.ts";
const CORS = "test/decision/cors.test.ts";
const IDENTIFY = "test/decision/identify.test.ts";
const CERTIFICATES = "test/journey/client-certificates.test.ts";
const TLS = "test/journey/tls.test.ts";

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "path: decode twice",
    file: "src/decision/path.ts",
    code: "return decodeURIComponent(raw);",
    instead: "return decodeURIComponent(decodeURIComponent(raw));",
    tests: [PATH],
  },
  {
    name: "path: let dot segments through",
    file: "src/decision/path.ts",
    code: 'return loose === "" || loose === "." || loose === "..";',
    instead: "return false;",
    tests: [PATH],
  },
  {
    name: "path: let what could be decoded again through",
    file: "src/decision/path.ts",
    code: "if (DECODABLE_AGAIN.test(segment))",
    instead: "if (false)",
    tests: [PATH],
  },
  {
    name: "path: let control characters and backslashes through",
    file: "src/decision/path.ts",
    code: "if (FORBIDDEN_DECODED.test(segment))",
    instead: "if (false)",
    tests: [PATH],
  },
  {
    name: "match: take a disguised literal for a value",
    file: "src/decision/match.ts",
    code: "return loose?.route === strict.route ? strict : undefined;",
    instead: "return loose ? strict : undefined;",
    tests: [MATCH],
  },
  {
    name: "match: fall through to a shorter prefix",
    file: "src/decision/match.ts",
    code: "return strict === loose ? strict : undefined;",
    instead: "return strict;",
    tests: [MATCH],
  },
  {
    name: "route: open what the table denies",
    file: "src/decision/decide.ts",
    code: 'if (route.access.kind === "denied") return deny("ROUTE_NOT_FOUND", "the table denies it");',
    instead: "",
    tests: [MATCH],
  },
  {
    name: "route: let an encoded slash through",
    file: "src/decision/decide.ts",
    code: "if (request.path.encodedSlash && !route.encodedSlash)",
    instead: "if (false)",
    tests: [MATCH],
  },
  {
    name: "cors: take every origin",
    file: "src/decision/cors.ts",
    code: "if (origin === undefined || !cors.origins.has(origin)) return VARY;",
    instead: "if (origin === undefined) return VARY;",
    tests: [CORS],
  },
  {
    name: "cors: answer a preflight of any origin",
    file: "src/decision/cors.ts",
    code: "if (!cors.origins.has(request.origin!))",
    instead: "if (false)",
    tests: [CORS],
  },
  {
    name: "cors: let a foreign page open a WebSocket",
    file: "src/decision/cors.ts",
    code: "return request.websocket && request.origin !== undefined;",
    instead: "return false;",
    tests: [CORS],
  },
  {
    name: "token: do not look at exp",
    file: "src/decision/identify.ts",
    code: 'if (expiryOf(claims) <= now) return { code: "TOKEN_EXPIRED", reason: "exp has passed" };',
    instead: "",
    tests: [IDENTIFY],
  },
  {
    name: "token: give exp a leeway",
    file: "src/decision/identify.ts",
    code: "if (expiryOf(claims) <= now)",
    instead: "if (expiryOf(claims) + 60_000 <= now)",
    tests: [IDENTIFY],
  },
  {
    name: "token: do not look at iss",
    file: "src/decision/identify.ts",
    code: 'if (authenticator.kind !== "jwt" || authenticator.issuer.iss !== iss) continue;',
    instead: 'if (authenticator.kind !== "jwt") continue;',
    tests: [IDENTIFY],
  },
  {
    name: "token: do not look at token_use",
    file: "src/decision/claims.ts",
    code: 'if (claims["token_use"] !== authenticator.use)',
    instead: "if (false)",
    tests: [IDENTIFY],
  },
  {
    name: "token: do not look at client_id and aud",
    file: "src/decision/claims.ts",
    code: "if (member) return member;",
    instead: "",
    tests: [IDENTIFY],
  },
  {
    name: "token: let any lifetime pass",
    file: "src/decision/claims.ts",
    code: "if (lifetimeMs <= 0 || lifetimeMs > authenticator.maxLifetimeMs)",
    instead: "if (false)",
    tests: [IDENTIFY],
  },
  {
    name: "token: let a person's scopes count",
    file: "src/decision/identify.ts",
    code: 'scopes: kind === "machine" ? scopes : []',
    instead: "scopes",
    tests: [IDENTIFY],
  },
  {
    name: "token: let a machine's groups count",
    file: "src/decision/identify.ts",
    code: 'groups: kind === "person" ? groups : []',
    instead: "groups",
    tests: [IDENTIFY],
  },
  {
    name: "key: do not cut by the owner's role",
    file: "src/decision/standing.ts",
    code: "(roleGrants ? intersection(granted, roleGrants) : granted)",
    instead: "granted",
    tests: [IDENTIFY],
  },
  {
    name: "key: do not look at revocation",
    file: "src/decision/identify.ts",
    code: 'if (key.revokedAt !== undefined) return "it was revoked";',
    instead: "",
    tests: [IDENTIFY],
  },
  {
    name: "key: do not look at the account's state",
    file: "src/decision/identify.ts",
    code: "return key.account.enabled ? undefined :",
    instead: "return true ? undefined :",
    tests: [IDENTIFY],
  },
  {
    name: "tenant: do not compare with the caller's",
    file: "src/decision/tenant.ts",
    code: 'named.kind === "one" && (caller.crossTenant || caller.tenants.includes(named.tenant));',
    instead: 'named.kind === "one";',
    tests: [IDENTIFY],
  },
  {
    name: "tenant: look at the first place alone",
    file: "src/decision/tenant.ts",
    code: "if (!values.every((value) => value === first))",
    instead: "if (false)",
    tests: [IDENTIFY],
  },
  {
    name: "tenant: compare group patterns by their beginning",
    file: "src/decision/standing.ts",
    code: "return group.slice(prefix.length, group.length - suffix.length);",
    instead: "return group.slice(prefix.length, prefix.length + 2);",
    tests: [IDENTIFY],
  },
  {
    name: "permission: grant everything",
    file: "src/decision/authorize.ts",
    code: "if (!satisfies(grantsOf(caller, undefined), route.access))",
    instead: "if (false)",
    tests: [IDENTIFY],
  },
  {
    name: "certificates: believe one of any authority",
    file: "src/pipeline/authenticate/client-certificate.ts",
    code: "if (!certificate.trusted)",
    instead: "if (false)",
    tests: [CERTIFICATES],
  },
  {
    name: "certificates: take the first of several names",
    file: "src/pipeline/authenticate/client-certificate.ts",
    code: "if (others.length > 0)",
    instead: "if (false)",
    tests: [CERTIFICATES],
  },
  {
    name: "certificates: take one beside another credential",
    file: "src/pipeline/authenticate/prove.ts",
    code: "    if (certificate)\n",
    instead: '    if (certificate && readCredential(exchange.request.rawHeaders).kind === "none")\n',
    tests: [CERTIFICATES],
  },
  {
    name: "certificates: keep connections of authorities that are gone",
    file: "src/gateway.ts",
    code: "if (newAuthorities) connections.renew();",
    instead: "",
    tests: [CERTIFICATES],
  },
  {
    name: "TLS: agree on HTTP/2",
    file: "src/front-door.ts",
    code: 'const PROTOCOLS = ["http/1.1"];',
    instead: 'const PROTOCOLS = ["h2", "http/1.1"];',
    tests: [TLS],
  },
  {
    name: "headers: pass identity, forwarding and override headers on",
    file: "src/pipeline/forward/header-fates.ts",
    code: "return NAMES.has(key) || PREFIXES.some((prefix) => key.startsWith(prefix));",
    instead: "return false;",
    tests: ["test/forward/request-headers.test.ts", "test/security/headers.test.ts"],
  },
  {
    name: "headers: pass the upstream's CORS and server headers on",
    file: "src/pipeline/forward/header-fates.ts",
    code: "return ANSWER_NAMES.has(name) || ANSWER_PREFIXES.some((prefix) => name.startsWith(prefix));",
    instead: "return false;",
    tests: ["test/forward/answers.test.ts", "test/security/headers-of-answers.test.ts"],
  },
  {
    name: "framing: read on behind a request that was refused for its framing",
    file: "src/pipeline/unread-body.ts",
    code: "return closing.has(socket);",
    instead: "return false;",
    tests: ["test/security/framing.test.ts"],
  },
  {
    name: "credentials: take the first of several",
    file: "src/pipeline/authenticate/credentials.ts",
    code: "if (place !== undefined) return ambiguous(place, found);",
    instead: "if (place !== undefined) continue;",
    tests: ["test/authenticate/credentials.test.ts", "test/security/headers-of-credentials.test.ts"],
  },
  {
    name: "token: let jti and aud be of any type",
    file: "src/pipeline/authenticate/jwt.ts",
    code: "const trouble = typeTrouble(payload);",
    instead: "const trouble = undefined as string | undefined;",
    tests: ["test/authenticate/jwt.test.ts"],
  },
  {
    name: "key: do not compare the digest",
    file: "src/pipeline/authenticate/key.ts",
    code: "const equal = stored.length === digest.length && timingSafeEqual(stored, digest);",
    instead: "const equal = stored.length === digest.length;",
    tests: ["test/security/keys.test.ts"],
  },
  {
    name: "signature: do not compare it",
    file: "src/pipeline/authenticate/sigv4/prove.ts",
    code: "const equal = timingSafeEqual(hmac(signingKey, about + digest), signature);",
    instead: "const equal = hmac(signingKey, about + digest).length === signature.length;",
    tests: ["test/authenticate/sigv4.test.ts"],
  },
  {
    name: "signature: do not hash the body that is forwarded",
    file: "src/pipeline/forward/client-body.ts",
    code: "if (this.#hash !== undefined && sha256 !== undefined && !timingSafeEqual(this.#hash.digest(), sha256)) {",
    instead: "if (false) {",
    tests: ["test/security/sigv4.test.ts"],
  },
];
