/**
 * The explained differences: why we refuse a token that AWS's verifier takes. A difference is of a class when the reason that
 * we give says so and the token itself, read here by other means than the gateway's, shows it. docs/token-differences.md explains each.
 */
import { isUtf8 } from "node:buffer";
import { ISS, type Jwk, type KeyRing } from "./token-differential-keys.ts";
import type { Use } from "./token-differential-tokens.ts";

type Json = Readonly<Record<string, unknown>>;

/** A token that AWS's verifier takes, so that both its objects can be read. */
interface Facts {
  readonly token: string;
  readonly parts: readonly string[];
  /** Text of header and payload, decoded however badly they are spelt. */
  readonly texts: readonly [header: string, payload: string];
  readonly header: Json;
  readonly payload: Json;
  /** Keys of the set with the token's `kid`. */
  readonly keys: readonly Jwk[];
  /** Epoch milliseconds at which it was judged. */
  readonly now: number;
  readonly use: Use;
}

export interface Difference {
  readonly name: string;
  readonly code: "TOKEN_INVALID" | "TOKEN_EXPIRED" | "WRONG_TOKEN_TYPE";
  /** The gateway's own words. */
  readonly reason: RegExp;
  readonly shows: (facts: Facts) => boolean;
}

const INVALID = "TOKEN_INVALID";

const byKey = (name: string, shows: (key: Jwk, facts: Facts) => boolean): Difference => ({
  name,
  code: INVALID,
  reason: /kid unknown to the issuer/,
  shows: (facts) => facts.keys.some((key) => shows(key, facts)),
});

export const DIFFERENCES: readonly Difference[] = [
  /* form */
  {
    name: "base64 with padding",
    code: INVALID,
    reason: /not canonical base64url|no well-formed bearer token/,
    shows: ({ token }) => token.includes("="),
  },
  {
    name: "base64 with bits left over",
    code: INVALID,
    reason: /not canonical base64url/,
    shows: ({ parts }) => parts.some((part) => !part.endsWith("=") && respelt(part) !== part),
  },
  { name: "longer than 16 KB", code: INVALID, reason: /longer than 16384 characters/, shows: ({ token }) => token.length > 16_384 },
  {
    name: "not UTF-8",
    code: INVALID,
    reason: /no unambiguous JSON object/,
    shows: ({ parts }) => parts.slice(0, 2).some((part) => !isUtf8(Buffer.from(part, "base64url"))),
  },
  { name: "a JSON name twice", code: INVALID, reason: /no unambiguous JSON object/, shows: ({ texts }) => texts.some(hasNameTwice) },
  {
    name: "nested deeper than 32",
    code: INVALID,
    reason: /no unambiguous JSON object/,
    shows: ({ header, payload }) => Math.max(depthOf(header), depthOf(payload)) > 32,
  },
  /* header */
  {
    name: "header members that change the meaning",
    code: INVALID,
    reason: /header has `(crit|b64|zip|enc|cty)`/,
    shows: ({ header }) => ["crit", "b64", "zip", "enc", "cty"].some((member) => member in header),
  },
  {
    name: "an algorithm that the policy does not name",
    code: INVALID,
    reason: /alg \S+ is not allowed/,
    shows: ({ header }) => header["alg"] !== "RS256",
  },
  { name: "a kid longer than 256", code: INVALID, reason: /`kid` is too long/, shows: ({ header }) => String(header["kid"]).length > 256 },
  /* key */
  byKey("a key below 2048 bits", ({ n }) => Buffer.from(String(n), "base64url").length < 256),
  byKey("an exponent below 65537", ({ e }) => Number(`0x${Buffer.from(String(e), "base64url").toString("hex")}`) < 65_537),
  byKey("a key whose private half is published", (key) => "d" in key),
  byKey("a key that is not for verifying", ({ key_ops: operations }) => Array.isArray(operations) && !operations.includes("verify")),
  byKey("a kid that the set has twice", (_key, { keys }) => keys.length > 1),
  /* claims */
  {
    name: "Cognito's other issuer name",
    code: INVALID,
    reason: /`iss` is none of the service's issuers/,
    shows: ({ payload }) => payload["iss"] === ISS.replace("//cognito-idp.", "//issuer-cognito-idp."),
  },
  {
    name: "no subject",
    code: INVALID,
    reason: /^sub is missing/,
    shows: ({ payload }) => payload["sub"] === undefined || payload["sub"] === "",
  },
  { name: "no exp", code: INVALID, reason: /^exp is missing/, shows: ({ payload }) => payload["exp"] === undefined },
  { name: "no iat", code: INVALID, reason: /^iat is missing/, shows: ({ payload }) => payload["iat"] === undefined },
  {
    name: "a time that is no whole second",
    code: INVALID,
    reason: /^(exp|iat|nbf) is (missing or )?no whole number/,
    shows: ({ payload }) => ["exp", "iat", "nbf"].some((claim) => claim in payload && !Number.isSafeInteger(payload[claim])),
  },
  {
    name: "issued in the future",
    code: INVALID,
    reason: /^iat lies in the future/,
    shows: ({ payload, now }) => Number(payload["iat"]) > now / 1000 + 60,
  },
  {
    name: "a life longer than a day, or none",
    code: INVALID,
    reason: /lifetime is longer than the policy allows, or none/,
    shows: ({ payload }) => !within(1, 86_400, Number(payload["exp"]) - Number(payload["iat"])),
  },
  {
    name: "exp is now",
    code: "TOKEN_EXPIRED",
    reason: /^exp has passed/,
    shows: ({ payload, now }) => Number(payload["exp"]) * 1000 === now,
  },
  {
    name: "groups of another type",
    code: INVALID,
    reason: /^cognito:groups is of the wrong type/,
    shows: ({ payload }) => !isStringList(payload["cognito:groups"]),
  },
  {
    name: "another kind of caller",
    code: "WRONG_TOKEN_TYPE",
    reason: /the token is no person's/,
    shows: ({ payload, use }) => use === "id" && !isPerson(payload),
  },
];

