/** The gateway file → the gateway of the contract. */
import type { Gateway, Secret } from "../../contract/policy.ts";
import { addressSet } from "../addresses.ts";
import type { GatewayFile } from "../schema/gateway.ts";

/** What holds where the gateway file says nothing. */
export const HOSTS = { listen: "0.0.0.0", health: "0.0.0.0", admin: "127.0.0.1" } as const;

/** The file, checked before. */
export function compileGateway(file: GatewayFile): Gateway {
  const { listen, health, admin } = file;
  return {
    listen: { host: listen.host ?? HOSTS.listen, port: listen.port },
    ...(health && { health: { host: health.host ?? HOSTS.health, port: health.port } }),
    ...(admin && { admin: { host: admin.host ?? HOSTS.admin, port: admin.port, tokens: admin.tokens.map(compileToken) } }),
    trustProxy: addressSet(file.trustProxy ?? []),
    stores: compileStores(file.stores),
    log: { level: file.log?.level ?? "info", decisions: file.log?.decisions ?? "refusals" },
    graceMs: file.shutdown?.grace ?? 30_000,
  };
}

function compileStores(file: GatewayFile["stores"]): Gateway["stores"] {
  const sealing = file?.sealing;
  return {
    keys: { kind: "sqlite", path: file?.keys ?? "data/keys.db" },
    counters: { kind: "memory" },
    ...(sealing && { sealing: sealing instanceof Uint8Array ? [sealing] : sealing }),
  };
}

function compileToken({ id, value, until }: NonNullable<GatewayFile["admin"]>["tokens"][number]): Secret {
  return { id, digest: value, ...(until !== undefined && { until }) };
}
