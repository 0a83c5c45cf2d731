import t from "tap";
import type { Issuer } from "../../src/contract/authenticators.ts";
import { createIssuers } from "../../src/pipeline/authenticate/jwks.ts";
import type { IssuerEvent } from "../../src/pipeline/authenticate/key-set.ts";
import { testClock } from "./fixtures/clock.ts";
import { keySetOf } from "./fixtures/issuer-server.ts";
import { rsaKey } from "./fixtures/keys.ts";

const k1 = rsaKey("k1");
const k2 = rsaKey("k2");
const pool: Issuer = { iss: "https://issuer.example/pool", jwks: "https://issuer.example/pool/jwks.json", algorithms: ["RS256"] };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

type Answer = string | Error | Promise<string>;

/** Issuers over a pretended network whose next answers the test sets. */
function harness(t: { teardown(close: () => unknown): void }, answer: Answer) {
  const clock = testClock();
  const events: IssuerEvent[] = [];
  const network = { answer, fetches: 0, urls: [] as string[], signals: [] as AbortSignal[] };
  const issuers = createIssuers({
    ...clock,
    onEvent: (event) => events.push(event),
    async fetch(url, signal) {
      network.fetches += 1;
      network.urls.push(url);
      network.signals.push(signal);
      const body = await network.answer;
      if (body instanceof Error) throw body;
      return Buffer.from(body);
    },
  });
  t.teardown(() => issuers.close());
  return { clock, events, network, issuers };
}

