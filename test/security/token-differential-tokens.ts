/** Tokens of the differential: a recipe that fast-check makes and shrinks, and the token that is cooked of it. */
import * as fc from "fast-check";
import { GOOD_SIGNERS, ISS, OTHER_SIGNERS, type KeyRing } from "./token-differential-keys.ts";

export const CLIENT = "app";
/** The instant around which all times lie: a whole second. */
export const NOW = 1_800_000_000_000;

export type Use = "access" | "id";
type Kind = "machine" | "person" | "id";

/** What is done to one member of a JSON object; values are JSON text, so that any spelling can be had. */
type MemberChange = {
  readonly change: "set" | "drop" | "repeat before" | "repeat behind" | "repeat escaped";
  readonly name: string;
  readonly text: string;
};
/** A change by name; `dial` chooses the place or the amount. */
type Change = { readonly change: string; readonly dial: number };

export interface Recipe {
  readonly kind: Kind;
  readonly signer: string;
  readonly header: readonly MemberChange[];
  readonly claims: readonly MemberChange[];
  readonly headerText: readonly Change[];
  readonly claimsText: readonly Change[];
  readonly form: readonly Change[];
  /** Epoch milliseconds at which it is judged. */
  readonly now: number;
}

type Members = readonly (readonly [name: string, text: string])[];

/* ── good tokens, in Cognito's shapes ─────────────────────────────────── */

const SECONDS = NOW / 1000;
const TIMES = { auth_time: SECONDS - 60, iat: SECONDS - 60, exp: SECONDS + 3540 };
const GROUPS = ["all", "client:acme"];

const KINDS: Readonly<Record<Kind, object>> = {
  machine: {
    sub: CLIENT,
    token_use: "access",
    scope: "things/read things/write",
    ...TIMES,
    iss: ISS,
    version: 2,
    jti: "1",
    client_id: CLIENT,
  },
  person: {
    sub: "b1f2",
    "cognito:groups": GROUPS,
    iss: ISS,
    client_id: CLIENT,
    token_use: "access",
    scope: "openid",
    ...TIMES,
    jti: "2",
    username: "ivy",
  },
  id: {
    sub: "b1f2",
    "cognito:groups": GROUPS,
    iss: ISS,
    "cognito:username": "ivy",
    aud: CLIENT,
    token_use: "id",
    ...TIMES,
    jti: "3",
    email: "ivy@example.com",
  },
};

/* ── members ──────────────────────────────────────────────────────────── */

const json = (value: unknown): string => JSON.stringify(value);
const WRONG_TYPES = ["null", "true", "false", "0", "1", "-1", '""', "[]", "{}", "[[]]", "1e400", "-0", '"x"'];
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
  ...[
    String(NOW),
    json(String(SECONDS + 60)),
    json([SECONDS + 60]),
    json({ value: SECONDS }),
    "1e300",
    "1e1",
    "9007199254740992",
    "9007199254740993",
  ],
];

const CLAIM_TEXTS: Readonly<Record<string, readonly string[]>> = {
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

const HEADER_TEXTS: Readonly<Record<string, readonly string[]>> = {
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

const ODD_VALUE = fc.oneof(
  fc.constantFrom(...WRONG_TYPES),
  fc.jsonValue({ maxDepth: 2 }).map(json),
  fc.string({ unit: "binary", maxLength: 12 }).map(json),
);

function memberChange(texts: Readonly<Record<string, readonly string[]>>): fc.Arbitrary<MemberChange> {
  const change = fc.oneof(
    { weight: 6, arbitrary: fc.constant("set" as const) },
    { weight: 1, arbitrary: fc.constantFrom("drop", "repeat before", "repeat behind", "repeat escaped") },
  );
  const likely = Object.entries(texts).map(([name, values]) => {
    const text = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: ODD_VALUE });
    return { weight: Math.ceil(Math.sqrt(values.length)), arbitrary: fc.record({ change, name: fc.constant(name), text }) };
  });
  const odd = fc.record({ change, name: fc.string({ unit: "binary", maxLength: 8 }), text: ODD_VALUE });
  return fc.oneof({ weight: 12, arbitrary: fc.oneof(...likely) }, { weight: 1, arbitrary: odd });
}

function changed(members: Members, { change, name, text }: MemberChange): Members {
  const others = members.filter(([other]) => other !== name);
  switch (change) {
    case "set":
      return members.length === others.length
        ? [...members, [name, text]]
        : members.map((member) => (member[0] === name ? [name, text] : member));
    case "drop":
      return others;
    case "repeat before":
      return [[name, text], ...members];
    case "repeat behind":
      return [...members, [name, text]];
    case "repeat escaped":
      return [...members, [`\u0000${name}`, text]];
  }
}

