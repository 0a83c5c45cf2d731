/** Services with a limit of three a minute, and callers of every kind for them. */
import { randomBytes } from "node:crypto";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { ISS, type Gate, type GateShape } from "./gate.ts";
import { HEADER, rsa, tokenOf } from "./token-gate.ts";

export const MINUTE_MS = 60_000;
export const TRUSTING = 'trustProxy: ["127.0.0.1", "10.0.0.0/8"]\n';
export const AUTHENTICATORS = `roles: { all: ["*"] }
authenticators:
  machines: { jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", clients: any }, scopes: { all: ["*"] }, tenant: { claim: client_id } }
  key: { apiKey: { header: x-api-key, prefix: lim }, scopes: { all: ["*"] }, tenant: account }
`;

/** One route `GET /a` with a limit of three a minute, counted by the word given. */
export function limited(by: string, more = ""): Pick<GateShape, "services"> {
  return {
    services: {
      shop: `${AUTHENTICATORS}tenant: { query: tenant }\nroutes:\n  GET /a: { access: authenticated, limits: { few: { by: ${by}, rate: 3/minute } } }\n  GET /open: { access: public, limits: { few: { by: address, rate: 3/minute } } }\n${more}`,
    },
  };
}

export function tokenOfMachine(gate: Gate, client: string): string {
  const iat = Math.floor(gate.clocks.epochMs / 1000);
  return tokenOf(
    HEADER,
    { iss: ISS, iat, exp: iat + 3600, sub: client, client_id: client, scope: "all", jti: randomBytes(8).toString("hex") },
    rsa(gate.k1.privateKey),
  );
}

export function newKey(gate: Gate, account: string): string {
  const store = openSqliteKeys(gate.sallyport.keyStore, { side: "command", create: true });
  const { id, key } = makeApiKey("lim", randomBytes);
  store.createAccount({ service: "shop", id: account, kind: "service", role: "all", enabled: true, tenant: "acme" });
  store.createKey({ service: "shop", id, account, scopes: ["all"], digest: digestApiKey(key), createdAt: 0 });
  store.close();
  return key;
}

/** Statuses of so many calls, one after another. */
export async function statuses(calls: readonly (() => Promise<{ readonly status: number }>)[]): Promise<number[]> {
  const all: number[] = [];
  for (const call of calls) all.push((await call()).status);
  return all;
}

export const times = <Value>(count: number, value: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_value, index) => value(index));
