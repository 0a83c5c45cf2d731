/** Findings of the linter as a person, a pull request or a machine reads them. */
import type { Finding, Linted } from "../assurance/lint/lint.ts";
import { LINT, LINT_CODES, type LintCode, type LintLevel } from "../contract/lint-codes.ts";
import { type Diagnostic, painter, placeOf, pointed, visible } from "../policy/diagnostic.ts";
import { paragraph } from "./paragraph.ts";

/** The page with an entry for each code. */
export const CODES_PAGE = "docs/lint/codes.md";

export interface Style {
  readonly colour: boolean;
  readonly columns: number;
  /** Information in full, what is accepted too, and no end after the first ones of a code. */
  readonly all: boolean;
}

const INDENT = 4;
/** Of one code only so many are shown, so that one habit does not hide everything else. */
const MOST_SHOWN = 5;
const COLOURS: Readonly<Record<LintLevel, number>> = { error: 31, warning: 33, information: 36 };

/** Findings with their lines, then what is only to be reviewed, then how many there are. Ends with a newline. */
export function lintText(linted: Linted, style: Style): string {
  const shown = style.all ? linted.findings : linted.findings.filter(({ level }) => level !== "information");
  const listed = style.all ? [] : linted.findings.filter(({ level }) => level === "information");
  const parts = [...shownOf(shown.toSorted(byLevel), style), ...reviewed(listed, style), ...(style.all ? acceptedOf(linted, style) : [])];
  return [...parts, `${totals(linted, style)}\n`].join("\n");
}

const ORDER: readonly LintLevel[] = ["error", "warning", "information"];

/** What cannot work first: a warning is often its consequence. */
function byLevel(left: Finding, right: Finding): number {
  return ORDER.indexOf(left.level) - ORDER.indexOf(right.level);
}

function shownOf(findings: readonly Finding[], style: Style): readonly string[] {
  const left = new Map<LintCode, number>();
  const blocks = findings.flatMap((finding) => {
    const before = left.get(finding.code) ?? 0;
    left.set(finding.code, before + 1);
    return style.all || before < MOST_SHOWN ? [`${findingText(finding, style)}\n`] : [];
  });
  const more = [...left]
    .filter(([, count]) => !style.all && count > MOST_SHOWN)
    .map(([code, count]) => `  ${count - MOST_SHOWN} more of ${code}\n`);
  return more.length === 0 ? blocks : [...blocks, `Not shown without --all:\n${more.join("")}`];
}

/** Place, level, code, the name by which it is accepted; what is found; the line; what to write instead. */
function findingText({ code, level, at, place, message, instead }: Finding, { colour, columns }: Style): string {
  const paint = painter(colour);
  const head = `${placeOf(place)}: ${level} ${code}`;
  const name = `at ${visible(at)}`;
  const lines = [
    paint(1, `${placeOf(place)}: `) + paint(COLOURS[level], `${level} ${code}`) + (head.length + name.length < columns ? ` ${name}` : ""),
    ...(head.length + name.length < columns ? [] : [" ".repeat(INDENT) + paragraph(name, columns, INDENT)]),
    " ".repeat(INDENT) + paragraph(visible(message), columns, INDENT),
    ...pointed(place, columns - INDENT, paint),
    `    ${paint(32, `→ ${paragraph(visible(instead), columns, INDENT + 2)}`)}`,
  ];
  return lines.join("\n");
}

/** One line for each code, with the places as far as they fit. */
function reviewed(findings: readonly Finding[], { columns }: Style): readonly string[] {
  if (findings.length === 0) return [];
  const byCode = Map.groupBy(findings, ({ code }) => code);
  const lines = LINT_CODES.filter((code) => byCode.has(code)).map((code) => {
    const places = placesOf(byCode.get(code)!);
    const head = `  ${code}  ${LINT[code].title}: `;
    return `  ${code}  ${paragraph(`${LINT[code].title}: ${fitting(places, columns * 2 - head.length)}`, columns, 8)}\n`;
  });
  return [`To review (--all shows the lines):\n${lines.join("")}`];
}

/** Names of the places; the first one of each file says which file it is. */
function placesOf(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ at, place }, index) => {
    const isFirst = place.file !== findings[index - 1]?.place.file;
    return visible(isFirst ? `${place.file.slice(place.file.lastIndexOf("/") + 1)} ${at}` : at);
  });
}

function fitting(places: readonly string[], room: number): string {
  let shown = places[0]!;
  for (const [index, place] of places.entries()) {
    if (index === 0) continue;
    const rest = places.length - index;
    if (shown.length + place.length + ` and ${rest} more`.length + 2 > room) return `${shown} and ${rest} more`;
    shown += `, ${place}`;
  }
  return shown;
}

function acceptedOf({ accepted }: Linted, { columns }: Style): readonly string[] {
  if (accepted.length === 0) return [];
  const lines = accepted.map(({ code, at, place, reason }) => {
    return `  ${code}  ${placeOf(place)}\n        ${paragraph(visible(`${at}: ${reason}`), columns, 8)}\n`;
  });
  return [`Accepted in the files:\n${lines.join("")}`];
}

function totals({ findings, accepted }: Linted, { columns }: Style): string {
  if (findings.length + accepted.length === 0) return "Nothing found.";
  const count = (level: LintLevel) => findings.filter((one) => one.level === level).length;
  const words = `${counted(count("error"), "error")}, ${counted(count("warning"), "warning")}, ${count("information")} to review, ${accepted.length} accepted`;
  const where = `; each code is explained by \`sallyport check --why CODE\` and in ${CODES_PAGE}`;
  return paragraph(`${words}${where}`, columns, 0);
}

function counted(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** What a code means, for `--why`. */
export function whyText(code: LintCode, columns: number): string {
  const { level, title, why, instead } = LINT[code];
  return `${paragraph(`${code} (${level}): ${title}`, columns, 0)}\n\n${paragraph(why, columns, 0)}\n\n→ ${paragraph(instead, columns, 2)}\n`;
}

/* ── for machines ─────────────────────────────────────────────────────── */

export function whyJson(code: LintCode): object {
  return { code, ...LINT[code], docs: docsOf(code) };
}

export function findingJson({ code, level, at, place, message, instead }: Finding): object {
  const { file, line, column } = place;
  return { code, level, at, file, line, column, message, instead, docs: docsOf(code) };
}

function docsOf(code: LintCode): string {
  return `${CODES_PAGE}#${code.toLowerCase()}`;
}

/** Workflow commands by which GitHub writes findings beside a pull request's lines. */
export function githubFindings({ findings }: Linted): string {
  const words: Readonly<Record<LintLevel, string>> = { error: "error", warning: "warning", information: "notice" };
  return findings
    .map(({ code, level, place, message, instead }) =>
      annotation(words[level], place, `${code}: ${LINT[code].title}`, `${message}\n→ ${instead}`),
    )
    .join("");
}

export function githubMistakes(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map((one) =>
      annotation("error", one, "the policy does not load", one.repair === undefined ? one.message : `${one.message}\n→ ${one.repair}`),
    )
    .join("");
}

type Place = Pick<Diagnostic, "file" | "line" | "column">;

function annotation(command: string, { file, line, column }: Place, title: string, message: string): string {
  return `::${command} file=${property(file)},line=${line},col=${column},title=${property(title)}::${data(message)}\n`;
}

function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return data(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