/** Lets everything that is ready to run, run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

t.test("keys are fetched at once when an issuer comes into use, and then answer without a promise", async (t) => {
  const { issuers, network, events } = harness(t, keySetOf(k1));
  issuers.use([pool]);
  t.same(network.urls, [pool.jwks]);
  await issuers.ready();
  t.match(issuers.holder(pool).find("k1"), { kind: "key", key: { kid: "k1" } });
  t.match(events, [{ kind: "fetched", iss: pool.iss, keyCount: 1, skipped: [] }]);
  t.match(issuers.states(), [{ iss: pool.iss, usable: true, keyCount: 1, fetchCount: 1, lastError: undefined, ageMs: 0 }]);
});

t.test("who waits for the first keys waits no longer than they care to, and for nothing where all are there", async (t) => {
  const silent = Promise.withResolvers<string>();
  const { issuers, clock } = harness(t, silent.promise);
  issuers.use([pool]);
  let isOver = false;
  const ready = issuers.ready(1_000).then(() => (isOver = true));
  clock.advance(999);
  await settled();
  t.notOk(isOver, "the issuer may answer yet");
  clock.advance(1);
  await ready;
  const answer = issuers.holder(pool).find("k1");
  t.type(answer, Promise, "and a token that comes now waits for it");
  silent.resolve(keySetOf(k1));
  t.match(await answer, { kind: "key" });
  const timers = clock.pendingTimers();
  await issuers.ready(1_000);
  t.equal(clock.pendingTimers(), timers);
});

t.test("a request that comes before the first keys waits for that one fetch", async (t) => {
  const { issuers, network } = harness(t, keySetOf(k1));
  issuers.use([pool]);
  const answers = await Promise.all([issuers.holder(pool).find("k1"), issuers.holder(pool).find("k1"), issuers.holder(pool).find("k2")]);
  t.match(answers, [{ kind: "key" }, { kind: "key" }, { kind: "unknown" }]);
  t.equal(network.fetches, 1);
});

t.test("keys are fetched again before they are of soft age, while the old ones serve", async (t) => {
  const { issuers, network, clock } = harness(t, keySetOf(k1));
  issuers.use([pool]);
  await issuers.ready();
  let release = (_body: string): void => undefined;
  network.answer = new Promise((resolve) => {
    release = resolve;
  });
  clock.advance(5 * MINUTE - 1);
  t.equal(network.fetches, 2);
  t.match(issuers.holder(pool).find("k1"), { kind: "key" }, "served at once while the fetch is under way");
  release(keySetOf(k2));
  await settled();
  t.match(issuers.holder(pool).find("k2"), { kind: "key" });
});

t.test("a new set replaces the old one whole: a removed key stops working", async (t) => {
  const { issuers, network, clock } = harness(t, keySetOf(k1, k2));
  issuers.use([pool]);
  await issuers.ready();
  const found = issuers.holder(pool).find("k1");
  if (!("key" in found)) return t.fail("k1 should be there");
  t.ok(issuers.holder(pool).holds(found.key));
  network.answer = keySetOf(k2);
  clock.advance(5 * MINUTE);
  await settled();
  t.notOk(issuers.holder(pool).holds(found.key));
  t.match(await issuers.holder(pool).find("k1"), { kind: "unknown" });
});

t.test("an empty set replaces the old one too", async (t) => {
  const { issuers, network, clock } = harness(t, keySetOf(k1));
  issuers.use([pool]);
  await issuers.ready();
  network.answer = '{"keys":[]}';
  clock.advance(5 * MINUTE);
  await settled();
  t.match(await issuers.holder(pool).find("k1"), { kind: "unknown" });
  t.match(issuers.states(), [{ usable: true, keyCount: 0 }]);
});

t.test("an unknown kid fetches once in a cool-down, and the answer to all who wait is of that fetch", async (t) => {
  const { issuers, network, clock } = harness(t, keySetOf(k1));
  issuers.use([pool]);
  await issuers.ready();
  network.answer = keySetOf(k1, k2);
  const answers = await Promise.all([issuers.holder(pool).find("k2"), issuers.holder(pool).find("nobody")]);
  t.match(answers, [{ kind: "key" }, { kind: "unknown" }]);
  t.equal(network.fetches, 2);
  clock.advance(29_999);
  const flood = Array.from({ length: 10_000 }, (_, number) => issuers.holder(pool).find(`kid-${number}`));
  t.notOk(flood.some((answer) => answer instanceof Promise));
  t.equal(network.fetches, 2);
  clock.advance(1);
  t.match(await issuers.holder(pool).find("kid"), { kind: "unknown" });
  t.equal(network.fetches, 3);
});

t.test(
  "under a flood of unknown kids a key is taken that was published a cool-down before, and one that was not waits for the next fetch",
  async (t) => {
    const { issuers, network, clock } = harness(t, keySetOf(k1));
    issuers.use([pool]);
    await issuers.ready();
    const keySet = issuers.holder(pool);
    let count = 0;
    const flood = async (forMs: number): Promise<void> => {
      for (let passed = 0; passed < forMs; passed += 1000) {
        await keySet.find(`kid-${(count += 1)}`);
        clock.advance(1000);
      }
    };
    await flood(10_000);
    network.answer = keySetOf(k1, k2);
    t.match(keySet.find("k2"), { kind: "unknown" }, "signed with at once");
    await flood(30_000);
    t.match(keySet.find("k2"), { kind: "key" }, "half a minute later it is known without a question");
    t.match(keySet.find("k1"), { kind: "key" });
    t.equal(network.fetches, 3, "the first, and one in each cool-down");
  },
);

t.test("names of built-in members are unknown kids like any other", async (t) => {
  const { issuers } = harness(t, keySetOf(k1));
  issuers.use([pool]);
  await issuers.ready();
  for (const kid of ["__proto__", "constructor", "toString", "size"]) t.match(await issuers.holder(pool).find(kid), { kind: "unknown" });
});

t.test("while the issuer is down the last good set serves until its hard age, then nothing does, then the new one", async (t) => {
  const { issuers, network, clock, events } = harness(t, keySetOf(k1));
  issuers.use([pool]);
  await issuers.ready();
  network.answer = new Error("connection refused");
  for (let passed = 0; passed < 24 * HOUR; passed += 4 * MINUTE) {
    clock.advance(4 * MINUTE);
    await settled();
  }
  t.match(issuers.holder(pool).find("k1"), { kind: "key" });
  t.match(issuers.states(), [{ usable: true, lastError: "connection refused", ageMs: 24 * HOUR }]);
  clock.advance(1);
  t.match(await issuers.holder(pool).find("k1"), { kind: "unavailable", reason: /connection refused/ });
  t.match(issuers.states(), [{ usable: false, keyCount: 0 }]);
  t.match(events.at(-1), { kind: "failed", iss: pool.iss, reason: "connection refused" });
  network.answer = keySetOf(k1);
  clock.advance(30_000);
  await settled();
  t.match(issuers.holder(pool).find("k1"), { kind: "key" });
});

t.test("garbage counts as the issuer being down: it replaces nothing", async (t) => {
  const { issuers, network, clock } = harness(t, keySetOf(k1));
  issuers.use([pool]);
  await issuers.ready();
  network.answer = "<html>sorry</html>";
  clock.advance(5 * MINUTE);
  await settled();
  t.match(issuers.holder(pool).find("k1"), { kind: "key" });
  t.match(issuers.states(), [{ lastError: /keys/ }]);
});

t.test("an issuer that was never reached is unavailable, and requests cause no fetches", async (t) => {
  const { issuers, network, clock } = harness(t, new Error("no such host"));
  issuers.use([pool]);
  await issuers.ready();
  for (let request = 0; request < 100; request += 1) {
    t.match(issuers.holder(pool).find(`k${request}`), { kind: "unavailable", reason: /no such host/ });
  }
  t.equal(network.fetches, 1);
  network.answer = keySetOf(k1);
  clock.advance(1000);
  await settled();
  t.match(issuers.holder(pool).find("k1"), { kind: "key" }, "the first retry comes after a second");
});

t.test("failed fetches are repeated ever more slowly, and at least once in a cool-down", async (t) => {
  const { issuers, network, clock } = harness(t, new Error("down"));
  issuers.use([pool]);
  await issuers.ready();
  for (const delay of [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]) {
    const before = network.fetches;
    clock.advance(delay - 1);
    t.equal(network.fetches, before, `not within ${delay} ms`);
    clock.advance(1);
    await settled();
    t.equal(network.fetches, before + 1, `after ${delay} ms`);
  }
});

t.test("an issuer that stays in use keeps its keys; one that goes is fetched no more, yet answers requests under way", async (t) => {
  const { issuers, network, clock } = harness(t, keySetOf(k1));
  const other: Issuer = { ...pool, iss: "https://issuer.example/other", jwks: "https://issuer.example/other/jwks.json" };
  issuers.use([pool, other]);
  await issuers.ready();
  const gone = issuers.holder(other);
  const stays = issuers.holder(pool);
  issuers.use([{ ...pool, algorithms: ["RS256"] }]);
  t.equal(issuers.holder(pool), stays);
  t.equal(network.fetches, 2);
  t.match(gone.find("k1"), { kind: "key" });
  t.throws(() => issuers.holder(other), /not in use/);
  t.equal(clock.pendingTimers(), 1);
});

t.test("other algorithms or another address make another key set", async (t) => {
  const { issuers } = harness(t, keySetOf(k1));
  const stricter: Issuer = { ...pool, algorithms: ["ES256"] };
  const elsewhere: Issuer = { ...pool, jwks: "https://keys.example/jwks.json" };
  issuers.use([pool, stricter, elsewhere]);
  await issuers.ready();
  t.match(await issuers.holder(stricter).find("k1"), { kind: "unknown" });
  t.not(issuers.holder(elsewhere), issuers.holder(pool));
});

t.test("closing calls off the fetch under way, says nothing against the issuer, and leaves no timer", async (t) => {
  const underWay = Promise.withResolvers<string>();
  const { issuers, network, clock, events } = harness(t, underWay.promise);
  issuers.use([pool]);
  issuers.close();
  t.ok(network.signals[0]?.aborted);
  t.equal(clock.pendingTimers(), 0);
  underWay.reject(network.signals[0]?.reason);
  await settled();
  t.same(events, []);
});
