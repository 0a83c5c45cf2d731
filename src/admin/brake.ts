/**
 * Counts wrong tokens for each address. As at the gateway, the brake never refuses a token that proves good: one forgotten
 * script behind the same address would otherwise lock the operator out. What keeps guessers out is the token's length.
 */
import ipaddr from "ipaddr.js";

const FREE_FAILURES = 10;
const WINDOW_MS = 60_000;
const MOST_ADDRESSES = 1000;

interface Failures {
  count: number;
  readonly endsAt: number;
}

export interface Brake {
  /** Notes a wrong token; milliseconds until the address may be wrong again, 0 while it still may. */
  failed(address: string, now: number): number;
}

/** Remembers at most a thousand addresses; the one that began first makes room. */
export function createBrake(): Brake {
  const byAddress = new Map<string, Failures>();
  const begin = (subject: string, now: number): Failures => {
    const failures = { count: 0, endsAt: now + WINDOW_MS };
    byAddress.delete(subject);
    byAddress.set(subject, failures);
    if (byAddress.size > MOST_ADDRESSES) byAddress.delete(byAddress.keys().next().value!);
    return failures;
  };
  return {
    failed(address, now) {
      const subject = subjectOf(address);
      const known = byAddress.get(subject);
      const failures = known && now < known.endsAt ? known : begin(subject, now);
      failures.count += 1;
      return failures.count > FREE_FAILURES ? failures.endsAt - now : 0;
    },
  };
}

/** IPv6 counts by /64, which is what one household or machine is given. */
function subjectOf(address: string): string {
  if (!ipaddr.isValid(address)) return "";
  const parsed = ipaddr.process(address);
  return parsed.kind() === "ipv4" ? parsed.toString() : parsed.toByteArray().slice(0, 8).join(".");
}
