/** The matrix for a terminal. */
import { cellWord, legend } from "./cell-words.ts";
import { type Column, columnsOf } from "./columns.ts";
import type { ServiceMatrix } from "./matrix.ts";

const GAP = 2;
const NARROWEST_PATH = 20;
const LONGEST_WORD = 6;

/** For each service: its classes by number, then the routes. A table too wide for the terminal goes on in a second one. */
export function matrixText(services: readonly ServiceMatrix[], width: number): string {
  return services.map((one) => serviceText(one, width)).join("\n");
}

function serviceText(matrix: ServiceMatrix, width: number): string {
  const { service, rows } = matrix;
  const columns = columnsOf(matrix);
  const under = service.prefixes.join("") === "" ? "" : `, under ${service.prefixes.join(" and ")}`;
  const names = columns.flatMap((column, index) => columnLines(column, index + 1, width));
  const labels = rows.map(({ route }) => `${route.method} ${route.pattern}`);
  const longest = Math.max(...labels.map((label) => label.length));
  const grids = blocksOf(columns, longest, width).map((block) => gridText(labels, block, width));
  const meanings = [...legend(rows.flatMap(({ cells }) => cells))].map(([word, meaning]) => `  ${word.padEnd(LONGEST_WORD)}  ${meaning}\n`);
  return `${service.name}${under}\n\n${names.join("")}\n${grids.join("\n")}\n${meanings.join("")}`;
}

function columnLines({ words }: Column, number: number, width: number): readonly string[] {
  const lines = words.flatMap((word) => wrapped(word, width - 6).map((line, index) => (index === 0 ? line : `  ${line}`)));
  return lines.map((line, index) => `${(index === 0 ? String(number) : "").padStart(3)}  ${line}\n`);
}

/* ── grids ────────────────────────────────────────────────────────────── */

interface NumberedColumn extends Column {
  readonly number: number;
  readonly width: number;
}

/** Columns side by side for as long as the paths beside them have room. */
function blocksOf(columns: readonly Column[], longest: number, width: number): readonly (readonly NumberedColumn[])[] {
  const room = width - Math.max(NARROWEST_PATH, Math.min(longest, Math.floor(width / 2)));
  const blocks: NumberedColumn[][] = [[]];
  let taken = 0;
  for (const [index, column] of columns.entries()) {
    const own = Math.max(...column.cells.map((cell) => cellWord(cell).length), String(index + 1).length);
    if (taken + own + GAP > room && blocks.at(-1)!.length > 0) {
      blocks.push([]);
      taken = 0;
    }
    taken += own + GAP;
    blocks.at(-1)!.push({ ...column, number: index + 1, width: own });
  }
  return blocks;
}

function gridText(labels: readonly string[], columns: readonly NumberedColumn[], width: number): string {
  const taken = columns.reduce((sum, column) => sum + column.width + GAP, 0);
  const pathWidth = Math.min(width - taken, Math.max(...labels.map((label) => label.length)));
  const head = line(
    "",
    columns.map((column) => String(column.number).padEnd(column.width)),
    pathWidth,
  );
  const body = labels.flatMap((label, row) => {
    const [first = "", ...more] = wrapped(label, pathWidth);
    const cells = columns.map((column) => cellWord(column.cells[row]!).padEnd(column.width));
    return [line(first, cells, pathWidth), ...more.map((rest) => `    ${rest}\n`)];
  });
  return head + body.join("");
}

function line(label: string, cells: readonly string[], pathWidth: number): string {
  return `${[label.padEnd(pathWidth), ...cells].join(" ".repeat(GAP)).trimEnd()}\n`;
}

/** Broken after a space, or after a slash where there is none. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const at =
      space > width / 3
        ? space + 1
        : Math.max(rest.lastIndexOf("/", width - 1), 1) + (rest.lastIndexOf("/", width - 1) > 0 ? 0 : width - 1);
    lines.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at);
  }
  return [...lines, rest];
}
