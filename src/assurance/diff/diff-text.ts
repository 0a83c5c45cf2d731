/** The difference for a terminal and for a pull request. */
import { wrapped } from "../matrix/matrix-text.ts";
import { type Item, itemsOf, type Line, summaryWords } from "./report.ts";
import type { Difference } from "./diff.ts";

const SIGNS = { gained: "+", lost: "-", changed: "~" } as const;
const MOST_SUBJECTS = 12;

export interface Look {
  readonly columns: number;
  readonly colour: boolean;
}

/** `!` marks what widens, `+` what is gained, `-` what is lost, `~` what is set otherwise. */
export function differenceText(difference: Difference, look: Look): string {
  const items = itemsOf(difference);
  return [...items.map((item) => itemText(item, look)), summaryWords(items)].join("\n").concat("\n");
}

function itemText({ subjects, lines, isWider }: Item, look: Look): string {
  const heads = shownSubjects(subjects).map((subject) =>
    paint(`${isWider ? "!" : " "} ${subject}`, isWider ? "\u001b[1;31m" : "\u001b[1m", look),
  );
  return [...heads, ...lines.flatMap((line) => lineText(line, look))].map((text) => `${text}\n`).join("");
}

function shownSubjects(subjects: readonly string[]): readonly string[] {
  if (subjects.length <= MOST_SUBJECTS) return subjects;
  return [...subjects.slice(0, MOST_SUBJECTS - 1), `and ${subjects.length - MOST_SUBJECTS + 1} more (--format json lists them)`];
}

function lineText({ kind, isWider, words }: Line, look: Look): readonly string[] {
  const lines = wrapped(words, look.columns - 8).map((text, index) => `    ${index === 0 ? `${SIGNS[kind]} ` : "    "}${text}`);
  return lines.map((text) => paint(text, isWider ? "\u001b[31m" : kind === "lost" ? "\u001b[32m" : "", look));
}

function paint(text: string, code: string, { colour }: Look): string {
  return colour && code !== "" ? `${code}${text}\u001b[0m` : text;
}

/* ── for a pull request ───────────────────────────────────────────────── */

/** GitHub's Markdown; values of the policies cannot end the code that they stand in. */
export function differenceMarkdown(difference: Difference): string {
  const items = itemsOf(difference);
  const parts = [
    section(
      "Wider",
      items.filter(({ isWider }) => isWider),
    ),
    section(
      "Not wider",
      items.filter(({ isWider }) => !isWider),
    ),
  ];
  return `## Who may do what: the difference\n\n${summaryWords(items)}\n${parts.join("")}`;
}

function section(title: string, items: readonly Item[]): string {
  if (items.length === 0) return "";
  return `\n### ${title === "Wider" ? "⚠️ " : ""}${title}\n\n${items.map(itemMarkdown).join("\n")}`;
}

function itemMarkdown({ subjects, lines }: Item): string {
  const shown = subjects.slice(0, MOST_SUBJECTS).map(code).join(", ");
  const more = subjects.length > MOST_SUBJECTS ? ` and ${subjects.length - MOST_SUBJECTS} more` : "";
  return `${shown}${more}\n\n| | |\n|---|---|\n${lines.map(lineMarkdown).join("")}`;
}

function lineMarkdown({ kind, isWider, words }: Line): string {
  return `| ${isWider ? "⚠️ " : ""}${kind} | ${cellMarkdown(words)} |\n`;
}

function code(text: string): string {
  return `\`${text.replaceAll("`", "'")}\``;
}

function cellMarkdown(text: string): string {
  return text.replaceAll(/[\\|<>[\]*_#&]/g, (character) => `\\${character}`).replaceAll(/\s+/g, " ");
}
