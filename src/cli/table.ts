/** Rows of words as a person reads them: aligned columns, wrapped into the width of the terminal. */

const GAP = "  ";
const NARROWEST = 8;

/** One line of headings, then the rows; cells that do not fit are continued on the next line. Ends with a newline. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[], columns: number): string {
  const widths = fitted(naturalWidths([headings, ...rows]), columns);
  return [headings, ...rows].map((row) => lines(row, widths)).join("");
}

function naturalWidths(rows: readonly (readonly string[])[]): number[] {
  return rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
}

/** Takes from the widest column for as long as the whole is too wide. */
function fitted(widths: readonly number[], columns: number): number[] {
  const fit = [...widths];
  const room = columns - GAP.length * (widths.length - 1);
  for (let excess = sum(fit) - room; excess > 0; excess--) {
    const widest = fit.indexOf(Math.max(...fit));
    if (fit[widest]! <= NARROWEST) break;
    fit[widest]!--;
  }
  return fit;
}

function lines(row: readonly string[], widths: readonly number[]): string {
  const cells = row.map((cell, column) => wrapped(cell, widths[column]!));
  const height = Math.max(...cells.map((cell) => cell.length));
  let text = "";
  for (let line = 0; line < height; line++) {
    text += `${cells
      .map((cell, column) => (cell[line] ?? "").padEnd(widths[column]!))
      .join(GAP)
      .trimEnd()}\n`;
  }
  return text;
}

/** Breaks after a space, before a slash or after a comma, where there is one; not after a first short word, as long as it can. */
function wrapped(cell: string, width: number): string[] {
  const pieces: string[] = [];
  let rest = cell;
  while (rest.length > width) {
    const at = breakAt(rest, width);
    pieces.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at);
  }
  return [...pieces, rest];
}

function breakAt(text: string, width: number): number {
  const space = text.lastIndexOf(" ", width) + 1;
  if (space > width / 4) return space;
  const slash = text.lastIndexOf("/", width);
  const comma = text.lastIndexOf(",", width - 1) + 1;
  return Math.max(space, slash, comma) > 0 ? Math.max(space, slash, comma) : width;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
