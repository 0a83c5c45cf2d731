/** Which address the client has, when some of the peers are our own load balancers. */
import { isIP, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import type { AddressSet } from "../../contract/policy.ts";

/**
 * The right-most address that is not one of the trusted: the peer itself, or what the trusted ones say.
 * What stands left of an untrusted address, or of something that is no address, is a stranger's claim.
 * `peer` is in its plain form already.
 */
export function clientAddress(peer: string, forwardedFor: readonly string[], trusted: AddressSet): string {
  let address = peer;
  if (trusted.cidrs.length === 0 || forwardedFor.length === 0) return address;
  const hops = forwardedFor.join(",").split(",");
  while (trusted.has(address)) {
    const hop = hops.pop();
    const next = hop === undefined ? undefined : plainAddress(hop.trim());
    if (next === undefined) return address;
    address = next;
  }
  return address;
}

/** IPv4-mapped IPv6 as IPv4, without zone, brackets or port; undefined when it is no address. */
export function plainAddress(text: string): string | undefined {
  const bare = withoutPort(text);
  const zone = bare.indexOf("%");
  const address = zone === -1 ? bare : bare.slice(0, zone);
  const plain = /:ffff:/i.test(address) ? unmapped(address) : address;
  return isIP(plain) === 0 ? undefined : plain.toLowerCase();
}

/** RFC 4291 section 2.5.5.2, in whichever of its spellings. */
function unmapped(address: string): string {
  if (!isIPv6(address)) return address;
  const parsed = ipaddr.IPv6.parse(address);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : address;
}

function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text);
  if (bracketed) return bracketed[1]!;
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text);
  return withPort ? withPort[1]! : text;
}
