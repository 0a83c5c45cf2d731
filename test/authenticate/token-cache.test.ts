import t from "tap";
import type { ProvedToken } from "../../src/pipeline/authenticate/jwt.ts";
import type { KeySet } from "../../src/pipeline/authenticate/key-set.ts";
import { createTokenCache } from "../../src/pipeline/authenticate/token-cache.ts";
import type { VerificationKey } from "../../src/pipeline/authenticate/verification-key.ts";
import { testClock } from "./fixtures/clock.ts";

const iss = "https://issuer.example/pool";
const NOW = 1_800_000_000_000;

/** A cache, and proofs by a key that can be taken away. */
function harness(maxBytes = 1_000_000) {
  const clock = testClock();
  const keys = new Set<VerificationKey>();
  const keySet: KeySet = {
    issuer: { iss, jwks: `${iss}/jwks.json`, algorithms: ["RS256"] },
    find: () => ({ kind: "unknown", reason: "" }),
    holds: (key) => keys.has(key),
  };
  const key: VerificationKey = { kid: "k1", fingerprint: "", verifiers: new Map() };
  keys.add(key);
  const proved = (exp: unknown = NOW / 1000 + 3600): ProvedToken => ({
    kind: "proved",
    proof: { kind: "jwt", iss, claims: { iss, exp } },
    keySet,
    key,
  });
  const kept = createTokenCache({ monotonicNow: clock.monotonicNow, maxBytes });
  const connection = {};
  const cache = {
    /** Twice: what is proved for the first time is kept by its connection alone. */
    put: (token: string, proof: ProvedToken, now: number) => {
      for (const _ of [1, 2]) kept.put(token, proof, now, {});
    },
    /** Asked twice: on the connection that has asked before, and on a new one. */
    get: (token: string, keySets: Parameters<typeof kept.get>[1], now: number) => {
      const again = kept.get(token, keySets, now, connection);
      t.equal(kept.get(token, keySets, now, {}), again, "a connection that remembers finds what any other finds");
      return again;
    },
  };
  return { clock, kept, cache, keySets: new Map([[iss, keySet]]), keySet, keys, proved };
}

t.test("the very same token is found, and no other", async (t) => {
  const { cache, keySets, proved } = harness();
  const kept = proved();
  cache.put("a.b.c", kept, NOW);
  t.equal(cache.get("a.b.c", keySets, NOW), kept.proof);
  for (const token of ["a.b.d", "a.b.", "a.b.c=", "A.b.c", "", "a.b.c "]) t.equal(cache.get(token, keySets, NOW), undefined, token);
});

t.test("tokens of one end are told apart, also where one takes the other's place", async (t) => {
  const { kept, cache, keySets, proved } = harness();
  const [mine, yours] = [proved(), proved()];
  const signature = "s".repeat(342);
  cache.put(`header.mine.${signature}`, mine, NOW);
  t.equal(cache.get(`header.mine.${signature}`, keySets, NOW), mine.proof);
  t.equal(cache.get(`header.yours.${signature}`, keySets, NOW), undefined);
  cache.put(`header.yours.${signature}`, yours, NOW);
  t.equal(cache.get(`header.yours.${signature}`, keySets, NOW), yours.proof);
  t.equal(kept.get(`header.mine.${signature}`, keySets, NOW, {}), undefined);
});

t.test("what lay in the cache is kept when it is proved anew, however much has come meanwhile", async (t) => {
  const { kept, cache, keySets, proved } = harness(100_000);
  cache.put("a.b.stays", proved(), NOW);
  for (let number = 0; number < 400; number++) kept.put(`a.b.${number * 7919}`, proved(), NOW, {});
  t.equal(kept.get("a.b.stays", keySets, NOW + 60_000, {}), undefined, "it has ended");
  kept.put("a.b.stays", proved(), NOW + 60_000, {});
  t.ok(kept.get("a.b.stays", keySets, NOW + 60_000, {}));
});

t.test("a token that is proved anew keeps its proof, and goes by the key that proved it last", async (t) => {
  const { kept, keySets, keys, proved } = harness();
  const first = proved();
  for (const _ of [1, 2]) t.equal(kept.put("a.b.c", first, NOW, {}), first.proof);
  const later: VerificationKey = { kid: "k2", fingerprint: "", verifiers: new Map() };
  keys.clear();
  keys.add(later);
  t.equal(kept.get("a.b.c", keySets, NOW, {}), undefined, "its key has gone");
  t.equal(kept.put("a.b.c", { ...proved(), key: later }, NOW + 30_000, {}), first.proof);
  t.equal(kept.get("a.b.c", keySets, NOW + 89_999, {}), first.proof);
  t.equal(kept.get("a.b.c", keySets, NOW + 29_999, {}), undefined, "it counts from when it was proved last");
  keys.clear();
  t.equal(kept.get("a.b.c", keySets, NOW + 30_000, {}), undefined);
});

