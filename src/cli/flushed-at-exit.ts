import type { Log } from "../observability/log.ts";

/** The log of this process: what still waits when it ends, however it does so by itself, is written then. */
export function flushedAtExit(log: Log): Log {
  process.once("exit", () => log.flush());
  return log;
}
