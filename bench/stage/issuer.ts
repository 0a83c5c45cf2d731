/** Tokens of the shape that Cognito gives machines, and the key set that proves them. Keys are made anew for each run. */
import { generateKeyPairSync, randomUUID, sign, type KeyObject } from "node:crypto";
import { createServer } from "node:http";
import { Worker } from "node:worker_threads";

export interface Issuer {
  readonly iss: string;
  readonly jwks: string;
  /** The public key as PEM, for those who take it from a file. */
  readonly publicPem: string;
  readonly token: (client: string, scope?: string) => string;
  /** So many different tokens of one client; made by two threads, some 1,500 a second each. */
  readonly pool: (count: number, client: string) => Promise<readonly string[]>;
  readonly close: () => void;
}

export const SCOPE = "bench/read_models";
const KEY_ID = "bench-1";
const LIFE_SECONDS = 12 * 3600;

/** Starts the issuer on a free port of 127.0.0.1. */
export async function startIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: KEY_ID, use: "sig", alg: "RS256" };
  const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] })));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const iss = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}/pool`;
  return {
    iss,
    jwks: `${iss}/jwks.json`,
    publicPem: publicKey.export({ type: "spki", format: "pem" }),
    token: (client, scope = SCOPE) => makeToken(privateKey, iss, client, scope),
    pool: async (count, client) => {
      const half = Math.ceil(count / 2);
      const parts = await Promise.all([half, count - half].map((share) => makeElsewhere(privateKey, iss, client, share)));
      return parts.flat();
    },
    close: () => server.close(),
  };
}

/** An RS256 token (RFC 7515). */
export function makeToken(key: KeyObject, iss: string, client: string, scope: string): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    sub: client,
    token_use: "access",
    scope,
    auth_time: now,
    iss,
    exp: now + LIFE_SECONDS,
    iat: now,
    version: 2,
    jti: randomUUID(),
    client_id: client,
  };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ kid: KEY_ID, alg: "RS256" })}.${part(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}

function makeElsewhere(key: KeyObject, iss: string, client: string, count: number): Promise<readonly string[]> {
  const pem = key.export({ type: "pkcs8", format: "pem" });
  const worker = new Worker(new URL("./token-maker.ts", import.meta.url), { workerData: { pem, iss, client, count } });
  return new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
}
