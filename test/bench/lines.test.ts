import t from "tap";
import { LANES, PACED } from "../../bench/parts/lane-names.ts";
import { LINES, verdictOf, type Measured } from "../../bench/report/lines.ts";
import type { PacedLane, Results } from "../../bench/report/results.ts";
import { lane, runWith } from "./runs.ts";

const measured = (median: number): Measured => ({ spread: { median, least: median, most: median } });

function lineNamed(name: string, results: Results): Measured | undefined {
  const line = LINES.find((one) => one.name.startsWith(name));
  t.ok(line, `there is a line ${name}`);
  return line?.measure(results);
}

t.test("a line is met at its bound and not below, where more is better", async (t) => {
  const line = { better: "more", line: 1.2, stretch: 1.5 } as const;
  t.equal(verdictOf(line, measured(1.19)), "not met");
  t.equal(verdictOf(line, measured(1.2)), "met");
  t.equal(verdictOf(line, measured(1.5)), "stretch met");
});

t.test("a line is met at its bound and not above, where less is better", async (t) => {
  const line = { better: "less", line: 400, stretch: 250 } as const;
  t.equal(verdictOf(line, measured(401)), "not met");
  t.equal(verdictOf(line, measured(400)), "met");
  t.equal(verdictOf(line, measured(250)), "stretch met");
});

t.test("what was not measured is said to be so, whatever the bound", async (t) => {
  t.equal(verdictOf({ better: "less", line: 1, stretch: 0 }, undefined), "not measured");
  t.ok(
    LINES.every((line) => line.measure(runWith({})) === undefined),
    "an empty run measures nothing",
  );
});

t.test("a ratio is not valid when the load's core was busy in any round of either side", async (t) => {
  const own = lane(LANES.sallyport, [30, 20, 40]);
  const calm = lineNamed("÷ HAProxy", runWith({ lanes: [own, lane(LANES.haproxy, [10, 10, 10])] }));
  t.equal(calm?.spread.median, 3);
  t.equal(calm?.invalid, undefined);
  const busy = lineNamed("÷ HAProxy", runWith({ lanes: [own, lane(LANES.haproxy, [10, 10, 10], { loadIdle: 0.19 })] }));
  t.match(busy?.invalid, /19 % idle/);
  t.equal(verdictOf({ better: "more", line: 1.2, stretch: 1.5 }, busy), "NOT VALID");
});

t.test("a ratio is not valid when a target had not its whole core", async (t) => {
  const lanes = [lane(LANES.sallyport, [30, 20, 40], { busy: 0.84 }), lane(LANES.haproxy, [10, 10, 10])];
  t.match(lineNamed("÷ HAProxy", runWith({ lanes }))?.invalid, /busy only 84 %/);
});

t.test("a body's cost is held against what it costs the raw hop", async (t) => {
  const lanes = [lane(LANES.sallyport, [100]), lane(LANES.post, [60]), lane(LANES.rawHop, [200]), lane(LANES.rawHopPost, [160])];
  t.equal(lineNamed("POST 1 KB", runWith({ lanes }))?.spread.median.toFixed(2), "0.75");
  t.equal(lineNamed("POST 1 KB", runWith({ lanes: lanes.slice(1) })), undefined, "all four are needed");
});

const paced = (name: string, p50: number, perSecond: number): PacedLane => ({
  name,
  rounds: [{ rate: 1_000, perSecond, p50, p99: p50 * 4, p999: p50 * 8, loadIdle: 0.5, cpuMicroseconds: 50 }],
});

t.test("added latency is what there is without the gateway taken off", async (t) => {
  const latency = [paced(PACED.sallyport, 0.3, 1_000), paced(PACED.direct, 0.1, 1_000)];
  t.equal(lineNamed("added at half load, p50", runWith({ latency }))?.spread.median.toFixed(2), "0.20");
  t.equal(lineNamed("added at half load, p99", runWith({ latency }))?.spread.median.toFixed(2), "0.80");
});

t.test("a load that did not keep its pace is not valid", async (t) => {
  const latency = [paced(PACED.sallyport, 0.3, 900), paced(PACED.direct, 0.1, 1_000)];
  t.match(lineNamed("added at half load, p50", runWith({ latency }))?.invalid, /90 %/);
});

t.test("growth in a stream is judged by the worse direction", async (t) => {
  const memory = [{ idle: 90, loaded: 150, downloadGrowth: 10, uploadGrowth: 30, laterDownloadGrowth: 5 }];
  t.equal(lineNamed("memory, growth", runWith({ memory }))?.spread.median, 30);
});
