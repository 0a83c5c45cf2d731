/** Whom a bound on callers or addresses counts. */
import { isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";
import type { Exchange } from "./exchange.ts";

/** The account for keys, the subject for tokens, the secret with the address for shared secrets, the address where nobody is proved. */
export function callerSubject(exchange: Exchange): string {
  const { caller } = exchange;
  if (!caller) return `address ${addressSubject(exchange.facts.address)}`;
  return caller.account ?? `secret ${addressSubject(exchange.facts.address)} ${caller.credentialId}`;
}

/** An IPv6 address counts by its /64, which one subscriber has whole. */
export function addressSubject(address: string): string {
  if (!address.includes(":") || !isIPv6(address)) return address;
  const bytes = ipaddr.IPv6.parse(address).toByteArray();
  return Buffer.from(bytes.slice(0, 8)).toString("hex");
}
