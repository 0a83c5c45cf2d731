import fc from "fast-check";
import t from "tap";
import type { Limit } from "../../src/contract/policy.ts";
import type { LimitVerdict } from "../../src/contract/stores.ts";
import { createMemoryCounters } from "../../src/stores/memory-counters.ts";

const START = 1_790_000_000_000;

function limitOf(count: number, windowMs: number, rest: Partial<Limit> = {}): Limit {
  return { name: "all", place: "pie", by: "caller", count, windowMs, ...rest };
}

function counters(maxBuckets = 10_000) {
  const store = createMemoryCounters({ maxBuckets });
  const take = (limit: Limit, subject: string, now: number): LimitVerdict => store.take([{ limit, subject }], now);
  return { store, take };
}

t.test("N requests at once are allowed and the next is refused, until the window has passed to the millisecond", async (t) => {
  const { take } = counters();
  const limit = limitOf(3, 1_000);
  t.same(
    [1, 2, 3].map(() => take(limit, "ivy", START).tightest.remaining),
    [2, 1, 0],
  );
  const refused = take(limit, "ivy", START + 1);
  t.same(refused, { allowed: false, tightest: { limit, remaining: 0, retryAfterMs: 999, resetMs: 999 } });
  t.notOk(take(limit, "ivy", START + 999).allowed);
  t.ok(take(limit, "ivy", START + 1_000).allowed);
  t.ok(take(limit, "ann", START).allowed, "another subject has a bucket of its own");
});

t.test("on a clock with fractions of a millisecond nobody is told to wait longer than the window, and who is refused waits", async () => {
  const instants = fc.array(fc.double({ min: 0, max: 1e10, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(instants, fc.constantFrom(1, 2), (unsorted, count) => {
      const { take } = counters();
      const limit = limitOf(count, 60_000);
      return unsorted
        .toSorted((left, right) => left - right)
        .every((now) => {
          const { allowed, tightest } = take(limit, "ivy", now);
          return tightest.resetMs <= 60_000 && tightest.retryAfterMs <= 60_000 && (allowed || tightest.retryAfterMs > 0);
        });
    }),
    { numRuns: 2_000 },
  );
});

const walk = fc.array(fc.record({ step: fc.nat({ max: 40 }), repeat: fc.integer({ min: 1, max: 4 }) }), { maxLength: 120 });

t.test("up to 4096 ms the window is exact: the same verdicts as counting every request", async () => {
  fc.assert(
    fc.property(walk, fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 300 }), (steps, count, windowMs) => {
      const { take } = counters();
      const limit = limitOf(count, windowMs);
      const taken: number[] = [];
      let now = START;
      for (const { step, repeat } of steps) {
        now += step;
        for (let time = 0; time < repeat; time++) {
          const counting = taken.filter((at) => now - at < windowMs);
          const { allowed, tightest } = take(limit, "ivy", now);
          if (allowed !== counting.length < count) return false;
          if (allowed) taken.push(now);
          const after = taken.filter((at) => now - at < windowMs);
          if (tightest.remaining !== count - after.length || tightest.resetMs !== after.at(-1)! + windowMs - now) return false;
          if (tightest.retryAfterMs !== (after.length < count ? 0 : after[after.length - count]! + windowMs - now)) return false;
        }
      }
      return true;
    }),
    { numRuns: 300 },
  );
});

t.test("a longer window never holds more than N, and is never more than a 4096th part too strict", async () => {
  const windowMs = 60_000;
  const resolutionMs = windowMs / 4096;
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 3_000 }), { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (steps, count) => {
      const { take } = counters();
      const limit = limitOf(count, windowMs);
      const taken: number[] = [];
      let now = START;
      for (const step of steps) {
        // small steps make requests share a run
        now += step < 2_000 ? step % 20 : step;
        const { allowed } = take(limit, "ivy", now);
        const exactly = taken.filter((at) => now - at < windowMs).length;
        const atMost = taken.filter((at) => now - at < windowMs + resolutionMs).length;
        if (allowed ? exactly >= count : atMost < count) return false;
        if (allowed) taken.push(now);
      }
      return true;
    }),
    { numRuns: 300 },
  );
});

