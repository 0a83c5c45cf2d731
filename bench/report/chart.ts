/** The one chart: requests a second on one core, with the same rules and without any. */
import { LANES } from "../parts/lane-names.ts";
import { spreadOf, type Spread } from "./figures.ts";
import type { Results } from "./results.ts";
import { machineWords } from "./tables.ts";

export interface Bar {
  readonly label: string;
  readonly kind: "own" | "peer" | "floor";
  readonly spread: Spread;
}

export interface Chart {
  readonly title: string;
  readonly groups: readonly { readonly heading: string; readonly bars: readonly Bar[] }[];
  readonly foot: string;
}

const WIDTH = 880;
const LEFT = 250;
const RIGHT = 110;
const ROW = 34;
const BAR = 20;
const HEADING = 32;
const GAP = 14;
const TOP = 62;
const FOOT = 34;
const MARGIN = 24;

/** Throws when the run lacks one of the loads. */
export function chartOf({ lanes = [], machine, takenAt, settings }: Results): Chart {
  const bar = (label: string, kind: Bar["kind"], name: string): Bar => {
    const lane = lanes.find((one) => one.name === name);
    if (lane === undefined) throw new Error(`the run has no load "${name}" for the chart`);
    return { label, kind, spread: spreadOf(lane.rounds.map(({ perSecond }) => perSecond)) };
  };
  return {
    title: "Requests a second on one core",
    groups: [
      {
        heading: "The same rules: JWT (RS256), scope, tenant in the path, counter, CORS",
        bars: [
          bar("Sallyport", "own", LANES.sallyport),
          bar("HAProxy, jwt_verify", "peer", LANES.haproxy),
          bar("Express stack", "peer", LANES.expressStack),
        ],
      },
      {
        heading: "No rule at all",
        bars: [
          bar("nginx", "floor", LANES.nginx),
          bar("raw hop (node:http, undici)", "floor", LANES.rawHop),
          bar("@fastify/http-proxy", "floor", LANES.bareHttpProxy),
        ],
      },
    ],
    foot: `Medians of ${settings.rounds} rounds; thin lines: least and most. ${takenAt.slice(0, 10)}, ${machineWords(machine)}`,
  };
}

/** For light and dark pages; needs no font and no style from elsewhere. */
const STYLE = `    .page { fill: #ffffff } .title { font-size: 20px; font-weight: 600; fill: #1f3a5f } .heading { font-size: 13px; fill: #555555 }
    .label { font-size: 14px; fill: #222222 } .value { font-size: 14px; font-weight: 600; fill: #222222 } .foot { font-size: 11px; fill: #666666 }
    .own { fill: #1f3a5f } .peer { fill: #7f9bb8 } .floor { fill: #c9d2dc } .spread { stroke: #a33b2a; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 } .title { fill: #a9c7ea } .heading, .foot { fill: #9aa4af } .label, .value { fill: #e6edf3 }
      .own { fill: #6ea8e6 } .peer { fill: #4a6380 } .floor { fill: #343d48 } .spread { stroke: #f0907f }
    }`;
const FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', sans-serif";

/** The chart as a picture. */
export function svgOf({ title, groups, foot }: Chart): string {
  const most = Math.max(...groups.flatMap(({ bars }) => bars.map(({ spread }) => spread.most)));
  const { lines, bottom } = groupLines(groups, (value) => Math.round((value / most) * (WIDTH - LEFT - RIGHT)));
  const height = bottom + FOOT;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc" font-family="${FONT}">
  <title id="title">${escaped(title)}</title>
  <desc id="desc">${escaped(description(groups))}</desc>
  <style>
${STYLE}
  </style>
  <rect width="${WIDTH}" height="${height}" rx="10" class="page"/>
  <text x="${MARGIN}" y="38" class="title">${escaped(title)}</text>
${lines.join("\n")}
  <text x="${MARGIN}" y="${height - 16}" class="foot">${escaped(foot)}</text>
</svg>
`;
}

type Scale = (value: number) => number;

function groupLines(groups: Chart["groups"], scale: Scale): { readonly lines: readonly string[]; readonly bottom: number } {
  const lines: string[] = [];
  let y = TOP;
  for (const { heading, bars } of groups) {
    lines.push(`  <text x="${MARGIN}" y="${y + 18}" class="heading">${escaped(heading)}</text>`);
    y += HEADING;
    for (const bar of bars) {
      lines.push(barLines(bar, y, scale));
      y += ROW;
    }
    y += GAP;
  }
  return { lines, bottom: y };
}

function barLines({ label, kind, spread }: Bar, y: number, scale: Scale): string {
  const middle = y + BAR / 2;
  const [least, most] = [LEFT + scale(spread.least), LEFT + scale(spread.most)];
  return [
    `  <text x="${LEFT - 12}" y="${middle + 5}" text-anchor="end" class="label">${escaped(label)}</text>`,
    `  <rect x="${LEFT}" y="${y}" width="${scale(spread.median)}" height="${BAR}" rx="3" class="${kind}"/>`,
    `  <path d="M${least} ${middle}H${most}M${least} ${middle - 4}v8M${most} ${middle - 4}v8" class="spread"/>`,
    `  <text x="${most + 10}" y="${middle + 5}" class="value">${thousands(spread.median)}</text>`,
  ].join("\n");
}

function description(groups: Chart["groups"]): string {
  const sentences = groups.map(({ heading, bars }) => {
    const figures = bars.map(({ label, spread }) => `${label} ${thousands(spread.median)}`);
    return `${heading}: ${figures.join("; ")}.`;
  });
  return sentences.join(" ");
}

function thousands(value: number): string {
  return `${(value / 1000).toFixed(1)}k`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
