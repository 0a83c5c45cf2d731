import { randomBytes } from "node:crypto";
import { JwtRsaVerifier } from "aws-jwt-verify";
import t, { type Test } from "tap";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import type { Proof } from "../../src/contract/caller.ts";
import type { Authenticator, Issuer } from "../../src/contract/authenticators.ts";
import { createIssuers } from "../../src/pipeline/authenticate/jwks.ts";
import { guardedLookup, jwksFetch } from "../../src/pipeline/authenticate/jwks-fetch.ts";
import { forbiddenHost } from "../../src/policy/addresses.ts";
import { createProver, issuersOf } from "../../src/pipeline/authenticate/prove.ts";
import { HeldBodies } from "../../src/pipeline/authenticate/sigv4/held-bodies.ts";
import { testClock } from "./fixtures/clock.ts";
import { exchangeWith } from "./fixtures/exchange.ts";
import { answerJson, issuerServer, keySetOf } from "./fixtures/issuer-server.ts";
import { base64url, ecKey, rsaKey, signParts, signToken } from "./fixtures/keys.ts";
import { keyRecord, keyStore } from "./fixtures/key-store.ts";
import { apiKeyAuthenticator, bearerAuthenticator, jwtAuthenticator, policyOf, serviceWith } from "./fixtures/policy.ts";

const k1 = rsaKey("k1");
const k2 = rsaKey("k2");
const iss = "https://issuer.example/pool";
const NOW = 1_800_000_000_000;
const claims = { iss, sub: "u1", client_id: "c1", exp: NOW / 1000 + 3600, iat: NOW / 1000 };
const { id: keyId, key: apiKey } = makeApiKey("sfk", randomBytes);

/** A prover over real sockets, with a service for each set of authenticators, and an issuer that has k1. */
async function harness(t: Test, authenticators: (issuer: Issuer) => readonly (readonly Authenticator[])[]) {
  const clock = testClock();
  const server = await issuerServer(t, answerJson(keySetOf(k1)));
  const issuer: Issuer = { iss, jwks: server.jwks, algorithms: ["RS256"] };
  const services = authenticators(issuer).map((list, number) => serviceWith(list, `service-${number}`));
  const policy = policyOf(...services);
  const issuers = createIssuers({ ...clock, fetch: jwksFetch(guardedLookup(forbiddenHost)), onEvent: () => undefined });
  t.teardown(() => issuers.close());
  issuers.use(issuersOf(policy));
  const keys = keyStore((service, id) => (id === keyId ? keyRecord(id, digestApiKey(apiKey), service) : undefined));
  const prover = createProver({
    policy,
    issuers,
    keys,
    now: () => NOW,
    monotonicNow: clock.monotonicNow,
    heldBodies: new HeldBodies(),
    randomBytes,
  });
  function prove(rawHeaders: string[], now = NOW, service = 0): Proof | Promise<Proof> {
    return prover.prove(services[service]!, exchangeWith({ rawHeaders }), now);
  }
  const bearer = (token: string, now = NOW, service = 0) => prove(["Authorization", `Bearer ${token}`], now, service);
  return { clock, server, issuers, keys, prover, prove, bearer };
}

const all = (issuer: Issuer) => [
  [jwtAuthenticator(issuer), bearerAuthenticator({ current: "a-static-secret" }), apiKeyAuthenticator("sfk")],
];

t.test("each kind of credential makes its proof, at once when the keys are there", async (t) => {
  const { prove, bearer, issuers, keys } = await harness(t, all);
  await issuers.ready();
  const proof = bearer(signToken(k1, claims));
  t.match(proof, { kind: "jwt", iss, claims: { sub: "u1" } });
  t.same(bearer("a-static-secret"), { kind: "secret", authenticator: "token", id: "current" });
  t.match(prove(["x-api-key", apiKey]), { kind: "key", authenticator: "key", key: { id: keyId, service: "service-0" } });
  t.same(keys.noted, [`service-0/${keyId} at ${NOW}`]);
  t.same(prove(["cookie", "session=x"]), { kind: "none" });
});

