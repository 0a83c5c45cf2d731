/** The service of the key rows, and keys of any kind for it. */
import { randomBytes } from "node:crypto";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import type { SqliteKeys } from "../../src/stores/sqlite-keys.ts";

export const SHOP = `
roles: { reader: [read] }
authenticators:
  key: { apiKey: { header: x-api-key, prefix: shp_prod }, scopes: { all: ["*"] }, tenant: account }
  secret: { bearer: [{ id: one, value: "\${SECRET}", access: [read] }] }
  tokens: { jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", clients: any } }
tenant: { path: tenant }
routes:
  GET /me: { access: authenticated, tenant: unchecked }
  POST /me: { access: authenticated, tenant: unchecked }
  GET /tokens: { access: authenticated, authenticators: [tokens], tenant: unchecked }
  GET /t/{tenant}/x: authenticated
`;

/** What it asks of the environment, where keys of issuers do not matter. */
export function environmentOf(): Record<string, string> {
  return { SECRET: randomBytes(32).toString("base64url"), JWKS: "http://127.0.0.1:9/jwks.json" };
}

export interface KeyOptions {
  readonly account: string;
  readonly service?: string;
  readonly tenant?: string;
  readonly prefix?: string;
  readonly expiresAt?: number;
}

/** A new key in the store, with its account. */
export function newKey(keys: SqliteKeys, { account, service = "shop", prefix = "shp_prod", tenant, expiresAt }: KeyOptions) {
  keys.createAccount({ service, id: account, kind: "service", role: "reader", enabled: true, ...(tenant !== undefined && { tenant }) });
  const made = makeApiKey(prefix, randomBytes);
  const { id, key } = made;
  keys.createKey({
    service,
    id,
    account,
    scopes: ["all"],
    digest: digestApiKey(key),
    createdAt: 0,
    ...(expiresAt !== undefined && { expiresAt }),
  });
  return made;
}

/** Another well-formed key of the same id. */
export function twinOf(id: string): string {
  for (;;) {
    const { key } = makeApiKey("shp_prod", (size) => (size === 8 ? Uint8Array.from(id, byteOf) : randomBytes(size)));
    if (key.includes(`_${id}_`)) return key;
  }
}

function byteOf(character: string): number {
  return "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".indexOf(character);
}
