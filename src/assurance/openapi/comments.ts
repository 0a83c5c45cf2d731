/** Comments of a service file, within 80 columns. No word of a stranger's gets out of them. */
import { commentText } from "./words.ts";

const COLUMNS = 80;
const LONGEST = 200;

/** Lines of a comment that are indented by so many spaces; those after the first by two more, so that a list stays one. */
export function comment(words: string, indent = 0): readonly string[] {
  const text = commentText(words);
  const [first = "", ...others] = broken(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text, COLUMNS - indent - "#   ".length);
  return [`# ${first}`, ...others.map((line) => `#   ${line}`)].map((line) => `${" ".repeat(indent)}${line}`);
}

/** A comment that somebody has to look at. */
export function review(words: string, indent = 0): readonly string[] {
  return comment(`REVIEW: ${words}`, indent);
}

/** The line with its comment behind it, or above it where that would be too long. */
export function commented(line: string, [first = "", ...others]: readonly string[]): readonly string[] {
  const indent = " ".repeat(line.length - line.trimStart().length);
  const whole = `${line}  ${first.trimStart()}`;
  if (others.length === 0 && whole.length <= COLUMNS) return [whole];
  return [...[first, ...others].map((one) => `${indent}${one.trimStart()}`), line];
}

/** Broken at spaces; a word that is longer stays whole. */
function broken(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