t.test("a token that comes before the first keys waits for them", async (t) => {
  const { bearer } = await harness(t, all);
  const proof = bearer(signToken(k1, claims));
  t.ok(proof instanceof Promise);
  t.match(await proof, { kind: "jwt" });
});

t.test("a secret with characters that no bearer token has never counts", async (t) => {
  const { bearer } = await harness(t, () => [[bearerAuthenticator({ odd: " spaced out" })]]);
  t.match(bearer(" spaced out"), { kind: "invalid", code: "TOKEN_INVALID" });
});

t.test("J18: tokens in query, cookie or other headers do not count", async (t) => {
  const { prove } = await harness(t, all);
  const token = signToken(k1, claims);
  t.same(prove(["cookie", `authorization=${token}`, "x-authorization", `Bearer ${token}`, "proxy-authorization", `Bearer ${token}`]), {
    kind: "none",
  });
});

t.test("H6, H7: more than one credential is ambiguous, though each be good", async (t) => {
  const { prove, keys } = await harness(t, all);
  const bearer = `Bearer ${signToken(k1, claims)}`;
  t.match(prove(["authorization", bearer, "authorization", bearer]), { kind: "ambiguous" });
  t.match(prove(["authorization", bearer, "x-api-key", apiKey]), { kind: "ambiguous" });
  t.match(prove(["x-api-key", apiKey, "x-api-key", apiKey]), { kind: "ambiguous" });
  t.same(keys.asked, []);
});

t.test("H9: another scheme in a place that the service reads or another form, is an invalid token and not a missing one", async (t) => {
  const { prove } = await harness(t, all);
  const secret = "a-static-secret";
  const spoilt = ["", " ", "  ", "Bearer", "Bearer ", `Bearer  ${secret}`, `Bearer\t${secret}`, `Bearer ${secret} `, `Bearer ${secret} x`];
  const quoted = [`Bearer "${secret}"`, `Bearer ${secret},`, `Bearer ${secret}, Bearer ${secret}`, `Bearer%20${secret}`, secret];
  for (const value of [...spoilt, ...quoted, `Basic ${secret}`, `Token ${secret}`, `Bearer ${secret.toUpperCase()}`]) {
    t.match(prove(["authorization", value]), { kind: "invalid", code: "TOKEN_INVALID" }, JSON.stringify(value));
  }
  for (const scheme of ["bearer", "BEARER", "Bearer"]) t.match(prove(["authorization", `${scheme} ${secret}`]), { kind: "secret" });
});

t.test("K10: a token shaped as a JWT is never a secret, and a secret never a JWT", async (t) => {
  const shaped = `${base64url('{"alg":"RS256"}')}.x.y`;
  const { bearer, issuers, server } = await harness(t, (issuer) => [
    [jwtAuthenticator(issuer), bearerAuthenticator({ shaped, plain: "a.b.c" })],
    [bearerAuthenticator({ shaped })],
    [jwtAuthenticator(issuer)],
  ]);
  await issuers.ready();
  t.match(bearer(shaped), { kind: "invalid", code: "TOKEN_INVALID" });
  t.match(bearer(shaped, NOW, 1), { kind: "invalid", code: "TOKEN_INVALID" });
  t.match(bearer("a.b.c"), { kind: "secret", id: "plain" });
  t.match(bearer("a.b.c", NOW, 2), { kind: "invalid", code: "TOKEN_INVALID" });
  t.match(bearer(signToken(k1, claims), NOW, 1), { kind: "invalid", code: "TOKEN_INVALID" });
  t.equal(server.requests(), 1);
});

t.test("J9: a token of more than 16 KB is refused unread", async (t) => {
  const { bearer, issuers } = await harness(t, all);
  await issuers.ready();
  t.match(bearer(signToken(k1, { ...claims, pad: "x".repeat(11_000) })), { kind: "jwt" });
  t.match(bearer(signToken(k1, { ...claims, pad: "x".repeat(13_000) })), { kind: "invalid", reason: /longer than/ });
});

