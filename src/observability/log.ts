/**
 * The log: one JSON object a line. Credentials never come here: lines are built from facts that hold none,
 * and JSON escapes whatever a stranger put into a path or a header, so that a line cannot be forged.
 */
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

/** Writes to standard output, or to `destination`. */
export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const logger = destination ? pino(options, destination) : pino(options);
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
