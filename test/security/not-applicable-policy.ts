/**
 * Classes J, K, C, R, F and L: every row has a test whose name begins with its number, so that none is wholly out of place.
 * Here stands which part of a row does not apply, or is held in another way than the row says, and why.
 */
export const PARTS_NOT_APPLICABLE: ReadonlyMap<string, string> = new Map([
  ["J15", "`aud` of an access token is looked at by nobody: Cognito's access tokens name their client in `client_id`, and that counts"],
  [
    "J17",
    "no rule reads `email` or `email_verified`: a claim counts only where the policy names it, and which one is immutable the operator knows",
  ],
  ["J18", "no place but `Authorization` can be configured for a token"],
  [
    "J19",
    "(e) a disabled user or a global sign-out is not seen: a token is good until its `exp`, which `maxLifetime` bounds; the issuer is asked for keys only, never about a token",
  ],
  ["K2", "a proved key is not cached: revocation and every change of the account hold for the very next request"],
  [
    "K4",
    "spaces and tabs around a field's value are no part of it (RFC 9110 section 5.5), and the parser takes them off: such a key is the key",
  ],
  ["K8", "nothing is remembered of a key that does not exist; how often the store is asked is bounded by the limit by address"],
  [
    "K9",
    "no mean is measured: that the same steps are taken, and each comparison is `timingSafeEqual` on 32 bytes, is what the tests count",
  ],
  ["C3", "spaces and tabs around `Origin` are no part of its value (RFC 9110 section 5.5)"],
  ["C14", "there is no rule for subdomains: each origin is listed, and a wildcard does not load"],
  [
    "R2",
    "an IPv6 client counts by its /64; whoever holds a /56 has 256 of them, which is why failed credentials are no secret's only protection",
  ],
  [
    "R4",
    "what the parser or the edge stage refuses with 400 matches no service: it counts in the gateway file's limits by address alone, and ends its connection where framing is in doubt",
  ],
  [
    "R6",
    "a caller who proves two identities (a token's subject and a key's account) has the budget of both; the limit by address bounds the sum",
  ],
  ["R8", "this version has no shared counter store: `redis:` and `onStoreFailure` do not load"],
  ["R9", "the window is exact, so that no factor needs to be stated; two instances count apart, as in R10"],
  ["R10", "`memory` counts within one process: N processes allow N times the limit, as the reference says"],
  ["R12", "a message within an open WebSocket is no request and is not counted; its size and the connection's life are bounded (class W)"],
  [
    "F1",
    "keys may come from a private address over https, since issuers stand in private networks too; what is refused is link-local and metadata addresses, as written and as resolved, and http beyond loopback",
  ],
  [
    "F2",
    "there is no discovery: the address of the keys stands in the policy. Against rebinding each fetch resolves the name anew and looks at its addresses, and TLS proves it",
  ],
  [
    "L6",
    "decided: a protected route answers 401, so that clients learn that they need a credential; a `denied` one cannot be told from one that is not there",
  ],
  ["L7", "core dumps are a matter of the machine, not of the gateway"],
]);
