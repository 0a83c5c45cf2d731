/** Values that header members and claims of a changed token may have, as JSON text: right ones, near misses, and other types. */
import { ISS } from "./token-differential-keys.ts";

export const CLIENT = "app";
/** The instant around which all times lie: a whole second, in epoch milliseconds. */
export const NOW = 1_800_000_000_000;

const SECONDS = NOW / 1000;
const json = (value: unknown): string => JSON.stringify(value);
export const WRONG_TYPES = ["null", "true", "false", "0", "1", "-1", '""', "[]", "{}", "[[]]", "1e400", "-0", '"x"'];
const spellings = (right: string): string[] =>
  [
    right,
    `${right}/`,
    `${right} `,
    ` ${right}`,
    `${right}\0`,
    right.toUpperCase(),
    `${right}.`,
    right.slice(0, -1),
    `${right}\u0301`,
    encodeURIComponent(right),
  ].map(json);
const listsWith = (right: string): string[] => [[right], [right, "other"], ["other", right], [right, 1], [["app"]], { 0: right }].map(json);

const NEAR = [-90_000, -86_401, -86_400, -3600, -61, -60, -1, 0, 1, 59, 60, 61, 62, 3600, 86_339, 86_340, 86_341, 90_000];
const TIME_TEXTS = [
  ...NEAR.map((offset) => String(SECONDS + offset)),
  ...["0.5", ".0", "e0", "e3"].map((tail) => `${SECONDS + 60}${tail}`),
  String(NOW),
  json(String(SECONDS + 60)),
  json([SECONDS + 60]),
  json({ value: SECONDS }),
  "1e300",
  "1e1",
  "9007199254740992",
  "9007199254740993",
];

export const CLAIM_TEXTS: Readonly<Record<string, readonly string[]>> = {
  exp: TIME_TEXTS,
  iat: TIME_TEXTS,
  nbf: TIME_TEXTS,
  auth_time: TIME_TEXTS,
  iss: [
    ...spellings(ISS),
    ...listsWith(ISS),
    json(ISS.replace("//cognito", "//issuer-cognito")),
    json(`${ISS}x`),
    json(ISS.replace("https", "http")),
  ],
  aud: [...spellings(CLIENT), ...listsWith(CLIENT), json("other")],
  client_id: [...spellings(CLIENT), ...listsWith(CLIENT), json("other")],
  token_use: [...spellings("access"), ...spellings("id"), json(["access", "id"]), json("refresh")],
  sub: [json(CLIENT), json("b1f2"), json("\u{1f600}"), json("\ud800"), json("a".repeat(3000)), json(["b1f2"])],
  scope: [json("things/read"), json(" "), json("a  b"), json(["things/read"])],
  "cognito:groups": [json(["all"]), json("all"), json(["all", 1]), json([null]), json({ 0: "all" }), json([["all"]])],
  username: [json("ivy"), json("\u0000"), json(["ivy"])],
  "cognito:username": [json("ivy"), json(["ivy"])],
  jti: [json("x"), json(["x"]), "7"],
  version: ["1", "3"],
  ["__proto__"]: [json({ admin: true })],
  constructor: [json({ prototype: {} }), json("x")],
  padding: [json("x".repeat(9000)), json("x".repeat(13_000)), nested(20), nested(31), nested(32), nested(60)],
};

export const HEADER_TEXTS: Readonly<Record<string, readonly string[]>> = {
  alg: [
    "none",
    "None",
    "",
    "RS256 ",
    "rs256",
    "RS256\0",
    "RS384",
    "RS512",
    "PS256",
    "HS256",
    "ES256",
    "ES512",
    "EdDSA",
    "toString",
    "RSA-SHA256",
  ].map(json),
  kid: [
    "first",
    "second",
    "plain",
    "rs512",
    "ec",
    "ed",
    "enc",
    "oct",
    "nobody",
    "__proto__",
    "constructor",
    "first ",
    "FIRST",
    "../first",
    "",
  ].map(json),
  crit: [json([]), json(["exp"]), json(["b64"]), "null", '""'],
  b64: ["false", "true", "null"],
  zip: [json("DEF"), "null"],
  cty: [json("JWT"), json("json")],
  enc: [json("A256GCM")],
  typ: ["JWT", "at+jwt", "JWS", "none"].map(json),
  jku: [json("https://keys.example/jwks.json")],
  x5u: [json("https://keys.example/chain.pem")],
  jwk: [json({ kty: "oct", k: "AA" })],
  x5c: [json(["AA"])],
  ["__proto__"]: [json({ alg: "none" })],
  padding: [nested(31), nested(40), json("x".repeat(5000))],
};

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}
