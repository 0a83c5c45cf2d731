/** Tokens, good and bad, of one issuer: what its machines and people carry, and what others make of that. */
import { constants, createHmac, generateKeyPairSync, randomBytes, sign as signBytes, type KeyObject } from "node:crypto";

export const ISS = "https://cognito-idp.us-east-2.amazonaws.com/us-east-2_Judged001";
export const CLIENT = "app";

export interface JudgedToken {
  readonly name: string;
  readonly token: string;
}

type Json = Record<string, unknown>;

const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });
const STRANGER = generateKeyPairSync("rsa", { modulusLength: 2048 });
const EC = generateKeyPairSync("ec", { namedCurve: "P-256" });

/** The key set that both judges are given: the one that signs, one of another kind, one that is for encryption. */
export const JWKS = {
  keys: [
    { ...RSA.publicKey.export({ format: "jwk" }), kid: "rsa", alg: "RS256", use: "sig" },
    { ...EC.publicKey.export({ format: "jwk" }), kid: "ec", alg: "ES256", use: "sig" },
    { ...STRANGER.publicKey.export({ format: "jwk" }), kid: "enc", alg: "RS256", use: "enc" },
  ],
};

function encode(part: unknown): string {
  return Buffer.from(typeof part === "string" || part instanceof Uint8Array ? part : JSON.stringify(part)).toString("base64url");
}

const HASHES: Readonly<Record<string, string>> = { RS256: "sha256", RS384: "sha384", RS512: "sha512", ES256: "sha256", PS256: "sha256" };

function signatureOf(input: string, alg: string, key: KeyObject): string {
  const options = alg.startsWith("PS")
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
    : { key, dsaEncoding: "ieee-p1363" as const };
  return signBytes(HASHES[alg] ?? "sha256", Buffer.from(input), options).toString("base64url");
}