t.test("requests that share a run all count until the last of them ends", async (t) => {
  const { take } = counters();
  const limit = limitOf(2, 60_000);
  take(limit, "ivy", START);
  take(limit, "ivy", START + 14);
  t.match(take(limit, "ivy", START + 60_013), { allowed: false, tightest: { retryAfterMs: 1 } });
  t.equal(take(limit, "ivy", START + 60_014).tightest.remaining, 1);

  const many = limitOf(4, 60_000, { name: "many" });
  for (const now of [0, 20, 21, 34]) take(many, "ivy", START + now);
  t.equal(take(many, "ivy", START + 60_033).tightest.remaining, 0);
  t.notOk(take(many, "ivy", START + 60_033).allowed, "one had ended, not four");
});

t.test("`retryAfterMs` is the first instant at which one more request fits", async () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 900 }), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (steps, count) => {
      const limit = limitOf(count, 10_000);
      const replay = (last: number) => {
        const { take } = counters();
        let now = START;
        for (const step of steps) take(limit, "ivy", (now += step));
        return take(limit, "ivy", now + last);
      };
      const { allowed, tightest } = replay(0);
      return allowed || (replay(tightest.retryAfterMs).allowed && !replay(Math.ceil(tightest.retryAfterMs) - 1).allowed);
    }),
    { numRuns: 300 },
  );
});

t.test("if one bucket refuses, none is spent, and the one with the longest wait is told", async (t) => {
  const { store, take } = counters();
  const wide = limitOf(10, 1_000, { name: "wide" });
  const narrow = limitOf(1, 500, { name: "narrow" });
  const narrowest = limitOf(1, 5_000, { name: "narrowest" });
  const all = [wide, narrow, narrowest].map((limit) => ({ limit, subject: "ivy" }));
  t.match(store.take(all, START), { allowed: true, tightest: { limit: narrow, remaining: 0 } });
  t.match(store.take(all, START), { allowed: false, tightest: { limit: narrowest, retryAfterMs: 5_000 } });
  t.equal(take(wide, "ivy", START).tightest.remaining, 8, "the refused request was not counted");
});

t.test("when all allow, the bucket with the smallest share left is told", async (t) => {
  const { store } = counters();
  const large = limitOf(1_000, 1_000, { name: "large" });
  const small = limitOf(10, 1_000, { name: "small" });
  const verdict = store.take(
    [
      { limit: large, subject: "ivy" },
      { limit: small, subject: "ivy" },
    ],
    START,
  );
  t.match(verdict, { allowed: true, tightest: { limit: small, remaining: 9, retryAfterMs: 0, resetMs: 1_000 } });
});

t.test("limits of another place or name, and subjects that run together, never share a bucket", async (t) => {
  const { take } = counters();
  const places = [
    limitOf(1, 1_000, { place: "a", name: "b c" }),
    limitOf(1, 1_000, { place: "a b", name: "c" }),
    limitOf(1, 1_000, { place: 'a","b', name: "c" }),
    limitOf(1, 1_000, { place: "a", name: 'b","c' }),
    limitOf(1, 1_000, { place: "a", name: "b c", by: "address" }),
  ];
  for (const limit of places) {
    for (const subject of ["1.1.1.1", "1.1.1.12", "", "__proto__", "constructor", "x".repeat(80), `${"x".repeat(80)}y`]) {
      t.ok(take(limit, subject, START).allowed, `${limit.place} ${limit.name} ${subject}`);
    }
  }
});

t.test("a reload keeps the counts of a limit that stayed equal, and only of those", async (t) => {
  const { take } = counters();
  take(limitOf(1, 1_000), "ivy", START);
  t.notOk(take(limitOf(1, 1_000), "ivy", START).allowed, "equal values, another object");
  t.ok(take(limitOf(2, 1_000), "ivy", START).allowed, "another count");
  t.ok(take(limitOf(1, 2_000), "ivy", START).allowed, "another window");
});

