/** The gateway file → the gateway of the contract. */
import { dirname, resolve } from "node:path";
import type { Secret } from "../../contract/authenticators.ts";
import type { ConnectionBounds, DoorTls, Gateway } from "../../contract/policy.ts";
import { addressSet } from "../addresses.ts";
import type { GatewayFile } from "../schema/gateway.ts";

/** What holds where the gateway file says nothing. */
export const HOSTS = { listen: "0.0.0.0", health: "0.0.0.0", admin: "127.0.0.1" } as const;

/** The file, checked before; `path` is where it stands. */
export function compileGateway(file: GatewayFile, path: string): Gateway {
  const { listen, health, admin } = file;
  return {
    listen: { host: listen.host ?? HOSTS.listen, port: listen.port, ...(listen.tls && { tls: compileTls(listen.tls, path) }) },
    connections: compileConnections(listen.connections),
    ...(health && { health: { host: health.host ?? HOSTS.health, port: health.port } }),
    ...(admin && { admin: { host: admin.host ?? HOSTS.admin, port: admin.port, tokens: admin.tokens.map(compileToken) } }),
    trustProxy: addressSet(file.trustProxy ?? []),
    stores: compileStores(file.stores),
    log: {
      level: file.log?.level ?? "info",
      decisions: file.log?.decisions ?? "refusals",
      ...(file.log?.facts === true && { facts: true }),
    },
    graceMs: file.shutdown?.grace ?? 30_000,
    ...(file.tests && { tests: file.tests }),
  };
}

/** `path` is the gateway file's, from whose folder the paths in it count. */
export function compileTls(file: NonNullable<GatewayFile["listen"]["tls"]>, path: string): DoorTls {
  const absolute = (written: string) => resolve(dirname(path), written);
  return {
    cert: absolute(file.cert),
    key: absolute(file.key),
    minVersion: file.minVersion === 1.3 ? "TLSv1.3" : "TLSv1.2",
    ...(file.clientCa !== undefined && { clients: { ca: absolute(file.clientCa), required: file.clientCertificates === "require" } }),
  };
}

function compileConnections(file: GatewayFile["listen"]["connections"]): ConnectionBounds {
  return {
    total: file?.total ?? 10_000,
    perAddress: file?.perAddress ?? 1_000,
    headersMs: file?.headers ?? 10_000,
    idleMs: file?.idle ?? 72_000,
  };
}

const TOKEN_CACHE_BYTES = 64 * 1024 ** 2;

function compileStores(file: GatewayFile["stores"]): Gateway["stores"] {
  const sealing = file?.sealing;
  return {
    keys: { kind: "sqlite", path: file?.keys ?? "data/keys.db" },
    counters: { kind: "memory", perWorker: file?.counters === "memory-per-worker" },
    tokenCacheBytes: file?.tokens ?? TOKEN_CACHE_BYTES,
    ...(sealing && { sealing: sealing instanceof Uint8Array ? [sealing] : sealing }),
  };
}

function compileToken({ id, value, until }: NonNullable<GatewayFile["admin"]>["tokens"][number]): Secret {
  return { id, digest: value, ...(until !== undefined && { until }) };
}
