/** Running text within the width of the terminal. */

/** Breaks at spaces; lines after the first begin with `indent` spaces, and the first is thought to begin there too. */
export function paragraph(words: string, columns: number, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of words.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}
