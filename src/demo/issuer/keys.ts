/** The signing keys of one pool: RS256, one that signs, older ones that still count. */
import { createPublicKey, generateKeyPair, sign, verify, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { createSigner, type JwtHeader } from "fast-jwt";
import type { RandomBytes } from "../random.ts";

/** One public key as the key set shows it (RFC 7517), with the members that Cognito gives. */
export interface PublicKey {
  readonly alg: "RS256";
  readonly e: string;
  readonly kid: string;
  readonly kty: "RSA";
  readonly n: string;
  readonly use: "sig";
}

interface SigningKey {
  readonly privateKey: KeyObject;
  readonly public: PublicKey;
  readonly sign: (claims: object) => string;
}

const makeKeyPair = promisify(generateKeyPair);

/** Keys that can be rotated; the newest one signs. */
export class SigningKeys {
  readonly #randomBytes: RandomBytes;
  readonly #keys: SigningKey[] = [];

  private constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes;
  }

  /** Keys with one 2048-bit RSA key to begin with. */
  static async make(randomBytes: RandomBytes): Promise<SigningKeys> {
    const keys = new SigningKeys(randomBytes);
    await keys.rotate();
    return keys;
  }

  /** Id of the key that signs. */
  get kid(): string {
    return this.#newest().public.kid;
  }

  /** Adds a new key, which signs from now on; the older ones stay in the key set. Answers the new key's id. */
  async rotate(): Promise<string> {
    const { privateKey } = await makeKeyPair("rsa", { modulusLength: 2048 });
    // Cognito's key ids are 32 bytes in plain base64, with `+`, `/` and `=`.
    const kid = this.#randomBytes(32).toString("base64");
    this.#keys.push({ privateKey, public: publicKey(privateKey, kid), sign: signer(privateKey, kid) });
    return kid;
  }

  /** Takes a key out of the key set; false when it is not there or the only one. */
  retire(kid: string): boolean {
    const index = this.#keys.findIndex((key) => key.public.kid === kid);
    if (index < 0 || this.#keys.length === 1) return false;
    this.#keys.splice(index, 1);
    return true;
  }

  /** The key set (RFC 7517 §5). */
  publicKeys(): { readonly keys: readonly PublicKey[] } {
    return { keys: this.#keys.map((key) => key.public) };
  }

  /** A compact JWS over well-formed claims (`iat` and `exp` are whole seconds), with `kid` and `alg` in its header. */
  signClaims(claims: object): string {
    return this.#newest().sign(claims);
  }

  /** A compact JWS over whatever it is given, RS256 by the signing key; a string stands for the JSON text itself. */
  signRaw(header: object | string, claims: object | string): string {
    const input = `${encode(header)}.${encode(claims)}`;
    return `${input}.${sign("sha256", Buffer.from(input), this.#newest().privateKey).toString("base64url")}`;
  }

  /** Claims of a token that one of these keys signed; undefined for any other text. Times are not looked at. */
  read(token: string): Readonly<Record<string, unknown>> | undefined {
    const [header = "", claims = "", signature = "", ...rest] = token.split(".");
    if (rest.length > 0) return undefined;
    const input = Buffer.from(`${header}.${claims}`);
    const proved = this.#keys.some((key) => verify("sha256", input, createPublicKey(key.privateKey), Buffer.from(signature, "base64url")));
    return proved ? (JSON.parse(Buffer.from(claims, "base64url").toString()) as Record<string, unknown>) : undefined;
  }

  #newest(): SigningKey {
    const key = this.#keys.at(-1);
    if (!key) throw new Error("a pool has at least one key");
    return key;
  }
}

function publicKey(privateKey: KeyObject, kid: string): PublicKey {
  const { n = "", e = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  return { alg: "RS256", e, kid, kty: "RSA", n, use: "sig" };
}

function signer(privateKey: KeyObject, kid: string): (claims: object) => string {
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  // An undefined `typ` is left out of the JSON: Cognito's headers hold `kid` and `alg` only.
  const header = { alg: "RS256", typ: undefined } as unknown as JwtHeader;
  return createSigner({ key, algorithm: "RS256", kid, header });
}

function encode(part: object | string): string {
  return Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
}
