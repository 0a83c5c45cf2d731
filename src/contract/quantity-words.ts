/** Quantities as a person writes them in a policy. */
import type { Limit } from "./policy.ts";

const DURATIONS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
] as const;

const SIZES = [
  ["GB", 1024 ** 3],
  ["MB", 1024 ** 2],
  ["KB", 1024],
] as const;

const WINDOWS = new Map([
  [1000, "second"],
  [60_000, "minute"],
  [3_600_000, "hour"],
  [86_400_000, "day"],
]);

/** `100/minute`. */
export function rateWords({ count, windowMs }: Pick<Limit, "count" | "windowMs">): string {
  return `${count}/${WINDOWS.get(windowMs) ?? durationWords(windowMs)}`;
}

/** Milliseconds → `30s`. */
export function durationWords(durationMs: number): string {
  const unit = DURATIONS.find(([, length]) => durationMs % length === 0);
  return unit ? `${durationMs / unit[1]}${unit[0]}` : `${durationMs}ms`;
}

/** Bytes → `5MB`; undefined: no bound. */
export function sizeWords(bytes: number | undefined): string {
  if (bytes === undefined) return "none";
  const unit = SIZES.find(([, length]) => bytes % length === 0);
  return unit ? `${bytes / unit[1]}${unit[0]}` : `${bytes}B`;
}

export function listWords(values: readonly string[]): string {
  return values.join(", ");
}
