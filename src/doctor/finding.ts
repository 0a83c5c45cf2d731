/** What `doctor` found out about one part, and what to do. */
export type Area = "issuer" | "upstream" | "keys" | "counters" | "certificate" | "secrets";

export interface Finding {
  readonly area: Area;
  /** `fail`: requests are refused for it. `warn`: they may be, some day. */
  readonly verdict: "ok" | "warn" | "fail";
  /** Which one: an address, a file, a name. Never a secret. */
  readonly subject: string;
  /** What was found. */
  readonly words: string;
  readonly repair?: string;
}

type Found = Pick<Finding, "area" | "subject">;

export function ok(of: Found, words: string): Finding {
  return { ...of, verdict: "ok", words };
}

export function warn(of: Found, words: string, repair: string): Finding {
  return { ...of, verdict: "warn", words, repair };
}

export function fail(of: Found, words: string, repair: string): Finding {
  return { ...of, verdict: "fail", words, repair };
}

const DAY_MS = 86_400_000;
/** What ends within this time should be renewed. */
export const SOON_MS = 14 * DAY_MS;

/** `2027-01-31, in 13 days`. */
export function endWords(end: number, now: number): string {
  const days = Math.floor((end - now) / DAY_MS);
  return `${new Date(end).toISOString().slice(0, 10)}, in ${days} day${days === 1 ? "" : "s"}`;
}
