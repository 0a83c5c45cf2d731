import fc from "fast-check";
import t from "tap";
import type { Claims } from "../../src/contract/caller.ts";
import { expiryOf, timeFault, validBetween } from "../../src/decision/claims.ts";

const NOW = 1_800_000_000_000;
/** Around now and around the leeway, and what is no time at all. */
const seconds = fc.oneof(
  fc.integer({ min: NOW / 1000 - 100, max: NOW / 1000 + 100 }),
  fc.constantFrom<unknown>(0, -1, 1.5, Number.MAX_SAFE_INTEGER, Number.NaN, "1800000000", null),
);
const claims: fc.Arbitrary<Claims> = fc.record(
  { sub: fc.constantFrom<unknown>("someone", "someone", "someone", "", 7), exp: seconds, iat: seconds, nbf: seconds },
  { requiredKeys: [] },
);
const instant = fc.integer({ min: NOW - 200_000, max: NOW + 200_000 });

t.test("the instants between which a token is valid are those at which nothing is said against its times", async (t) => {
  let valid = 0;
  const property = fc.property(claims, instant, (one, now) => {
    const { from, until } = validBetween(one);
    const between = now >= from && now < until;
    if (between) valid += 1;
    return between === (timeFault(one, now) === undefined && expiryOf(one) > now);
  });
  fc.assert(property, { numRuns: 20_000 });
  t.ok(valid > 100, `${valid} were valid`);
});

t.test("issued or begun up to a minute ahead, and no leeway at the end", async (t) => {
  const [iat, nbf, exp] = [NOW / 1000, NOW / 1000 + 10, NOW / 1000 + 100];
  t.same(validBetween({ sub: "someone", iat, exp }), { from: NOW - 60_000, until: NOW + 100_000 });
  t.same(validBetween({ sub: "someone", iat, nbf, exp }), { from: NOW - 50_000, until: NOW + 100_000 });
});
