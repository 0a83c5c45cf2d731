import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import { svgOf, chartOf } from "../../bench/report/chart.ts";
import { CHART, PAGE } from "../../bench/report/files.ts";
import { asMarkdown, asText } from "../../bench/report/formats.ts";
import { withFigures } from "../../bench/report/page.ts";
import { keptRuns } from "../../bench/report/render.ts";
import { chartRun, runWith } from "./runs.ts";

t.test("figures stand between their marks, and replace what stood there", async (t) => {
  const page = "before\n<!-- figures: loads -->\nold\n<!-- end -->\nafter";
  const once = withFigures(page, { full: chartRun() });
  t.match(once, /before\n<!-- figures: loads -->\n\n\| load \|[^]*\| sallyport \| 1,100 \| 1,000 to 1,200 \|[^]*<!-- end -->\nafter$/);
  t.notMatch(once, "old");
  t.equal(withFigures(once, { full: chartRun() }), once, "a second time changes nothing");
});

t.test("a figure that no kept run has is said to be missing", async (t) => {
  t.match(withFigures("<!-- figures: growth -->\n<!-- end -->", { full: runWith({}) }), "Not measured");
});

t.test("a figure that does not exist is an error", async (t) => {
  t.throws(() => withFigures("<!-- figures: nothing -->\n<!-- end -->", {}), /"nothing"; there are run, lines/);
});

t.test("tables are the same in Markdown and in a terminal", async (t) => {
  const table = {
    head: ["what", "much"],
    rows: [
      ["a|b", "1"],
      ["c", "20"],
    ],
  };
  t.equal(asMarkdown(table), "| what | much |\n|---|---:|\n| a\\|b | 1 |\n| c | 20 |");
  t.equal(asText(table), "what  much\n----  ----\na|b      1\nc       20");
});

t.test("bodies grow in bytes, everything else in numbers", async (t) => {
  const point = { at: 65_536, target: "sallyport", unit: "MB/s", rates: [1_500], leastLoadIdle: 0.5, peakMb: 120 } as const;
  const growth = [
    { of: "body, down", inBytes: true, points: [point, { ...point, at: 2 ** 30 }] },
    { of: "routes", inBytes: false, points: [point] },
  ];
  const page = withFigures("<!-- figures: growth -->\n<!-- end -->", { growth: runWith({ growth }) });
  for (const row of ["| 64 KB | sallyport | 1,500 MB/s |", "| 1 GB | sallyport |", "| 65,536 | sallyport |"]) t.match(page, row);
});

t.test("page and chart in the tree are those of the runs that are kept", async (t) => {
  const runs = keptRuns();
  const page = readFileSync(PAGE, "utf8");
  t.equal(page, withFigures(page, runs), "npm run bench -- --render");
  if (runs.full) t.equal(readFileSync(CHART, "utf8"), svgOf(chartOf(runs.full)), "npm run bench -- --render");
  else t.notOk(existsSync(CHART), "a chart comes from a run");
});
