/** Where the document's servers are → prefix and upstream of the service. */
import type { Grammar } from "./grammar.ts";
import type { ApiDocument, ApiServer, Operation } from "./model.ts";

export interface ServicePlace {
  /** `""`: none. */
  readonly prefix: string;
  /** `scheme://host:port`; undefined where the document does not tell. */
  readonly upstream?: string;
  readonly remarks: readonly string[];
}

interface Address {
  /** Undefined for a path alone. */
  readonly origin?: string;
  readonly path: string;
}

/** The first server counts; the others are remarked on. */
export function placeOf({ servers }: ApiDocument, grammar: Grammar): ServicePlace {
  const [first, ...others] = servers;
  const address = first && addressOf(first);
  const remarks = others.length === 0 ? [] : [`other servers of the document: ${others.map(({ url }) => url).join(", ")}`];
  if (!first || !address) return { prefix: "", remarks: [`the server ${first?.url ?? ""} cannot be read`, ...remarks] };
  const isPrefix = grammar.isPrefix(address.path);
  const prefix = isPrefix && address.path !== "/" ? address.path : "";
  const lost = isPrefix ? [] : [`the server's path ${address.path} cannot be a prefix`];
  const upstream = address.origin !== undefined && grammar.isUpstream(address.origin) ? { upstream: address.origin } : {};
  return { prefix, ...upstream, remarks: [...lost, ...remarks] };
}

/** Path of a server, `/` where it has none; undefined where it cannot be read. */
export function basePathOf(server: ApiServer): string | undefined {
  return addressOf(server)?.path;
}

function addressOf({ address }: ApiServer): Address | undefined {
  if (address === undefined) return undefined;
  if (/^\/(?!\/)/.test(address)) return { path: trimmed(address) };
  const url = /^https?:\/\//i.test(address) ? URL.parse(address) : null;
  return url ? { origin: url.origin, path: trimmed(url.pathname) } : undefined;
}

function trimmed(path: string): string {
  const bare = path.replace(/[?#].*$/s, "").replace(/\/+$/, "");
  try {
    return bare === "" ? "/" : decodeURIComponent(bare);
  } catch {
    return bare;
  }
}

/** Whether the operation is served where the document as a whole is. */
export function isAtHome({ servers: own }: Operation, { servers }: ApiDocument): boolean {
  const home = JSON.stringify(servers[0] && addressOf(servers[0]));
  return own === undefined || own.some((server) => JSON.stringify(addressOf(server)) === home);
}
