/** The issuer of the token differential: its key set, with every kind of key that a set may hold, and who signs with what. */
import { constants, createHmac, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

export const ISS = "https://cognito-idp.us-east-2.amazonaws.com/us-east-2_Differ001";

export interface Signer {
  /** What its tokens say in their header, unless they are changed. */
  readonly alg: string;
  readonly kid: string;
  readonly sign: (input: Buffer) => Uint8Array;
}

export interface KeyRing {
  /** The JWK Set (RFC 7517 section 5) that both judges are given. */
  readonly jwks: { readonly keys: readonly Jwk[] };
  readonly signers: ReadonlyMap<string, Signer>;
}

export type Jwk = Readonly<Record<string, unknown>>;

/** One longer than the longest that the gateway looks up. */
const LONG_KID = "k".repeat(257);

/** Names of signers whose tokens both judges may accept. */
export const GOOD_SIGNERS = ["first", "second", "without alg"] as const;

export const OTHER_SIGNERS = [
  "without alg, RS384",
  "without alg, RS512",
  "without alg, PS256",
  "RS512",
  "ES256",
  "EdDSA",
  "for encryption",
  "key_ops without verify",
  "1024 bits",
  "exponent 3",
  "kid twice",
  "private members",
  "long kid",
  "stranger",
  "second's key as first",
  "HS256 with first's PEM",
  "HS256 with a published secret",
] as const;

/** Makes all keys anew. */
export function createKeyRing(): KeyRing {
  const first = rsa();
  const [second, plain, rs512, enc, ops, twice, open, long] = [rsa(), rsa(), rsa(), rsa(), rsa(), rsa(), rsa(), rsa()];
  const [weak, small, stranger] = [rsa(1024), rsa(2048, 3), rsa()];
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ed = generateKeyPairSync("ed25519");
  const shared = randomBytes(32);
  const pem = first.publicKey.export({ type: "spki", format: "pem" });
  const rs256 = { alg: "RS256", use: "sig" };
  const keys: Jwk[] = [
    jwk(first, { kid: "first", ...rs256 }),
    jwk(second, { kid: "second", ...rs256 }),
    jwk(plain, { kid: "plain" }),
    jwk(rs512, { kid: "rs512", alg: "RS512", use: "sig" }),
    jwk(ec, { kid: "ec", alg: "ES256", use: "sig" }),
    jwk(ed, { kid: "ed", alg: "EdDSA", use: "sig" }),
    jwk(enc, { kid: "enc", alg: "RS256", use: "enc" }),
    jwk(ops, { kid: "ops", ...rs256, key_ops: ["encrypt"] }),
    jwk(weak, { kid: "weak", ...rs256 }),
    jwk(small, { kid: "small", ...rs256 }),
    jwk(twice, { kid: "twice", ...rs256 }),
    jwk(twice, { kid: "twice", ...rs256 }),
    { ...open.privateKey.export({ format: "jwk" }), kid: "open", ...rs256 },
    jwk(long, { kid: LONG_KID, ...rs256 }),
    { kty: "oct", k: shared.toString("base64url"), kid: "oct", alg: "HS256" },
  ];
  const signers: [string, Signer][] = [
    ["first", signer("first", "RS256", first.privateKey)],
    ["second", signer("second", "RS256", second.privateKey)],
    ["without alg", signer("plain", "RS256", plain.privateKey)],
    ["without alg, RS384", signer("plain", "RS384", plain.privateKey)],
    ["without alg, RS512", signer("plain", "RS512", plain.privateKey)],
    ["without alg, PS256", signer("plain", "PS256", plain.privateKey)],
    ["RS512", signer("rs512", "RS512", rs512.privateKey)],
    ["ES256", signer("ec", "ES256", ec.privateKey)],
    ["EdDSA", signer("ed", "EdDSA", ed.privateKey)],
    ["for encryption", signer("enc", "RS256", enc.privateKey)],
    ["key_ops without verify", signer("ops", "RS256", ops.privateKey)],
    ["1024 bits", signer("weak", "RS256", weak.privateKey)],
    ["exponent 3", signer("small", "RS256", small.privateKey)],
    ["kid twice", signer("twice", "RS256", twice.privateKey)],
    ["private members", signer("open", "RS256", open.privateKey)],
    ["long kid", signer(LONG_KID, "RS256", long.privateKey)],
    ["stranger", signer("first", "RS256", stranger.privateKey)],
    ["second's key as first", signer("first", "RS256", second.privateKey)],
    ["HS256 with first's PEM", { kid: "first", alg: "HS256", sign: hmac(pem) }],
    ["HS256 with a published secret", { kid: "oct", alg: "HS256", sign: hmac(shared) }],
  ];
  return { jwks: { keys }, signers: new Map(signers) };
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function rsa(modulusLength = 2048, publicExponent = 65537): KeyPair {
  return generateKeyPairSync("rsa", { modulusLength, publicExponent });
}

function jwk({ publicKey }: KeyPair, members: Jwk): Jwk {
  return { ...publicKey.export({ format: "jwk" }), ...members };
}

const DIGESTS: ReadonlyMap<string, string> = new Map([
  ["RS384", "sha384"],
  ["RS512", "sha512"],
]);

function signer(kid: string, alg: string, key: KeyObject): Signer {
  const digest = alg === "EdDSA" ? null : (DIGESTS.get(alg) ?? "sha256");
  const pss = alg === "PS256" ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
  return { kid, alg, sign: (input) => sign(digest, input, { key, dsaEncoding: "ieee-p1363", ...pss }) };
}

function hmac(secret: string | Uint8Array): Signer["sign"] {
  return (input) => createHmac("sha256", secret).update(input).digest();
}