t.test("a token proved by another key set has a proof of its own", async (t) => {
  const { kept, cache, keySets, keySet, proved } = harness();
  const [mine, theirs] = [proved(), { ...proved(), keySet: { ...keySet } }];
  cache.put("a.b.c", mine, NOW);
  t.equal(kept.put("a.b.c", theirs, NOW, {}), theirs.proof);
  t.equal(kept.get("a.b.c", keySets, NOW, {}), undefined);
  t.equal(kept.get("a.b.c", new Map([[iss, theirs.keySet]]), NOW, {}), theirs.proof);
});

t.test("what is proved once is found by its own connection, and the second time by all", async (t) => {
  const { kept, keySets, proved } = harness();
  const [own, other] = [{}, {}];
  kept.put("a.b.c", proved(), NOW, own);
  t.ok(kept.get("a.b.c", keySets, NOW, own));
  t.equal(kept.get("a.b.d", keySets, NOW, own), undefined);
  t.equal(kept.get("a.b.c", keySets, NOW, other), undefined);
  kept.put("a.b.c", proved(), NOW, other);
  t.ok(kept.get("a.b.c", keySets, NOW, {}));
});

t.test("tokens that come once only do not push out one that comes again", async (t) => {
  const { kept, keySets, proved } = harness(100_000);
  let found = 0;
  for (let number = 0; number < 2_000; number++) {
    kept.put(`a.b.${number * 7919}`, proved(), NOW, {});
    // The cache holds 97 of them.
    if (number % 110 !== 0) continue;
    if (kept.get("a.b.again", keySets, NOW, {})) found += 1;
    else for (const _ of [1, 2]) kept.put("a.b.again", proved(), NOW, {});
  }
  t.ok(found > 9, `found ${found} times of 19`);
});

t.test("an entry ends with the token's `exp`, by the wall clock", async (t) => {
  const { cache, keySets, proved } = harness();
  cache.put("a.b.c", proved(NOW / 1000 + 10), NOW);
  t.ok(cache.get("a.b.c", keySets, NOW + 9999));
  t.equal(cache.get("a.b.c", keySets, NOW + 10_000), undefined);
});

t.test("an entry ends after 60 s by either clock, however often it is used", async (t) => {
  const { cache, keySets, proved, clock } = harness();
  cache.put("wall", proved(), NOW);
  t.ok(cache.get("wall", keySets, NOW + 59_999));
  t.equal(cache.get("wall", keySets, NOW + 60_000), undefined);
  cache.put("monotonic", proved(), NOW);
  clock.advance(59_999);
  t.ok(cache.get("monotonic", keySets, NOW));
  clock.advance(1);
  t.equal(cache.get("monotonic", keySets, NOW), undefined);
});

t.test("J21: a wall clock set back or ahead makes entries end, not last", async (t) => {
  const { cache, keySets, proved } = harness();
  for (const jump of [-3_600_000, 3_600_000]) {
    cache.put("a.b.c", proved(), NOW);
    t.equal(cache.get("a.b.c", keySets, NOW + jump), undefined, String(jump));
  }
});

t.test("an expired token is not kept; one whose `exp` is no number is kept no longer than others", async (t) => {
  const { cache, keySets, proved } = harness();
  cache.put("expired", proved(NOW / 1000), NOW);
  t.equal(cache.get("expired", keySets, NOW), undefined);
  cache.put("odd", proved("never"), NOW);
  t.ok(cache.get("odd", keySets, NOW + 59_999));
  t.equal(cache.get("odd", keySets, NOW + 60_000), undefined);
});

t.test("an entry ends at once when its key has left the issuer's set", async (t) => {
  const { cache, keySets, proved, keys } = harness();
  cache.put("a.b.c", proved(), NOW);
  keys.clear();
  t.equal(cache.get("a.b.c", keySets, NOW), undefined);
});

t.test("a proof counts only for services that know the issuer by the same key set", async (t) => {
  const { cache, keySets, keySet, proved } = harness();
  cache.put("a.b.c", proved(), NOW);
  t.equal(cache.get("a.b.c", new Map([[iss, { ...keySet }]]), NOW), undefined);
  t.equal(cache.get("a.b.c", new Map(), NOW), undefined);
  t.ok(cache.get("a.b.c", keySets, NOW), "and it stays for those that do");
});

t.test("the cache is bounded by bytes: the least recently used go first, and what is too large is not kept", async (t) => {
  const { cache, keySets, proved } = harness(100_000);
  const tokens = Array.from({ length: 100 }, (_, number) => `${number}.`.padEnd(1000, "x"));
  for (const token of tokens) cache.put(token, proved(), NOW);
  const kept = tokens.filter((token) => cache.get(token, keySets, NOW) !== undefined);
  t.ok(kept.length > 0 && kept.length <= 50, `${kept.length} of 100 fit`);
  t.same(kept, tokens.slice(-kept.length));
  cache.put("y".repeat(50_000), proved(), NOW);
  t.equal(cache.get("y".repeat(50_000), keySets, NOW), undefined);
});
