import t from "tap";
import { chartOf, svgOf } from "../../bench/report/chart.ts";
import { chartRun, runWith } from "./runs.ts";

const svg = svgOf(chartOf(chartRun()));

t.test("every load of the chart has a bar, and its median beside it", async (t) => {
  t.equal(svg.match(/<rect x=/g)?.length, 6);
  for (const value of ["1.1k", "2.2k", "3.3k", "4.4k", "5.5k", "6.6k"]) t.match(svg, `>${value}</text>`);
});

t.test("the longest bar belongs to the highest median, and all are inside the picture", async (t) => {
  const widths = [...svg.matchAll(/<rect x="(\d+)" y="\d+" width="(\d+)"/g)].map(([, x, width]) => ({
    x: Number(x),
    width: Number(width),
  }));
  const widest = Math.max(...widths.map(({ width }) => width));
  t.equal(widths.at(-1)?.width, widest, "bare http-proxy has the most in this run");
  t.ok(widths.every(({ x, width }) => width > 0 && x + width < 880));
});

t.test("what comes from the machine is text in the picture, never markup", async (t) => {
  t.match(svg, "a &lt;processor&gt;");
  t.notMatch(svg, "<processor>");
});

t.test("the picture says what it shows to those who cannot see it", async (t) => {
  t.match(svg, 'role="img"');
  t.match(svg, /<desc id="desc">[^<]*Sallyport 1\.1k/);
});

t.test("a run without one of the loads makes no chart", async (t) => {
  t.throws(() => chartOf(runWith({ lanes: [] })), /no load "sallyport"/);
});