t.test("J5: ten thousand unknown kids cause one fetch, and good tokens are proved meanwhile without waiting", async (t) => {
  const { bearer, issuers, server } = await harness(t, all);
  await issuers.ready();
  const good = signToken(k1, claims);
  const [, payload, signature] = good.split(".");
  const flood = Array.from({ length: 10_000 }, (_, number) => {
    const header = base64url(JSON.stringify({ alg: "RS256", kid: `kid-${number}` }));
    return bearer(`${header}.${payload}.${signature}`);
  });
  t.match(bearer(good), { kind: "jwt" });
  const proofs = await Promise.all(flood.map(async (proof) => proof));
  t.ok(proofs.every((proof) => proof.kind === "invalid" && proof.code === "TOKEN_INVALID"));
  t.match(await bearer(signToken(k2, claims)), { kind: "invalid", reason: /kid unknown/ });
  t.equal(server.requests(), 2);
});

t.test("J6: addresses and keys in the header cause no connection", async (t) => {
  const { bearer, issuers, server } = await harness(t, all);
  await issuers.ready();
  const trap = await issuerServer(t, answerJson(keySetOf(k2)));
  const pointing = { kid: "k1", jku: trap.jwks, x5u: trap.jwks, jwk: k2.jwk, x5c: ["AA"] };
  t.match(bearer(signToken(k2, claims, pointing)), { kind: "invalid" });
  t.match(bearer(signToken(k2, { ...claims, iss: trap.jwks }, pointing)), { kind: "invalid" });
  t.equal(trap.requests(), 0);
  t.equal(server.requests(), 1);
});

t.test("J19b, J19i: a token proved twice is proved again from memory, with the same frozen claims", async (t) => {
  const { bearer, issuers } = await harness(t, all);
  await issuers.ready();
  await bearer(signToken(k1, claims));
  const first = await bearer(signToken(k1, claims));
  if (first.kind !== "jwt") return t.fail(first.kind);
  const again = signParts(JSON.stringify({ alg: "RS256", kid: "k1" }), JSON.stringify(claims), k1.privateKey);
  t.equal(bearer(again, NOW + 1000), first);
  t.ok(Object.isFrozen(first) && Object.isFrozen(first.claims));
});

t.test("J19c: a cached token fails as soon as its key has left the set", async (t) => {
  const { bearer, issuers, server, clock } = await harness(t, all);
  await issuers.ready();
  const token = signToken(k1, claims);
  t.match(bearer(token), { kind: "jwt" });
  server.answerWith(answerJson(keySetOf(k2)));
  clock.advance(30_000);
  t.match(await bearer(signToken(k2, claims)), { kind: "jwt" }, "the new kid brings the new set");
  t.match(await bearer(token), { kind: "invalid", reason: /kid unknown/ });
});

t.test("J19d: with the issuer down tokens are proved until the hard age, then it is unavailable, cached or not", async (t) => {
  const { bearer, issuers, server, clock } = await harness(t, all);
  await issuers.ready();
  server.answerWith((_request, response) => response.writeHead(503).end());
  clock.advance(24 * 3_600_000);
  const token = signToken(k1, claims);
  t.match(bearer(token), { kind: "jwt" });
  clock.advance(1);
  t.match(await bearer(token), { kind: "unavailable", reason: /status 503/ });
});

t.test("J19g: a failure is forgotten: the same token is proved once its key is there", async (t) => {
  const { bearer, issuers, server, clock } = await harness(t, all);
  await issuers.ready();
  const token = signToken(k2, claims);
  t.match(await bearer(token), { kind: "invalid", reason: /kid unknown/ });
  server.answerWith(answerJson(keySetOf(k1, k2)));
  clock.advance(30_000);
  t.match(await bearer(token), { kind: "jwt" });
});