/** A compact JWS over whatever it is given, by the issuer's key unless it says another. */
function jws(header: unknown, claims: unknown, alg = "RS256", key: KeyObject = RSA.privateKey): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${signatureOf(input, alg, key)}`;
}

const HEADER = { kid: "rsa", alg: "RS256" };

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function times(): Json {
  const now = nowSeconds();
  return { auth_time: now - 60, iat: now - 60, exp: now + 3540 };
}

/** The three kinds of token that the issuer makes. */
const KINDS: Readonly<Record<string, () => Json>> = {
  machine: () => ({ sub: CLIENT, token_use: "access", scope: "things/all", iss: ISS, client_id: CLIENT, version: 2, jti: "1", ...times() }),
  person: () => ({
    sub: "b1f2",
    username: "ivy",
    token_use: "access",
    scope: "openid",
    "cognito:groups": ["all"],
    iss: ISS,
    client_id: CLIENT,
    jti: "2",
    ...times(),
  }),
  id: () => ({
    sub: "b1f2",
    "cognito:username": "ivy",
    token_use: "id",
    email: "ivy@example.com",
    "cognito:groups": ["all"],
    iss: ISS,
    aud: CLIENT,
    jti: "3",
    ...times(),
  }),
};

/** What is put over the claims; undefined takes one away. */
const CLAIMS: Readonly<Record<string, (now: number) => Json>> = {
  "as it should be": () => ({}),
  "an unknown claim": () => ({ colour: "red" }),
  "exp missing": () => ({ exp: undefined }),
  "exp null": () => ({ exp: null }),
  "exp a string": (now) => ({ exp: String(now + 3000) }),
  "exp with a fraction": (now) => ({ exp: now + 3000.5 }),
  "exp true": () => ({ exp: true }),
  "exp a list": (now) => ({ exp: [now + 3000] }),
  "exp zero": () => ({ exp: 0 }),
  "exp negative": () => ({ exp: -1 }),
  "exp a second ago": (now) => ({ exp: now - 1 }),
  "exp an hour ago": (now) => ({ exp: now - 3600, iat: now - 7200 }),
  "exp in milliseconds": (now) => ({ exp: (now + 3000) * 1000 }),
  "exp beyond all bounds": () => ({ exp: 1e300 }),
  "exp two days off": (now) => ({ exp: now + 172_800 }),
  "exp before iat": (now) => ({ exp: now + 10, iat: now + 20 }),
  "iat missing": () => ({ iat: undefined }),
  "iat null": () => ({ iat: null }),
  "iat a string": (now) => ({ iat: String(now) }),
  "iat with a fraction": (now) => ({ iat: now - 1.5 }),
  "iat in half a minute": (now) => ({ iat: now + 30 }),
  "iat in two hours": (now) => ({ iat: now + 7200, exp: now + 10_800 }),
  "nbf past": (now) => ({ nbf: now - 60 }),
  "nbf in half a minute": (now) => ({ nbf: now + 30 }),
  "nbf in two hours": (now) => ({ nbf: now + 7200 }),
  "nbf a string": (now) => ({ nbf: String(now - 60) }),
  "nbf null": () => ({ nbf: null }),
  "token_use missing": () => ({ token_use: undefined }),
  "token_use refresh": () => ({ token_use: "refresh" }),
  "token_use in capitals": () => ({ token_use: "ACCESS" }),
  "token_use a list": () => ({ token_use: ["access", "id"] }),
  "token_use of the other kind": () => ({ token_use: "other" }),
  "iss missing": () => ({ iss: undefined }),
  "iss null": () => ({ iss: null }),
  "iss a list": () => ({ iss: [ISS] }),
  "iss another pool": () => ({ iss: `${ISS.slice(0, -1)}2` }),
  "iss with a slash behind": () => ({ iss: `${ISS}/` }),
  "iss over http": () => ({ iss: ISS.replace("https:", "http:") }),
  "iss in capitals": () => ({ iss: ISS.toUpperCase() }),
  "iss another host": () => ({ iss: ISS.replace("amazonaws.com", "amazonaws.com.example") }),
  "iss in Cognito's other form": () => ({ iss: ISS.replace("//cognito", "//issuer-cognito") }),
  "client_id and aud missing": () => ({ client_id: undefined, aud: undefined }),
  "client_id and aud another's": () => ({ client_id: "other", aud: "other" }),
  "client_id and aud in capitals": () => ({ client_id: "APP", aud: "APP" }),
  "client_id and aud lists": () => ({ client_id: [CLIENT], aud: [CLIENT] }),
  "client_id and aud lists with a stranger": () => ({ client_id: ["other", CLIENT], aud: ["other", CLIENT] }),
  "client_id and aud with a space": () => ({ client_id: "app ", aud: " app" }),
  "client_id and aud numbers": () => ({ client_id: 1, aud: 1 }),
  "client_id and aud empty": () => ({ client_id: "", aud: "" }),
  "sub missing": () => ({ sub: undefined }),
  "sub empty": () => ({ sub: "" }),
  "sub a number": () => ({ sub: 7 }),
  "scope a list": () => ({ scope: ["things/all"] }),
  "scope null": () => ({ scope: null }),
  "groups a string": () => ({ "cognito:groups": "all" }),
  "groups with a number": () => ({ "cognito:groups": ["all", 1] }),
};

/** What is made of a whole token; given its claims. */
const FORMS: Readonly<Record<string, (claims: Json) => string>> = {
  "typ JWT": (claims) => jws({ ...HEADER, typ: "JWT" }, claims),
  "typ at+jwt": (claims) => jws({ ...HEADER, typ: "at+jwt" }, claims),
  "alg none without signature": (claims) => `${encode({ ...HEADER, alg: "none" })}.${encode(claims)}.`,
  "alg none with the signature": (claims) => jws({ ...HEADER, alg: "none" }, claims),
  "alg HS256 with the public key": hmacWithPublicKey,
  "alg RS384": (claims) => jws({ ...HEADER, alg: "RS384" }, claims, "RS384"),
  "alg RS512": (claims) => jws({ ...HEADER, alg: "RS512" }, claims, "RS512"),
  "alg PS256": (claims) => jws({ ...HEADER, alg: "PS256" }, claims, "PS256"),
  "alg rs256": (claims) => jws({ ...HEADER, alg: "rs256" }, claims),
  "alg missing": (claims) => jws({ kid: "rsa" }, claims),
  "alg a list": (claims) => jws({ kid: "rsa", alg: ["RS256"] }, claims),
  "alg null": (claims) => jws({ kid: "rsa", alg: null }, claims),
  "alg ES256 and the issuer's other key": (claims) => jws({ kid: "ec", alg: "ES256" }, claims, "ES256", EC.privateKey),
  "alg RS256 and the key for ES256": (claims) => jws({ kid: "ec", alg: "RS256" }, claims),
  "a key that is for encryption": (claims) => jws({ kid: "enc", alg: "RS256" }, claims, "RS256", STRANGER.privateKey),
  "kid missing": (claims) => jws({ alg: "RS256" }, claims),
  "kid unknown": (claims) => jws({ alg: "RS256", kid: "nobody" }, claims),
  "kid empty": (claims) => jws({ alg: "RS256", kid: "" }, claims),
  "kid a number": (claims) => jws({ alg: "RS256", kid: 1 }, claims),
  "kid a path": (claims) => jws({ alg: "RS256", kid: "../rsa" }, claims),
  "kid __proto__": (claims) => jws({ alg: "RS256", kid: "__proto__" }, claims),
  crit: (claims) => jws({ ...HEADER, crit: ["exp"] }, claims),
  "crit and b64": (claims) => jws({ ...HEADER, crit: ["b64"], b64: false }, claims),
  zip: (claims) => jws({ ...HEADER, zip: "DEF" }, claims),
  "cty JWT": (claims) => jws({ ...HEADER, cty: "JWT" }, claims),
  "a key in the header": (claims) =>
    jws({ ...HEADER, jwk: STRANGER.publicKey.export({ format: "jwk" }) }, claims, "RS256", STRANGER.privateKey),
  "a key's address in the header": (claims) =>
    jws({ ...HEADER, jku: "https://evil.example/jwks.json" }, claims, "RS256", STRANGER.privateKey),
  "a stranger's signature": (claims) => jws(HEADER, claims, "RS256", STRANGER.privateKey),
  "one bit of the signature": (claims) => withSignature(jws(HEADER, claims), (bytes) => flip(bytes, 100)),
  "a signature cut short": (claims) => withSignature(jws(HEADER, claims), (bytes) => bytes.subarray(0, -1)),
  "a signature with a byte behind": (claims) => withSignature(jws(HEADER, claims), (bytes) => Buffer.concat([bytes, Buffer.from([0])])),
  "a signature of zeros": (claims) => withSignature(jws(HEADER, claims), (bytes) => Buffer.alloc(bytes.length)),
  "no signature": (claims) => withSignature(jws(HEADER, claims), () => Buffer.alloc(0)),
  "random bytes for a signature": (claims) => withSignature(jws(HEADER, claims), (bytes) => randomBytes(bytes.length)),
  "another token's signature": (claims) => swapSignature(jws(HEADER, claims), jws(HEADER, { ...claims, jti: "x" })),
  "the signature with padding": (claims) => `${jws(HEADER, claims)}==`,
  "claims changed after signing": (claims) => swapClaims(jws(HEADER, claims), { ...claims, scope: "everything" }),
  "two parts": (claims) => jws(HEADER, claims).split(".").slice(0, 2).join("."),
  "four parts": (claims) => `${jws(HEADER, claims)}.${encode("x")}`,
  "five parts": (claims) => `${jws(HEADER, claims)}.a.b`,
  "an empty header": (claims) => jws("", claims),
  "empty claims": () => jws(HEADER, ""),
  "a header that is a list": (claims) => jws([HEADER], claims),
  "a header that is null": (claims) => jws("null", claims),
  "claims that are a list": (claims) => jws(HEADER, [claims]),
  "claims that are a string": () => jws(HEADER, '"claims"'),
  "claims that are no JSON": () => jws(HEADER, "not json"),
  "claims cut short": (claims) => jws(HEADER, JSON.stringify(claims).slice(0, -1)),
  "claims with a comma too many": (claims) => jws(HEADER, JSON.stringify(claims).replace(/\}$/, ",}")),
  "claims with a claim twice": (claims) => jws(HEADER, JSON.stringify(claims).replace(/\}$/, ',"sub":"other"}')),
  "claims with a byte order mark": (claims) => jws(HEADER, `\ufeff${JSON.stringify(claims)}`),
  "claims that are no UTF-8": (claims) =>
    jws(
      HEADER,
      Buffer.concat([Buffer.from(JSON.stringify(claims).replace(/\}$/, ',"x":"')), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    ),
  "claims nested deep": (claims) => jws(HEADER, { ...claims, deep: JSON.parse(`${"[".repeat(60)}${"]".repeat(60)}`) as unknown }),
  "claims with spaces": (claims) => jws(HEADER, JSON.stringify(claims, undefined, 2)),
  "claims in plain base64": (claims) => plainBase64({ ...claims, note: "??>>~~ÿÿ" }),
  "__proto__ among the claims": (claims) => jws(HEADER, JSON.stringify(claims).replace(/\}$/, ',"__proto__":{"admin":true}}')),
};

function hmacWithPublicKey(claims: Json): string {
  const input = `${encode({ ...HEADER, alg: "HS256" })}.${encode(claims)}`;
  const secret = RSA.publicKey.export({ type: "spki", format: "pem" });
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

function withSignature(token: string, change: (signature: Buffer) => Uint8Array): string {
  const [header, claims, signature = ""] = token.split(".");
  return `${header}.${claims}.${encode(change(Buffer.from(signature, "base64url")))}`;
}

function flip(bytes: Buffer, index: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[index] = (copy[index] ?? 0) ^ 1;
  return copy;
}

function swapSignature(token: string, other: string): string {
  return [...token.split(".").slice(0, 2), other.split(".")[2]].join(".");
}

function swapClaims(token: string, claims: Json): string {
  const [header, , signature] = token.split(".");
  return `${header}.${encode(claims)}.${signature}`;
}

function plainBase64(claims: Json): string {
  const input = `${encode(HEADER)}.${Buffer.from(JSON.stringify(claims)).toString("base64")}`;
  return `${input}.${signatureOf(input, "RS256", RSA.privateKey)}`;
}

/** All of them, made now; names are unique. */
export function judgedTokens(): readonly JudgedToken[] {
  return Object.entries(KINDS).flatMap(([kind, claimsOf]) => [
    ...Object.entries(CLAIMS).map(([name, change]) => ({
      name: `${kind}: ${name}`,
      token: jws(HEADER, { ...claimsOf(), ...change(nowSeconds()) }),
    })),
    ...Object.entries(FORMS).map(([name, form]) => ({ name: `${kind}: ${name}`, token: form(claimsOf()) })),
  ]);
}