/** Names marked with a NUL are written in escapes throughout: another spelling of the same name. */
function textOf(members: Members): string {
  return `{${members.map(([name, text]) => `${name.startsWith("\u0000") ? escaped(name.slice(1)) : json(name)}:${text}`).join(",")}}`;
}

function escaped(name: string): string {
  return `"${[...Array(name.length).keys()].map((at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;
}

/* ── JSON text ────────────────────────────────────────────────────────── */

const BEHIND = (text: string, more: string): string => text.replace(/\}$/, `${more}}`);

/** What may be done to the text of header or claims before it is signed. */
const TEXTS: Readonly<Record<string, (text: string, dial: number) => string | Uint8Array>> = {
  "spaces within": (text) => JSON.stringify(parsed(text), undefined, 2),
  "space around": (text) => ` \t\r\n${text}\n`,
  "space that JSON has not": (text) => `\u00a0${text}`,
  "byte order mark": (text) => `\ufeff${text}`,
  "NUL behind": (text) => `${text}\0`,
  "text behind": (text) => `${text}{}`,
  "comma behind the last": (text) => BEHIND(text, ","),
  comment: (text) => BEHIND(text, "/**/"),
  "cut short": (text, dial) => text.slice(0, -1 - (dial % text.length)),
  "in a list": (text) => `[${text}]`,
  "as a string": (text) => JSON.stringify(text),
  nothing: () => "",
  null: () => "null",
  "no UTF-8 in a value": (text) => withBytes(text, [0xff]),
  "overlong UTF-8 in a value": (text) => withBytes(text, [0xc0, 0xaf]),
  "half a surrogate pair in a value": (text) => withBytes(text, [0xed, 0xa0, 0x80]),
  "in UTF-16": (text) => Buffer.from(text, "utf16le"),
  "one byte changed": (text, dial) => oneByte(Buffer.from(text), dial),
  "a name twice further down": (text) => BEHIND(text, ',"deep":{"a":1,"a":1}'),
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function withBytes(text: string, bytes: readonly number[]): Uint8Array {
  return Buffer.concat([Buffer.from(text.replace(/\}$/, ',"odd":"')), Buffer.from(bytes), Buffer.from('"}')]);
}

function oneByte(bytes: Buffer, dial: number): Uint8Array {
  if (bytes.length > 0) bytes[dial % bytes.length] = (dial >>> 8) & 0xff;
  return bytes;
}

/* ── the finished token ───────────────────────────────────────────────── */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** What may stand in place of a character: of base64, of neither alphabet, beyond ASCII. */
const FOREIGN = ["+", "/", "=", ".", " ", "\n", "\t", "\0", "%", ",", '"', "é", "Ａ", "\u200b"];

/** What may be done to the whole token after it was signed. */
const FORMS: Readonly<Record<string, (token: string, dial: number) => string>> = {
  "signature bit": (token, dial) => onSignature(token, (bytes) => flipped(bytes, dial)),
  "signature cut": (token, dial) => onSignature(token, (bytes) => bytes.subarray(0, dial % (bytes.length + 1))),
  "signature longer": (token, dial) => onSignature(token, (bytes) => Buffer.concat([bytes, Buffer.from([dial & 0xff])])),
  "signature with a zero before": (token) => onSignature(token, (bytes) => Buffer.concat([Buffer.from([0]), bytes])),
  "signature of zeros": (token) => onSignature(token, (bytes) => Buffer.alloc(bytes.length)),
  "another bit": (token, dial) => onPart(token, dial % 2, (part) => flipped(Buffer.from(part, "base64url"), dial).toString("base64url")),
  "last character": (token, dial) => onPart(token, dial % 3, (part) => part.slice(0, -1) + neighbour(part.at(-1) ?? "A", dial)),
  padded: (token, dial) => onPart(token, dial % 3, (part) => part + "=".repeat(1 + ((dial >>> 2) % 3))),
  "plain base64": (token) => token.replaceAll("-", "+").replaceAll("_", "/"),
  "one character": (token, dial) => replacedAt(token, dial, ALPHABET[(dial >>> 3) % 64]!),
  "a foreign character in place": (token, dial) => replacedAt(token, dial, FOREIGN[(dial >>> 3) % FOREIGN.length]!),
  "a foreign character more": (token, dial) => insertedAt(token, dial, FOREIGN[(dial >>> 3) % FOREIGN.length]!),
  "character taken away": (token, dial) => replacedAt(token, dial, ""),
  "cut short": (token, dial) => token.slice(0, dial % (token.length + 1)),
  "part taken away": (token, dial) =>
    token
      .split(".")
      .filter((_, index) => index !== dial % 3)
      .join("."),
  "part emptied": (token, dial) => onPart(token, dial % 3, () => ""),
  "part more": (token, dial) => `${token}${".A".repeat(1 + (dial % 3))}`,
  "parts turned": (token) => token.split(".").reverse().join("."),
  "as JSON": (token) => {
    const [header, payload, signature] = token.split(".");
    return JSON.stringify({ protected: header, payload, signature });
  },
  twice: (token) => `${token},${token}`,
};

function onPart(token: string, index: number, change: (part: string) => string): string {
  return token
    .split(".")
    .map((part, at) => (at === index ? change(part) : part))
    .join(".");
}

function onSignature(token: string, change: (bytes: Buffer) => Uint8Array): string {
  return onPart(token, 2, (part) => Buffer.from(change(Buffer.from(part, "base64url"))).toString("base64url"));
}

function flipped(bytes: Buffer, dial: number): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[(dial >>> 3) % copy.length]! ^= 1 << (dial & 7);
  return copy;
}

/** A character that differs in its last bits alone, which base64 may ignore. */
function neighbour(character: string, dial: number): string {
  return ALPHABET[ALPHABET.indexOf(character) ^ (1 + ((dial >>> 2) % 3))] ?? "A";
}

function replacedAt(token: string, dial: number, character: string): string {
  const at = dial % Math.max(1, token.length);
  return token.slice(0, at) + character + token.slice(at + 1);
}

function insertedAt(token: string, dial: number, character: string): string {
  const at = dial % (token.length + 1);
  return token.slice(0, at) + character + token.slice(at);
}

/* ── recipes ──────────────────────────────────────────────────────────── */

function changes(table: Readonly<Record<string, unknown>>): fc.Arbitrary<Change> {
  return fc.record({ change: fc.constantFrom(...Object.keys(table)), dial: fc.nat() });
}

/** Mostly none, so that a token has few things wrong with it and each of them gets its say. */
function few<Value>(one: fc.Arbitrary<Value>, none: number): fc.Arbitrary<readonly Value[]> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight: none, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(one, { minLength: 1, maxLength: 2 }) },
  );
}

/** Good tokens and mutated ones of every kind and key; small recipes are those with little done to them. */
export function recipes(): fc.Arbitrary<Recipe> {
  return fc.record({
    kind: fc.constantFrom<Kind>("machine", "person", "id"),
    signer: fc.oneof(
      { withCrossShrink: true },
      { weight: 5, arbitrary: fc.constantFrom<string>(...GOOD_SIGNERS) },
      { weight: 1, arbitrary: fc.constantFrom<string>(...OTHER_SIGNERS) },
    ),
    header: few(memberChange(HEADER_TEXTS), 4),
    claims: few(memberChange(CLAIM_TEXTS), 1),
    headerText: few(changes(TEXTS), 20),
    claimsText: few(changes(TEXTS), 12),
    form: few(changes(FORMS), 3),
    now: fc.constantFrom(NOW, NOW + 1, NOW + 999),
  });
}

/** The token of a recipe. */
export function cook(recipe: Recipe, ring: KeyRing): string {
  const signer = ring.signers.get(recipe.signer);
  if (signer === undefined) throw new Error(`no signer ${recipe.signer}`);
  const { kid, alg, sign } = signer;
  const header = written(membersOf({ kid, alg }), recipe.header, recipe.headerText);
  const claims = written(membersOf(KINDS[recipe.kind]), recipe.claims, recipe.claimsText);
  const input = `${base64url(header)}.${base64url(claims)}`;
  const token = `${input}.${base64url(sign(Buffer.from(input)))}`;
  return recipe.form.reduce((spoilt, { change, dial }) => FORMS[change]!(spoilt, dial), token);
}

function membersOf(value: object): Members {
  return Object.entries(value).map(([name, content]) => [name, json(content)]);
}

function written(members: Members, memberChanges: readonly MemberChange[], textChanges: readonly Change[]): string | Uint8Array {
  const start: string | Uint8Array = textOf(memberChanges.reduce(changed, members));
  return textChanges.reduce<string | Uint8Array>((text, { change, dial }) => TEXTS[change]!(Buffer.from(text).toString(), dial), start);
}

function base64url(content: string | Uint8Array): string {
  return Buffer.from(content).toString("base64url");
}
