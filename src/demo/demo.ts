/** The demo's surroundings of a gateway: issuer, stand-in services, and the environment that points the shipped policy at them. */
import {
  KEY_SEEDS,
  PIE,
  PIE_POOL,
  STACKFLOW,
  STACKFLOW_APP_CLIENT,
  STACKFLOW_MACHINE_CLIENT,
  STACKFLOW_MACHINE_TENANT,
  STACKFLOW_POOL,
} from "./cast.ts";
import type { KeySeed } from "./cast.ts";
import { startIssuer, type Issuer } from "./issuer/issuer.ts";
import { randomSecret, type RandomBytes } from "./random.ts";
import { startStandIns, type StandIns } from "./stand-ins/stand-ins.ts";

export interface DemoOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly randomBytes: RandomBytes;
  /** Free ones by default. */
  readonly ports?: { readonly issuer?: number; readonly pie?: number; readonly registry?: number; readonly stackflow?: number };
}

export interface Demo {
  readonly issuer: Issuer;
  readonly standIns: StandIns;
  /** Every variable that the shipped policy needs; the secrets in it are made anew for each run. */
  readonly environment: Readonly<Record<string, string>>;
  /** Accounts and keys that the gateway's key store is to have. */
  readonly seeds: readonly KeySeed[];
  close(): Promise<void>;
}

/** Starts issuer and stand-ins on 127.0.0.1. Rejects when a port is taken; then nothing stays open. */
export async function startDemo(options: DemoOptions): Promise<Demo> {
  const { now, randomBytes, ports = {} } = options;
  const standIns = await startStandIns({ now, randomBytes, ports });
  try {
    const port = ports.issuer ?? 0;
    const issuer = await startIssuer({ now, randomBytes, port, pools: [PIE, STACKFLOW] });
    const close = async (): Promise<void> => void (await Promise.all([issuer.close(), standIns.close()]));
    return { issuer, standIns, environment: environmentOf(issuer, standIns, randomBytes), seeds: KEY_SEEDS, close };
  } catch (error) {
    await standIns.close();
    throw error;
  }
}

function environmentOf(issuer: Issuer, standIns: StandIns, randomBytes: RandomBytes): Readonly<Record<string, string>> {
  const pie = issuer.pool(PIE_POOL);
  const stackflow = issuer.pool(STACKFLOW_POOL);
  return {
    PIE_URL: standIns.pie.url,
    PIE_ISSUER: pie.iss,
    PIE_JWKS: pie.jwks,
    REGISTRY_URL: standIns.registry.url,
    REGISTRY_AUTH_TOKEN: randomSecret(randomBytes),
    STACKFLOW_URL: standIns.stackflow.url,
    STACKFLOW_ISSUER: stackflow.iss,
    STACKFLOW_JWKS: stackflow.jwks,
    STACKFLOW_APP_CLIENT,
    STACKFLOW_MACHINE_CLIENT,
    STACKFLOW_MACHINE_TENANT,
    ADMIN_TOKEN: randomSecret(randomBytes),
    ACCESS_KEY_SEALING_SECRET: randomSecret(randomBytes),
  };
}
