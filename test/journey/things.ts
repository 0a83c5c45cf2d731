/** A made-up service `things` behind a whole Sallyport: one issuer, one upstream, and routes as the test says. */
import { randomBytes } from "node:crypto";
import type { Test } from "tap";
import { startIssuer } from "../../src/demo/issuer/issuer.ts";
import type { Pool } from "../../src/demo/issuer/pool.ts";
import { startSallyport, type Sallyport, type SallyportOptions } from "./harness.ts";

export const THINGS_POOL = "us-east-2_Things001";

export const AUTHENTICATORS = `
roles: { owner: ["*"] }
authenticators:
  machines:
    jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", use: access, caller: machine, clients: any }
    scopes: { things/all: ["*"] }
    tenant: { claim: client_id }
  key:
    apiKey: { header: x-api-key, prefix: thk }
    scopes: { all: ["*"] }
`;

export interface ThingsShape {
  /** The upstream's address. */
  readonly upstream: string;
  /** What else the file says of it, as in a YAML map. */
  readonly upstreamMore?: string;
  /** The rest of the service's file, after its name, upstream and authenticators: YAML. */
  readonly rest: string;
  /** TLS of the front door: YAML. */
  readonly tls?: string;
  /** More lines of the gateway file. */
  readonly gateway?: string;
  /** In place of the machine tokens and keys. */
  readonly authenticators?: string;
}

/** The two policy files. `ports` are those of front, health and admin door; 0 where any will do. */
export function thingsFiles(shape: ThingsShape, ports: Ports = { front: 0, health: 0, admin: 0 }): Record<string, string> {
  return { "sallyport.yaml": gatewayFile(ports, shape), "services/things.yaml": thingsService(shape) };
}

export interface Ports {
  readonly front: number;
  readonly health: number;
  readonly admin: number;
}

function gatewayFile({ front, health, admin }: Ports, { tls, gateway = "" }: ThingsShape): string {
  return `version: 1
listen: { host: 127.0.0.1, port: ${front}${tls === undefined ? "" : `, tls: ${tls}`} }
health: { host: 127.0.0.1, port: ${health} }
admin: { host: 127.0.0.1, port: ${admin}, tokens: [{ id: ops, value: "\${ADMIN_TOKEN}" }] }
stores: { keys: "sqlite:data/keys.db", counters: memory }
services: [services/things.yaml]
${gateway}
`;
}

export function thingsService({ upstream, upstreamMore = "", rest, authenticators = AUTHENTICATORS }: ThingsShape): string {
  return `version: 1\nservice: things\nupstream: { url: "${upstream}", ${upstreamMore} }\n${authenticators}\n${rest}\n`;
}

export interface ThingsIssuer {
  readonly pool: Pool;
  /** What the policy files want to know. */
  readonly environment: Readonly<Record<string, string>>;
  /** A machine token of tenant `acme`, or of another. */
  readonly token: (tenant?: string, lifetimeSeconds?: number) => string;
}

/** The issuer of the service's tokens. `iss` is its own address where nothing is given. */
export async function startThingsIssuer(t: Test, iss?: string): Promise<ThingsIssuer> {
  const options = { id: THINGS_POOL, ...(iss !== undefined && { iss }) };
  const issuer = await startIssuer({ now: Date.now, randomBytes, pools: [options] });
  t.teardown(() => issuer.close());
  const pool = issuer.pool(THINGS_POOL);
  return {
    pool,
    environment: { ISSUER: pool.iss, JWKS: pool.jwks, ADMIN_TOKEN: randomBytes(24).toString("hex") },
    token: (tenant = "acme", lifetimeSeconds = 600) => pool.machineToken({ clientId: tenant, scopes: ["things/all"], lifetimeSeconds }),
  };
}

export interface Things {
  readonly sallyport: Sallyport;
  readonly issuer: ThingsIssuer;
  readonly port: number;
  /** The `Authorization` field of tenant `acme`. */
  readonly bearer: { readonly authorization: string };
}

/** Starts issuer and gateway in this process; both stop when the test ends. */
export async function startThings(t: Test, shape: ThingsShape, options: Partial<SallyportOptions> = {}): Promise<Things> {
  const issuer = await startThingsIssuer(t);
  const sallyport = await startSallyport(t, { files: thingsFiles(shape), environment: issuer.environment, ...options });
  return { sallyport, issuer, port: sallyport.running.ports.gateway, bearer: { authorization: `Bearer ${issuer.token()}` } };
}

/** Resolves when it has become true; the test's own time-out bounds the wait. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 10));
}
