/** Which source a line of the built program is of: what builds it writes each source's path above what it made of it. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** `src/pipeline/walk.ts`, `node_modules/fastify/lib/route.js`, or nothing where a line is of no source. `line` is from 0. */
export type SourceAt = (url: string, line: number) => string | undefined;

interface Beginning {
  readonly line: number;
  readonly source: string;
}

const PATH = /^\/\/ (src\/\S+|(?:\S+\/)?node_modules\/\S+)$/;

/** Where each source begins, in the order of their lines, from 0. */
export function beginningsIn(text: string): readonly Beginning[] {
  return text.split("\n").flatMap((words, line) => {
    const source = PATH.exec(words)?.[1];
    return source === undefined ? [] : [{ line, source }];
  });
}

/** Reads each file once. */
export function sourceLookup(read: (url: string) => string = (url) => readFileSync(fileURLToPath(url), "utf8")): SourceAt {
  const known = new Map<string, readonly Beginning[]>();
  return (url, line) => {
    const beginnings = known.get(url) ?? beginningsIn(read(url));
    known.set(url, beginnings);
    return beginnings.findLast((one) => one.line <= line)?.source;
  };
}
