import { constants, createPublicKey, type KeyObject, verify, type VerifyKeyObjectInput } from "node:crypto";
import type { JsonObject } from "./json.ts";

/** A usable public key of an issuer. Refreshes that bring the same key again keep the same object. */
export interface VerificationKey {
  readonly kid: string;
  /** Tells the same key with the same algorithms from another one. */
  readonly fingerprint: string;
  /** Algorithm → whether a compact JWS of that algorithm verifies with this key. */
  readonly verifiers: ReadonlyMap<string, (token: string) => boolean>;
}

/** The key, or why it does not count. */
export type KeyVerdict = VerificationKey | { readonly unusable: string };

/** The key type and curves that an algorithm needs (RFC 7518 §3.1, RFC 8037 §3.1). */
interface KeyKind {
  readonly kty: string;
  readonly curves?: readonly unknown[];
}

const RSA: KeyKind = { kty: "RSA" };
const KEY_KINDS: ReadonlyMap<string, KeyKind> = new Map([
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map((name) => [name, RSA] as const),
  ["ES256", { kty: "EC", curves: ["P-256"] }],
  ["ES384", { kty: "EC", curves: ["P-384"] }],
  ["ES512", { kty: "EC", curves: ["P-521"] }],
  ["EdDSA", { kty: "OKP", curves: ["Ed25519", "Ed448"] }],
]);

/** Private and symmetric members of a JWK (RFC 7518 §6.2.2, §6.3.2, §6.4.1). */
const SECRET_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** Makes a verification key of one JWK (RFC 7517 §4) for those of the allowed algorithms that it fits. */
export function readVerificationKey(jwk: JsonObject, kid: string, allowed: readonly string[]): KeyVerdict {
  const trouble = secretTrouble(jwk) ?? useTrouble(jwk);
  if (trouble !== undefined) return { unusable: trouble };
  const algorithms = allowed.filter((name) => fits(jwk, name));
  if (algorithms.length === 0) return { unusable: "its type, curve or `alg` fits no allowed algorithm" };
  const key = importKey(jwk);
  if (key === undefined) return { unusable: "not a well-formed public key" };
  if (isWeak(key)) return { unusable: "RSA key below 2048 bits, or its exponent even or below 65537" };
  return verificationKey(kid, key, algorithms);
}

function secretTrouble(jwk: JsonObject): string | undefined {
  if (jwk["kty"] === "oct") return "symmetric key: it must never be published";
  return SECRET_MEMBERS.some((member) => member in jwk) ? "holds private parameters: they must never be published" : undefined;
}

function useTrouble(jwk: JsonObject): string | undefined {
  if ("use" in jwk && jwk["use"] !== "sig") return "its `use` is not `sig`";
  const operations = jwk["key_ops"];
  if (operations === undefined) return undefined;
  return Array.isArray(operations) && operations.includes("verify") ? undefined : "its `key_ops` lack `verify`";
}

function fits(jwk: JsonObject, algorithm: string): boolean {
  const kind = KEY_KINDS.get(algorithm);
  if (kind === undefined || jwk["kty"] !== kind.kty) return false;
  if ("alg" in jwk && jwk["alg"] !== algorithm) return false;
  return kind.curves?.includes(jwk["crv"]) ?? true;
}

function importKey(jwk: JsonObject): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: "jwk" });
  } catch {
    return undefined;
  }
}

function isWeak(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== "rsa") return false;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  return modulusLength < 2048 || publicExponent < 65537n || publicExponent % 2n === 0n;
}

function verificationKey(kid: string, key: KeyObject, algorithms: readonly string[]): VerificationKey {
  const pem = key.export({ type: "spki", format: "pem" });
  const verifiers = new Map(algorithms.map((algorithm) => [algorithm, verifierOf(key, algorithm)]));
  return { kid, fingerprint: `${algorithms.join(" ")}\n${pem}`, verifiers };
}

/** How a signature of an algorithm is made (RFC 7518 sections 3.3 to 3.5, RFC 8037 section 3.1). */
function signingOf(algorithm: string): { readonly digest: string | undefined; readonly options: Omit<VerifyKeyObjectInput, "key"> } {
  const digest = algorithm === "EdDSA" ? undefined : `sha${algorithm.slice(2)}`;
  switch (algorithm.slice(0, 2)) {
    case "RS":
      return { digest, options: { padding: constants.RSA_PKCS1_PADDING } };
    case "PS":
      return { digest, options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } };
    case "ES":
      return { digest, options: { dsaEncoding: "ieee-p1363" } };
    default:
      return { digest, options: {} };
  }
}

/** The form of the token has been looked at: three parts, each of them canonical. Times and claims are the decision's. */
function verifierOf(key: KeyObject, algorithm: string): (token: string) => boolean {
  const { digest, options } = signingOf(algorithm);
  const input = { ...options, key };
  return function verifies(token) {
    const end = token.lastIndexOf(".");
    const signature = Buffer.from(token.slice(end + 1), "base64url");
    try {
      return verify(digest, Buffer.from(token.slice(0, end), "latin1"), input, signature);
    } catch {
      // What cannot even be read as a signature of this kind.
      return false;
    }
  };
}