/** Name of the class that explains why we refuse, with this code and reason, what AWS's verifier takes; undefined where none does. */
export function explain(token: string, use: Use, now: number, { jwks }: KeyRing, code: string, reason: string): string | undefined {
  const facts = factsOf(token, use, now, jwks.keys);
  return DIFFERENCES.find((difference) => difference.code === code && difference.reason.test(reason) && difference.shows(facts))?.name;
}

function factsOf(token: string, use: Use, now: number, keys: readonly Jwk[]): Facts {
  const parts = token.split(".");
  const [header = "", payload = ""] = parts.map((part) => Buffer.from(part, "base64").toString());
  const read = { header: JSON.parse(header) as Json, payload: JSON.parse(payload) as Json };
  return { token, parts, texts: [header, payload], ...read, keys: keys.filter(({ kid }) => kid === read.header["kid"]), now, use };
}

function respelt(part: string): string {
  return Buffer.from(part, "base64").toString("base64url");
}

/** In well-formed JSON, a string with a colon behind it is a name. */
function hasNameTwice(text: string): boolean {
  const written = [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/gs)].filter((match) => match[1] !== undefined).length;
  return written > countNames(JSON.parse(text));
}

function countNames(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const inside = Object.values(value).reduce((sum: number, item) => sum + countNames(item), 0);
  return inside + (Array.isArray(value) ? 0 : Object.keys(value).length);
}

function depthOf(value: unknown): number {
  return typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
}

function within(least: number, most: number, value: number): boolean {
  return value >= least && value <= most;
}

function isStringList(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function isPerson(payload: Json): boolean {
  return ["username", "cognito:username"].some((claim) => typeof payload[claim] === "string" && payload[claim] !== "");
}
