/** How a table looks in a terminal, and how in Markdown. */
import type { Table } from "./tables.ts";

/** The first column to the left, the others to the right, but for the last where it holds words. */
export function asText({ head, rows }: Table): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const lineOf = (row: readonly string[]): string =>
    row
      .map((cell, column) => (isWords(rows, column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ")
      .trimEnd();
  return [lineOf(head), widths.map((width) => "-".repeat(width)).join("  "), ...rows.map(lineOf)].join("\n");
}

export function asMarkdown({ head, rows }: Table): string {
  const lineOf = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [lineOf(head), `|${head.map((_, column) => (isWords(rows, column) ? "---" : "---:")).join("|")}|`, ...rows.map(lineOf)].join("\n");
}

/** Some cell of the column begins with a letter, or with a sign of division. */
function isWords(rows: Table["rows"], column: number): boolean {
  return column === 0 ? rows.some((row) => !/^[\d,]+$/.test(row[0] ?? "")) : rows.some((row) => /^\p{L}/u.test(row[column] ?? ""));
}