t.test("J19h: a token proved for one service counts in another only by that one's own issuers", async (t) => {
  const other = await issuerServer(t, answerJson(keySetOf(rsaKey("k1"))));
  const { bearer, issuers } = await harness(t, (issuer) => [
    [jwtAuthenticator(issuer)],
    [jwtAuthenticator({ ...issuer, jwks: other.jwks })],
    [jwtAuthenticator({ ...issuer, iss: `${iss}2` })],
  ]);
  await issuers.ready();
  const token = signToken(k1, claims);
  t.match(bearer(token), { kind: "jwt" });
  t.match(bearer(token, NOW, 1), { kind: "invalid", reason: /does not verify/ });
  t.match(bearer(token, NOW, 2), { kind: "invalid", reason: /iss/ });
  t.match(bearer(token), { kind: "jwt" });
});

t.test("J19k: tokens that fail displace nothing", async (t) => {
  const { bearer, issuers } = await harness(t, all);
  await issuers.ready();
  const token = signToken(k1, claims);
  void bearer(token);
  const first = bearer(token);
  const [header, , signature] = token.split(".");
  for (let number = 0; number < 2000; number += 1)
    void bearer(`${header}.${base64url(JSON.stringify({ ...claims, number }))}.${signature}`);
  t.equal(bearer(token), first);
});

t.test("an issuer that was never reached is unavailable for every kid; secrets and keys go on working", async (t) => {
  const { prove, bearer, issuers } = await harness(t, (issuer) => all({ ...issuer, jwks: "http://127.0.0.1:1/jwks.json" }));
  await issuers.ready();
  t.match(bearer(signToken(k1, claims)), { kind: "unavailable", reason: /ECONNREFUSED/ });
  t.match(bearer("a-static-secret"), { kind: "secret" });
  t.match(prove(["x-api-key", apiKey]), { kind: "key" });
});

t.test("times and token types are not judged here", async (t) => {
  const { bearer, issuers } = await harness(t, all);
  await issuers.ready();
  for (const odd of [{ exp: 0 }, { exp: "never" }, { exp: 1e300 }, { nbf: 1e12 }, { iat: 1e12 }, { token_use: "refresh" }]) {
    t.match(bearer(signToken(k1, { ...claims, ...odd })), { kind: "jwt" });
  }
});

t.test("a service of another policy is a fault of ours", async (t) => {
  const { prover } = await harness(t, all);
  t.throws(() => prover.prove(serviceWith([], "stranger"), exchangeWith({ rawHeaders: [] }), NOW), /not of this policy/);
});

t.test("an independent verifier comes to the same verdict", async (t) => {
  const { bearer, issuers, server } = await harness(t, all);
  await issuers.ready();
  const judge = JwtRsaVerifier.create({ issuer: iss, audience: null, jwksUri: server.jwks, graceSeconds: 0 });
  judge.cacheJwks(JSON.parse(keySetOf(k1)));
  const current = { ...claims, exp: 4_000_000_000, iat: 1 };
  const good = signToken(k1, current);
  const [header, payload, signature] = good.split(".");
  const tokens: Readonly<Record<string, string>> = {
    good,
    "another key": signToken({ ...k2, kid: "k1" }, current),
    "another issuer": signToken(k1, { ...current, iss: `${iss}/` }),
    "another algorithm": signToken(k1, current, { alg: "RS512" }),
    "no algorithm": `${base64url('{"alg":"none","kid":"k1"}')}.${payload}.`,
    "an elliptic key": signToken(ecKey("k1"), current),
    "no kid": signToken(k1, current, { kid: undefined }),
    "two parts": `${header}.${payload}`,
    "changed payload": `${header}.${base64url(JSON.stringify({ ...current, sub: "u2" }))}.${signature}`,
    "payload no object": signParts(JSON.stringify({ alg: "RS256", kid: "k1" }), "[]", k1.privateKey),
  };
  for (const [name, token] of Object.entries(tokens)) {
    const accepted = (await bearer(token)).kind === "jwt";
    const expected = await judge.verify(token).then(
      () => true,
      () => false,
    );
    t.equal(accepted, expected, name);
    t.equal(accepted, name === "good", name);
  }
});
