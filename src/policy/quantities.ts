/** Durations, sizes, rates and instants as operators write them. */
import { type Reading, value, wrong } from "./reading.ts";

const UNITS_MS = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);
const UNITS_BYTES = new Map([
  ["B", 1],
  ["KB", 1024],
  ["MB", 1024 ** 2],
  ["GB", 1024 ** 3],
]);
const WINDOWS_MS = new Map([
  ["second", 1000],
  ["minute", 60_000],
  ["hour", 3_600_000],
  ["day", 86_400_000],
]);
/** What a timer of the runtime can hold is 2^31 - 1 ms; a policy's longest plausible duration is longer. */
const MAX_DURATION_MS = 3650 * 86_400_000;
const MAX_RATE = 1_000_000_000;

/** `500ms`, `2s`, `5m`, `24h`, `90d` → milliseconds. */
export function readDuration(text: string): Reading<number> {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  if (!match) return wrong("this is no duration", { repair: "write a whole number and a unit: `500ms`, `2s`, `5m`, `24h`, `90d`" });
  const durationMs = Number(match[1]) * UNITS_MS.get(match[2]!)!;
  if (durationMs === 0) return wrong("a duration must be longer than nothing");
  return durationMs > MAX_DURATION_MS ? wrong("this duration is longer than ten years") : value(durationMs);
}

/** A duration that a timer can wait for. */
export function readTimeout(text: string): Reading<number> {
  const reading = readDuration(text);
  if (reading.kind === "wrong" || reading.value <= 24 * 86_400_000) return reading;
  return wrong("a time-out cannot be longer than 24 days", { repair: "write `none` for no bound" });
}

/** The same, where there must be a bound. */
export function readWait(text: string): Reading<number> {
  const reading = readTimeout(text);
  return reading.kind === "wrong" && reading.repair?.includes("none") ? wrong(reading.message, { repair: "write `24d` or less" }) : reading;
}

/** `10MB`, `512KB`, `1GB` → bytes; 1 KB is 1024 bytes. */
export function readSize(text: string): Reading<number> {
  const match = /^(\d{1,9})(B|KB|MB|GB)$/.exec(text);
  if (!match) return wrong("this is no size", { repair: "write a whole number and a unit: `512KB`, `10MB`, `1GB`" });
  const bytes = Number(match[1]) * UNITS_BYTES.get(match[2]!)!;
  return Number.isSafeInteger(bytes) ? value(bytes) : wrong("this size is too large");
}

const LONGEST_WINDOW_MS = 15 * 60_000;

/** How long a signature may be used: AWS's own bound, or less. */
export function readSigningWindow(text: string): Reading<number> {
  const reading = readDuration(text);
  if (reading.kind === "wrong" || reading.value <= LONGEST_WINDOW_MS) return reading;
  return wrong("a signature is never good for longer than 15 minutes", { repair: "write `15m` or less" });
}

const MOST_HELD_BYTES = 64 * 1024 ** 2;

/** A body that is held in memory. */
export function readHeldBody(text: string): Reading<number> {
  const reading = readSize(text);
  if (reading.kind === "wrong") return reading;
  if (reading.value === 0) return wrong("this holds nothing", { repair: "leave it out" });
  return reading.value <= MOST_HELD_BYTES ? reading : wrong("no more than 64 MB of a body can be held", { repair: "write `64MB` or less" });
}

const LARGEST_MESSAGE_BYTES = 16 * 1024 ** 2;

/** A WebSocket message, which is held whole on its way. */
export function readMessageSize(text: string): Reading<number> {
  const reading = readSize(text);
  if (reading.kind === "wrong") return reading;
  if (reading.value === 0) return wrong("no message is as small as this", { repair: "write `1MB`, or leave it out" });
  return reading.value <= LARGEST_MESSAGE_BYTES
    ? reading
    : wrong("no message may be larger than 16 MB", { repair: "write `16MB` or less" });
}

export interface Rate {
  readonly count: number;
  readonly windowMs: number;
}

/** `100/minute` → how many in which window. */
export function readRate(text: string): Reading<Rate> {
  const match = /^([^/]*)\/(.*)$/.exec(text);
  const windowMs = match && WINDOWS_MS.get(match[2]!);
  if (!match || typeof windowMs !== "number")
    return wrong("this is no rate", { repair: "write `N/second`, `N/minute`, `N/hour` or `N/day`" });
  const count = /^\d{1,12}$/.test(match[1]!) ? Number(match[1]) : 0;
  if (count >= 1 && count <= MAX_RATE) return value({ count, windowMs });
  return wrong("a limit must be a positive whole number", { repair: "shut a route with `denied`, not with a limit" });
}

/** An instant with its offset (RFC 3339) → epoch milliseconds. */
export function readInstant(text: string): Reading<number> {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?)(Z|[+-]\d{2}:\d{2})?$/.exec(text);
  if (!match) return wrong("this is no instant", { repair: "write date, time and offset: `2027-01-31T17:00:00Z`" });
  if (match[3] === undefined) return wrong("this instant has no offset", { rewrite: `${text}Z` });
  const instant = Date.parse(text);
  const exists = !Number.isNaN(instant) && new Date(`${match[1]}T00:00:00Z`).toISOString().startsWith(match[1]!);
  return exists ? value(instant) : wrong("this day or time does not exist");
}
