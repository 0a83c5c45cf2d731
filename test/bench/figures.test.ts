import t from "tap";
import { byRound, differenceOf, quantile, ratioOf, spreadOf } from "../../bench/report/figures.ts";
import { randomOf, shuffled } from "../../bench/stage/random.ts";

t.test("a quantile lies where it falls between two values", async (t) => {
  t.equal(quantile([1, 2, 3, 4, 5], 0.5), 3);
  t.equal(quantile([1, 2], 0.5), 1.5);
  t.equal(quantile([0, 10], 0.99), 9.9);
  t.equal(quantile([7], 0.999), 7);
  t.equal(quantile(Float64Array.of(1, 3), 1), 3);
});

t.test("the spread of rounds does not depend on their order", async (t) => {
  t.same(spreadOf([3, 1, 2]), { median: 2, least: 1, most: 3 });
  t.throws(() => spreadOf([]), RangeError);
});

t.test("a ratio is taken round by round, so that a slow round of both sides does not show", async (t) => {
  t.same(ratioOf([100, 50, 10], [50, 25, 5]), { median: 2, least: 2, most: 2 });
  t.equal(ratioOf([10, 30, 20], [10, 10, 10]).median, 2);
});

t.test("a difference is taken round by round", async (t) => {
  t.same(differenceOf([5, 9], [1, 3]), { median: 5, least: 4, most: 6 });
});

t.test("rounds that have no counterpart are an error, not a figure", async (t) => {
  t.throws(() => byRound([1, 2], [1], (left, right) => left / right), RangeError);
});

t.test("a seed repeats the order, another gives another", async (t) => {
  const elements = Array.from({ length: 50 }, (_, index) => index);
  const order = (seed: number): readonly number[] => shuffled(elements, randomOf(seed));
  t.same(order(7), order(7));
  t.notSame(order(7), order(8));
  t.same(
    order(7).toSorted((left, right) => left - right),
    elements,
    "nothing is lost or doubled",
  );
});
