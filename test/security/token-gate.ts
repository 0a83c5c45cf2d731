/** The gate of the token rows: machines by access token, people by ID token, and tokens of any make. */
import { createHmac, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Test } from "tap";
import { bearer, CLIENT, ISS, refusalOf, startGate, type Asked, type Gate, type GateShape } from "./gate.ts";

export const SERVICE = `
authenticators:
  machines:
    jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", use: access, caller: machine, clients: [${CLIENT}] }
    scopes: { api/read: [read], api/admin: [admin] }
    tenant: { claim: client_id }
  people:
    jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", use: id, caller: person, audience: [${CLIENT}] }
    groups: { readers: [read], admin: [admin] }
    tenant: { claim: "custom:tenant" }
tenant: { path: tenant }
routes:
  GET /open: public
  GET /me: { access: authenticated, tenant: unchecked }
  POST /me: { access: authenticated, tenant: unchecked }
  GET /read: { access: read, tenant: unchecked }
  GET /admin: { access: admin, tenant: unchecked }
  GET /machines: { access: authenticated, authenticators: [machines], tenant: unchecked }
  GET /people: { access: authenticated, authenticators: [people], tenant: unchecked }
  GET /t/{tenant}/x: authenticated
`;

/** Of a good token. */
export const HEADER = { kid: "k1", alg: "RS256" };

export type Claims = Record<string, unknown>;

export interface TokenGate extends Gate {
  /** Claims of a good access token of the machine `c1`. */
  readonly claims: () => Claims;
  /** Claims of a good ID token of the person `pat`. */
  readonly idClaims: () => Claims;
  /** A token of this header and these claims under k1's own signature; a string stands for the JSON text. */
  readonly sign: (header: object, claims: object | string | Uint8Array) => string;
  /** A machine's good token, with other claims in it; an undefined one is left out. */
  readonly token: (claims?: Claims) => string;
  /** A person's good ID token, with other claims in it. */
  readonly idToken: (claims?: Claims) => string;
  /** `GET /me` with this bearer token. */
  readonly present: (token: string, line?: string) => Promise<Asked>;
  /** Fails unless each token gets the one 401 that all bad tokens get, and nothing is forwarded. */
  readonly allInvalid: (t: Test, tokens: Readonly<Record<string, string>>, line?: string) => Promise<void>;
}

export async function startTokenGate(t: Test, shape: Partial<GateShape> = {}): Promise<TokenGate> {
  const gate = await startGate(t, { services: { tokens: SERVICE }, ...shape });
  const now = (): number => Math.floor(gate.clocks.epochMs / 1000);
  const common = (): Claims => ({ iss: ISS, iat: now(), exp: now() + 600, auth_time: now(), jti: "j1" });
  const claims = (): Claims => ({ ...common(), sub: CLIENT, client_id: CLIENT, token_use: "access", scope: "api/read", version: 2 });
  const idClaims = (): Claims => ({
    ...common(),
    sub: "p1",
    "cognito:username": "pat",
    aud: CLIENT,
    token_use: "id",
    "cognito:groups": ["readers"],
    "custom:tenant": "acme",
  });
  const signed: TokenGate["sign"] = (header, payload) => tokenOf(header, payload, rsa(gate.k1.privateKey));
  const present: TokenGate["present"] = (token, line = "GET /me") => gate.ask(line, bearer(token));
  return {
    ...gate,
    claims,
    idClaims,
    sign: signed,
    token: (others = {}) => signed(HEADER, { ...claims(), ...others }),
    idToken: (others = {}) => signed(HEADER, { ...idClaims(), ...others }),
    present,
    async allInvalid(t, tokens, line) {
      const one = refusalOf(await present("no-token-at-all", line));
      for (const [name, token] of Object.entries(tokens)) {
        const answer = await present(token, line);
        t.equal(answer.verdict, "TOKEN_INVALID", name);
        t.same(refusalOf(answer), one, `${name}: the same answer as to any other bad token`);
      }
      t.equal((await present(signed(HEADER, claims()), "GET /me")).status, 200, "a good token still passes");
    },
  };
}

export function encoded(part: object | string | Uint8Array): string {
  const bytes =
    typeof part === "string" ? Buffer.from(part) : part instanceof Uint8Array ? Buffer.from(part) : Buffer.from(JSON.stringify(part));
  return bytes.toString("base64url");
}

/** A compact JWS with whatever makes its signature. */
export function tokenOf(
  header: object | string | Uint8Array,
  claims: object | string | Uint8Array,
  signed: (input: Buffer) => Uint8Array | string,
): string {
  const input = `${encoded(header)}.${encoded(claims)}`;
  return `${input}.${encoded(signed(Buffer.from(input)))}`;
}

export function rsa(key: KeyObject, digest = "sha256", padding?: number): (input: Buffer) => Uint8Array {
  return (input) => sign(digest, input, padding === undefined ? key : { key, padding });
}

export function hmac(key: string | Uint8Array, digest = "sha256"): (input: Buffer) => Uint8Array {
  return (input) => createHmac(digest, key).update(input).digest();
}
