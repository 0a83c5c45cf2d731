/** Which hosts are near enough for http: this machine, and networks that are private by their address or by their name. */
import { BlockList, isIP } from "node:net";

const LOOPBACK = blocksOf(["127.0.0.0/8", "::1/128"]);
const PRIVATE = blocksOf(["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"]);
/** RFC 6762, RFC 8375, RFC 9476's neighbours in use, and Kubernetes. */
const PRIVATE_NAMES = /\.(?:internal|local|localhost|home\.arpa|svc|svc\.cluster\.local)$/;

/** `hostname` as WHATWG URL gives it, or an address. */
export function isLoopback(hostname: string): boolean {
  const host = bare(hostname);
  return host === "localhost" || host.endsWith(".localhost") || within(LOOPBACK, host);
}

/** Loopback, private addresses, names of one word, and names that only private networks know. */
export function isNear(hostname: string): boolean {
  const host = bare(hostname);
  if (isLoopback(host) || within(PRIVATE, host)) return true;
  return isIP(host) === 0 && (!host.includes(".") || PRIVATE_NAMES.test(host));
}

function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function blocksOf(cidrs: readonly string[]): BlockList {
  const blocks = new BlockList();
  for (const cidr of cidrs) {
    const [address = "", length] = cidr.split("/");
    blocks.addSubnet(address, Number(length), isIP(address) === 4 ? "ipv4" : "ipv6");
  }
  return blocks;
}

function within(blocks: BlockList, host: string): boolean {
  const family = isIP(host);
  return family !== 0 && blocks.check(host, family === 4 ? "ipv4" : "ipv6");
}
