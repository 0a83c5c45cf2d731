/** What `sallyport coverage` found, as people read it. */
import type { ApiCoverage } from "../assurance/openapi/coverage/coverage.ts";
import { decided, differs, ofKind } from "../assurance/openapi/coverage/coverage-json.ts";
import type { ApiDocument, Operation } from "../assurance/openapi/model.ts";
import { basePathOf } from "../assurance/openapi/place-of-service.ts";
import { commentText } from "../assurance/openapi/words.ts";
import type { Route, Service } from "../contract/policy.ts";
import { paragraph } from "./paragraph.ts";
import { table } from "./table.ts";

export interface CoverageStyle {
  /** As the call says it. */
  readonly base: string | undefined;
  readonly columns: number;
  /** Every row, however many there are. */
  readonly all: boolean;
}

type Row = readonly string[];

/** One list after the other; those without a row are left out. */
export function coverageText(coverage: ApiCoverage, document: ApiDocument, style: CoverageStyle): string {
  const { service, operations, lone } = coverage;
  const uncovered = ofKind(operations, "uncovered").map((one) => [shown(one.operation), whyUncovered(one)]);
  const unread = document.unread.map(({ place, reason }) => [commentText(place), reason]);
  const wildcard = decided(operations).filter((one) => one.wildcard);
  return [
    `${summary(coverage)}\n`,
    ...baseNote(service, document, style.base).map((note) => `${paragraph(note, style.columns, 0)}\n`),
    list(["NO ROUTE FOR", "WHY"], uncovered, style),
    list(["NOT READ", "WHY"], unread, style),
    list(["ONLY THROUGH A WILDCARD", "ROUTE"], wildcard.map(rowOf), style),
    list(["OTHER CALLERS", "RULE", "HOW"], ofKind(operations, "reached").filter(differs).map(differenceRow), style),
    list(["DENIED", "ROUTE"], ofKind(operations, "denied").map(rowOf), style),
    list(["ROUTE WITHOUT OPERATION", "AT", "THE DOCUMENT HAS"], lone.map(loneRow), style),
  ].join("");
}

function summary({ service, operations, percent }: ApiCoverage): string {
  const denied = ofKind(operations, "denied").length;
  const words = denied === 0 ? "" : `; ${denied} of them ${denied === 1 ? "is" : "are"} \`denied\``;
  const file = fileOf(service);
  return `${service.name}${file === undefined ? "" : ` (${file})`}\n${decided(operations).length} of ${operations.length} operations have a line (${percent} %)${words}`;
}

/** Where its lines stand. */
function fileOf({ routes }: Service): string | undefined {
  return routes[0]?.source.file;
}

const MOST_ROWS = 20;

function list(headings: readonly string[], rows: readonly Row[], { columns, all }: CoverageStyle): string {
  if (rows.length === 0) return "";
  const left = all ? 0 : Math.max(0, rows.length - MOST_ROWS);
  const more = left === 0 ? "" : `… and ${left} more; --all shows them\n`;
  return `\n${table(headings, rows.slice(0, rows.length - left), columns)}${more}`;
}

/** The document's own base path need not be the service's prefix: but where it is not, one should know. */
function baseNote({ prefixes }: Service, { servers }: ApiDocument, base: string | undefined): readonly string[] {
  const path = servers[0] && basePathOf(servers[0]);
  const used = base ?? (prefixes[0] || "/");
  if (path === undefined || path === used || prefixes.includes(path)) return [];
  return [`The document's server stands under ${commentText(path)}; its paths were put under ${used}. --base says otherwise.`];
}

function shown({ method, path }: Operation): string {
  return commentText(`${method} ${path}`);
}

function whyUncovered({ reason, partly }: Extract<ApiCoverage["operations"][number], { kind: "uncovered" }>): string {
  return partly.length === 0 ? reason : `${reason}; single values reach ${partly.map(({ name }) => name).join(", ")}`;
}

/** The line's own words only where they say something else. */
function rowOf({ operation, route }: { readonly operation: Operation; readonly route: Route }): Row {
  const isSame = withoutNames(route.name) === withoutNames(`${operation.method} ${operation.path}`);
  return [shown(operation), isSame ? placeWords(route) : `${route.name} (${placeWords(route)})`];
}

/** With whole segments as placeholders, whatever they are called. */
function withoutNames(name: string): string {
  return name.replaceAll(/(?<=\/)\{[^{}./]*\}(?=\/|$)/g, "{}");
}

/** The file is named at the top. */
function placeWords({ source, service }: Route): string {
  return source.file === fileOf(service) ? `line ${source.line}` : `${source.file}:${source.line}`;
}

function differenceRow({ operation, route, difference }: Extract<ApiCoverage["operations"][number], { kind: "reached" }>): Row {
  const { wider, narrower } = difference;
  const words = [
    ...(wider.length > 0 ? [`wider: ${wider.join("; ")}`] : []),
    ...(narrower.length > 0 ? [`narrower: ${narrower.join("; ")}`] : []),
  ];
  return [shown(operation), `${route.rule} (${placeWords(route)})`, commentText(words.join("; "))];
}

function loneRow({ route, methods, within }: ApiCoverage["lone"][number]): Row {
  const words = [
    ...(methods.length > 0 ? [`${methods.join(", ")} for its path`] : []),
    ...(within ? [`it as one value of ${shown(within)}`] : []),
  ];
  return [route.name, placeWords(route), words.length === 0 ? "nothing like it" : words.join("; ")];
}
