/** How fast workers are started again, and how their lines are put together. */
import t from "tap";
import { WholeLines } from "../../src/workers/lines.ts";
import { Restarts } from "../../src/workers/restarts.ts";

t.test("the first one is replaced at once; those that end soon one after the other, ever later, but within half a minute", async (t) => {
  const restarts = new Restarts();
  t.same(
    Array.from({ length: 12 }, () => restarts.delayAfter(50)),
    [0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000],
  );
});

t.test("one that served for a while is replaced at once again", async (t) => {
  const restarts = new Restarts();
  for (let count = 0; count < 5; count += 1) restarts.delayAfter(0);
  t.equal(restarts.delayAfter(60_000), 0);
  t.equal(restarts.delayAfter(0), 100);
});

t.test("lines come out whole, however their bytes arrive, and a broken last one is ended", async (t) => {
  const written: string[] = [];
  const lines = new WholeLines((text) => void written.push(text));
  const bytes = Buffer.from("first ä\nsecond\nthird");
  for (const byte of bytes) lines.take(Buffer.from([byte]));
  t.same(written, ["first ä\n", "second\n"]);
  lines.end();
  t.same(written.at(-1), "third\n");
  lines.end();
  t.equal(written.length, 3);
});

t.test("lines of one chunk are handed on together, up to the last whole one", async (t) => {
  const written: string[] = [];
  const lines = new WholeLines((text) => void written.push(text));
  lines.take(Buffer.from("a\nb\nc"));
  lines.take(Buffer.from("d\n"));
  t.same(written, ["a\nb\n", "cd\n"]);
});
