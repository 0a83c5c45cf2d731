/** IP addresses: sets written as CIDRs, and addresses that no policy may point at. */
import { BlockList, isIP } from "node:net";
import ipaddr from "ipaddr.js";
import type { AddressSet } from "../contract/policy.ts";
import { type Reading, value, wrong } from "./reading.ts";

/** `10.0.0.0/8`, `2001:db8::/32` or one address; in canonical form, with its prefix length. */
export function readCidr(text: string): Reading<string> {
  const [address = "", length, ...rest] = text.split("/");
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  if (family === 0 || address.includes("%") || rest.length > 0) {
    return wrong("this is no address and no network", { repair: "write an address or a CIDR: `10.0.0.0/8`, `2001:db8::/32`" });
  }
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || Number(length) > most)) {
    return wrong(`the length of this network must be a whole number up to ${most}`);
  }
  return network(address, length === undefined ? most : Number(length), most);
}

function network(address: string, length: number, most: number): Reading<string> {
  const parsed = ipaddr.parse(address);
  if (parsed.kind() === "ipv6" && (parsed as ipaddr.IPv6).isIPv4MappedAddress()) {
    return wrong("an IPv4 address is written as one", { rewrite: (parsed as ipaddr.IPv6).toIPv4Address().toString() });
  }
  const cidr = `${parsed.toString()}/${length}`;
  const first = parsed.kind() === "ipv4" ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  const whole = `${first.toString()}/${length}`;
  if (whole !== cidr) return wrong("the network begins at another address", { rewrite: whole });
  return value(length === most ? parsed.toString() : whole);
}

/** The set of CIDRs that `readCidr` accepted. */
export function addressSet(cidrs: readonly string[]): AddressSet {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [address = "", length] = cidr.split("/");
    const family = isIP(address) === 4 ? "ipv4" : "ipv6";
    if (length === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(length), family);
  }
  return { cidrs, has: (address) => contains(list, address) };
}

function contains(list: BlockList, address: string): boolean {
  const zone = address.indexOf("%");
  const bare = zone === -1 ? address : address.slice(0, zone);
  const family = isIP(bare);
  return family !== 0 && list.check(bare, family === 4 ? "ipv4" : "ipv6");
}

/** Where clouds hand out credentials, and what is no single machine's address. */
const METADATA_NAMES = new Set(["metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"]);
const METADATA = addressSet([
  "169.254.0.0/16",
  "100.100.100.200",
  "168.63.129.16",
  "192.0.0.192",
  "fe80::/10",
  "fd00:ec2::254",
  "fd20:ce::254",
]);
const NOBODY = addressSet(["0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::", "ff00::/8"]);
/** IPv6 networks that carry an IPv4 address inside: NAT64, IPv4-compatible, 6to4; the byte where it begins. */
const EMBEDDING: readonly (readonly [AddressSet, number])[] = [
  [addressSet(["64:ff9b::/96", "64:ff9b:1::/48"]), 12],
  [addressSet(["::/96"]), 12],
  [addressSet(["2002::/16"]), 2],
];

/** Why no request may go to this host; `hostname` as WHATWG URL gives it. Undefined: it may. */
export function forbiddenHost(hostname: string): string | undefined {
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (METADATA_NAMES.has(host)) return "this is a cloud's metadata service";
  if (isIP(host) === 0) return undefined;
  const addresses = [host, ...embeddedAddresses(host)];
  if (addresses.some((address) => METADATA.has(address))) return "this is a link-local address, or a cloud's metadata service";
  return addresses.some((address) => NOBODY.has(address)) && host !== "::1" ? "this is no single machine's address" : undefined;
}

function embeddedAddresses(host: string): readonly string[] {
  if (isIP(host) !== 6) return [];
  const bytes = ipaddr.parse(host).toByteArray();
  return EMBEDDING.filter(([set]) => set.has(host)).map(([, at]) => bytes.slice(at, at + 4).join("."));
}

/** Whether the host of a URL is this machine. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || LOOPBACK.has(host);
}

const LOOPBACK = addressSet(["127.0.0.0/8"]);
