/** Sets of addresses as CIDRs: what one has and another has not, however it is written. */
import ipaddr from "ipaddr.js";

interface Span {
  readonly first: bigint;
  readonly last: bigint;
}

/** Whether some address is in the first set and not in the second. */
export function subtract(cidrs: "all" | readonly string[], others: "all" | readonly string[]): boolean {
  if (others === "all") return false;
  if (cidrs === "all") return true;
  const covered = joined(others.map(spanOf));
  return joined(cidrs.map(spanOf)).some(({ first, last }) => !covered.some((span) => span.first <= first && last <= span.last));
}

/** IPv6 addresses lie beyond all IPv4 addresses here. */
const BEYOND_IPV4 = 1n << 32n;

function spanOf(cidr: string): Span {
  const [text = "", length] = cidr.split("/");
  const address = ipaddr.parse(text);
  const bytes = address.toByteArray();
  const free = BigInt(bytes.length * 8 - Number(length ?? bytes.length * 8));
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const first = ((value >> free) << free) + (bytes.length === 4 ? 0n : BEYOND_IPV4);
  return { first, last: first + (1n << free) - 1n };
}

/** Neighbours and overlaps become one. */
function joined(spans: readonly Span[]): readonly Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted((left, right) => (left.first < right.first ? -1 : 1))) {
    const previous = merged.at(-1);
    if (!previous || span.first > previous.last + 1n) merged.push(span);
    else if (span.last > previous.last) merged[merged.length - 1] = { first: previous.first, last: span.last };
  }
  return merged;
}
