/**
 * The log: one JSON object a line. Credentials never come here: lines are built from facts that hold none,
 * and JSON escapes whatever a stranger put into a path or a header, so that a line cannot be forged.
 */
import { writeSync } from "node:fs";
import { pino, type DestinationStream } from "pino";
import type { LogLevel } from "../contract/policy.ts";

export type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
  setLevel(level: LogLevel): void;
  flush(): void;
}

const STANDARD_OUTPUT = 1;
const MOST_TRIES = 5;

/** A reader that is slow or gone costs lines of the log, never a request and never the way out. */
const standardOutput: DestinationStream = {
  write: (line) => {
    let rest = Buffer.from(line);
    for (let tries = 0; rest.length > 0 && tries < MOST_TRIES; tries += 1) {
      try {
        rest = rest.subarray(writeSync(STANDARD_OUTPUT, rest));
      } catch (error) {
        if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) return;
      }
    }
  },
};

/** Writes to standard output, or to `destination`. */
export function createLog(level: LogLevel, destination: DestinationStream = standardOutput): Log {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = pino(options, destination);
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    setLevel: (next) => {
      logger.level = next;
    },
    flush: () => logger.flush(),
  };
}
