import type { Claims } from "../../contract/caller.ts";
import { isRecord, type JsonObject, parseJsonObject } from "./json.ts";
import type { KeyAnswer, KeySet } from "./key-set.ts";
import { rememberByName } from "../remember.ts";
import { printable } from "./printable.ts";
import { tokenProof, type TokenProof } from "./proofs.ts";
import type { VerificationKey } from "./verification-key.ts";

/** Proved by this key of this set; `proof` may be shared between requests, since it is frozen throughout. */
export interface ProvedToken {
  readonly kind: "proved";
  readonly proof: TokenProof;
  readonly keySet: KeySet;
  readonly key: VerificationKey;
}

/** Not proved; `reason` holds nothing of the token but its `kid` and `alg`, cut short. */
export interface UnprovedToken {
  readonly kind: "invalid" | "unavailable";
  readonly reason: string;
}

/** A compact JWS whose form is in order; nothing of it is proved. */
interface ReadToken {
  readonly alg: string;
  readonly kid: string;
  readonly claims: Claims;
}

type Reading<T> = T | { readonly trouble: string };

/**
 * Header members that change how the rest is to be read: none of them is understood here, and RFC 7515 §4.1.11
 * then asks for a refusal (`crit`). `jku`, `jwk`, `x5u` and `x5c` are ignored: keys come from the policy's address alone.
 */
const REFUSED_MEMBERS = ["crit", "b64", "zip", "enc", "cty"];

/** Of which what was read is remembered: strangers make up as many as they like. */
const MOST_HEADERS = 64;

export const MAX_KID_LENGTH = 256;

/** Whether a token belongs to the `jwt` authenticators: three parts, the first of which is a JSON object. */
export function isJwtShaped(token: string): boolean {
  return partsOf(token) !== undefined;
}

/**
 * Proves form, header and signature of a token against the key set of its `iss`; undefined for what is not shaped as one. Of
 * the claims only the types of those are looked at that no rule need name (`jti`, `aud`); times and the rest are left to the
 * decision.
 */
export function proveJwt(
  token: string,
  keySets: ReadonlyMap<unknown, KeySet>,
): ProvedToken | UnprovedToken | Promise<ProvedToken | UnprovedToken> | undefined {
  const parts = partsOf(token);
  if (parts === undefined) return undefined;
  const read = readParts(parts);
  if ("trouble" in read) return invalid(read.trouble);
  const keySet = keySets.get(read.claims["iss"]);
  if (keySet === undefined) return invalid("its `iss` is none of the service's issuers");
  if (!keySet.issuer.algorithms.includes(read.alg)) return invalid(`alg ${printable(read.alg)} is not allowed`);
  const answer = keySet.find(read.kid);
  if (answer instanceof Promise) return answer.then((late) => verify(token, read, keySet, late));
  return verify(token, read, keySet, answer);
}

function verify(token: string, { alg, kid, claims }: ReadToken, keySet: KeySet, answer: KeyAnswer): ProvedToken | UnprovedToken {
  if (answer.kind === "unavailable") return answer;
  if (answer.kind === "unknown") return invalid(`${answer.reason}: \`${printable(kid)}\``);
  const verifies = answer.key.verifiers.get(alg);
  if (verifies === undefined) return invalid(`key \`${printable(kid)}\` is not for alg ${printable(alg)}`);
  if (!verifies(token)) return invalid(`signature does not verify with key \`${printable(kid)}\``);
  const proof = tokenProof(keySet.issuer.iss, claims);
  return { kind: "proved", proof, keySet, key: answer.key };
}

interface Parts {
  readonly header: ReadHeader;
  readonly claims: string;
  readonly signature: string;
}

function partsOf(token: string): Parts | undefined {
  const [first, claims, signature, ...more] = token.split(".", 4);
  if (first === undefined || claims === undefined || signature === undefined || more.length > 0) return undefined;
  const header = headerOf(first);
  return header === NO_OBJECT ? undefined : { header, claims, signature };
}

function readParts({ header, claims: claimsPart, signature }: Parts): Reading<ReadToken> {
  const claims = decodeCanonical(claimsPart);
  if (claims === undefined || !isCanonical(signature)) return NOT_CANONICAL;
  if ("trouble" in header) return header;
  const payload = parseJsonObject(claims);
  if (payload === undefined) return { trouble: "the payload is no unambiguous JSON object" };
  const trouble = typeTrouble(payload);
  return trouble === undefined ? { alg: header.alg, kid: header.kid, claims: payload } : { trouble };
}

/** The types that RFC 7519 §4.1.3 and §4.1.7 give: a token that breaks them is none, whether or not the policy asks for the claim. */
function typeTrouble({ jti, aud }: JsonObject): string | undefined {
  if (jti !== undefined && typeof jti !== "string") return "`jti` is no string";
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud ?? null];
  return aud === undefined || audiences.every((one) => typeof one === "string")
    ? undefined
    : "`aud` is neither a string nor a list of strings";
}

type ReadHeader = Reading<{ readonly alg: string; readonly kid: string }>;

const NO_OBJECT = { trouble: "the header is no JSON object" };
const NOT_CANONICAL = { trouble: "a part is not canonical base64url" };

/** An issuer has few headers, and signs a great many tokens with each. */
const headerOf = rememberByName((part): ReadHeader => {
  if (!isObject(part)) return NO_OBJECT;
  const bytes = decodeCanonical(part);
  return bytes === undefined ? NOT_CANONICAL : readHeader(parseJsonObject(bytes));
}, MOST_HEADERS);

function isObject(part: string): boolean {
  try {
    return isRecord(JSON.parse(Buffer.from(part, "base64url").toString()));
  } catch {
    return false;
  }
}

function readHeader(header: JsonObject | undefined): ReadHeader {
  if (header === undefined) return { trouble: "the header is no unambiguous JSON object" };
  const refused = REFUSED_MEMBERS.find((member) => member in header);
  if (refused !== undefined) return { trouble: `header has \`${refused}\`` };
  const { alg, kid } = header;
  if (typeof alg !== "string") return { trouble: "header has no `alg`" };
  if (typeof kid !== "string" || kid === "") return { trouble: "header has no `kid`" };
  return kid.length > MAX_KID_LENGTH ? { trouble: "its `kid` is too long" } : { alg, kid };
}

const BASE64URL = /^[A-Za-z0-9_-]+$/;
/** By length modulo four: the last characters whose spare bits are zero; one character too many is never right. */
const LAST_CHARACTERS: readonly RegExp[] = [/^[A-Za-z0-9_-]$/, /^(?!)$/, /^[AQgw]$/, /^[AEIMQUYcgkosw048]$/];

/**
 * The bytes of a part; undefined unless it is non-empty and the one way to write them: RFC 7515 §2 without padding, and no
 * bits left over in the last character, so that one token has one spelling.
 */
function decodeCanonical(part: string): Buffer | undefined {
  return isCanonical(part) ? Buffer.from(part, "base64url") : undefined;
}

function isCanonical(part: string): boolean {
  return BASE64URL.test(part) && LAST_CHARACTERS[part.length % 4]!.test(part.charAt(part.length - 1));
}

function invalid(reason: string): UnprovedToken {
  return { kind: "invalid", reason: `token: ${reason}` };
}