t.test("a clock that goes back gives no budget and throws nothing", async (t) => {
  const { take } = counters();
  const one = limitOf(1, 1_000, { name: "one" });
  const three = limitOf(3, 1_000, { name: "three" });
  take(one, "ivy", START);
  for (const now of [START, START + 1, START + 2]) take(three, "ivy", now);
  t.match(take(one, "ivy", START - 3_600_000), { allowed: false, tightest: { retryAfterMs: 3_601_000 } });
  t.notOk(take(three, "ivy", START - 3_600_000).allowed);
  t.ok(take(three, "ivy", START + 1_000).allowed, "the right time again");

  const two = limitOf(2, 1_000, { name: "two" });
  take(two, "ivy", START + 500);
  take(two, "ivy", START);
  t.notOk(take(two, "ivy", START + 1_499).allowed, "the request of the earlier clock does not end earlier");
});

t.test("buckets that have ended are let go as requests come", async (t) => {
  const { store, take } = counters();
  const limit = limitOf(5, 1_000);
  for (let subject = 0; subject < 3_000; subject++) take(limit, `address-${subject}`, START);
  t.equal(store.size, 3_000);
  for (let time = 0; time < 2_000; time++) take(limit, "ivy", START + 2_000 + time * 1_000);
  t.equal(store.size, 1);
});

t.test("limits that a new policy no longer has are let go, and one that comes back starts anew", async (t) => {
  const { store, take } = counters();
  const old = limitOf(1, 1_000, { name: "old" });
  take(old, "ivy", START);
  for (let time = 0; time < 200; time++) take(limitOf(5, 1_000), "ivy", START + 2_000 + time * 1_000);
  t.equal(store.size, 1);
  const now = START + 300_000;
  t.ok(take(old, "ivy", now).allowed);
  t.notOk(take(old, "ivy", now).allowed);
});

t.test("memory stays bounded, and whoever is blocked stays blocked however many newcomers there are", async (t) => {
  const { store, take } = counters(1_000);
  const limit = limitOf(3, 60_000);
  const blocked = Array.from({ length: 200 }, (_, index) => `blocked-${index}`);
  for (const subject of blocked) for (let time = 0; time < 3; time++) take(limit, subject, START);
  for (let newcomer = 0; newcomer < 20_000; newcomer++)
    if (!take(limit, `newcomer-${newcomer}`, START + 1).allowed) t.fail(`newcomer ${newcomer} was refused`);
  t.equal(store.size, 1_000);
  t.same(
    blocked.filter((subject) => take(limit, subject, START + 2).allowed),
    [],
  );
});

t.test("when every bucket is refusing, a newcomer is refused rather than forgotten", async (t) => {
  const { store, take } = counters(100);
  const limit = limitOf(1, 1_000);
  for (let subject = 0; subject < 100; subject++) t.ok(take(limit, `subject-${subject}`, START).allowed);
  const newcomer = take(limit, "newcomer", START + 400);
  t.match(newcomer, { allowed: false, tightest: { remaining: 0, retryAfterMs: 600 } });
  t.equal(store.size, 100);
  t.ok(take(limit, "newcomer", START + 1_000).allowed);
});

t.test("a flood on one limit does not make another forget", async (t) => {
  const { take } = counters(1_000);
  const caller = limitOf(3, 60_000, { name: "caller" });
  const address = limitOf(1_000, 60_000, { name: "address", by: "address" });
  take(caller, "ivy", START);
  for (let subject = 0; subject < 5_000; subject++) take(address, `address-${subject}`, START);
  t.equal(take(caller, "ivy", START).tightest.remaining, 1);
});

t.test("a busy bucket costs at most 4096 runs: many requests in one window stay exact in number", async (t) => {
  const { take } = counters();
  const limit = limitOf(50_000, 60_000);
  let allowed = 0;
  for (let request = 0; request < 60_000; request++) if (take(limit, "ivy", START + Math.floor(request / 2)).allowed) allowed++;
  t.equal(allowed, 50_000);
});
