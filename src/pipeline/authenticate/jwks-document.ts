import { isRecord, type JsonObject, parseJsonObject } from "./json.ts";
import { MAX_KID_LENGTH } from "./jwt.ts";
import { printable } from "./printable.ts";
import { readVerificationKey, type VerificationKey } from "./verification-key.ts";

export const MAX_KEYS = 100;

export type KeyMap = ReadonlyMap<string, VerificationKey>;

/** A key of the document that does not count, for the operator. */
export interface SkippedKey {
  readonly kid: string;
  readonly reason: string;
}

/** The usable keys of a JWK Set (RFC 7517 §5), or why the answer is none. */
export type JwksDocument =
  | { readonly kind: "keys"; readonly keys: KeyMap; readonly skipped: readonly SkippedKey[] }
  | { readonly kind: "unusable"; readonly reason: string };

/**
 * Reads a JWK Set. A well-formed set counts whatever is in it, an empty one too, so that a removed key stops working.
 * A key equal to one of `known` is given back as that same object.
 */
export function readJwks(body: Uint8Array, algorithms: readonly string[], known: KeyMap | undefined): JwksDocument {
  const entries = parseJsonObject(body)?.["keys"];
  if (!Array.isArray(entries)) return { kind: "unusable", reason: "the answer is no JSON object with a `keys` list" };
  if (entries.length > MAX_KEYS) return { kind: "unusable", reason: `the answer has more than ${MAX_KEYS} keys` };
  const keys = new Map<string, VerificationKey>();
  const skipped: SkippedKey[] = [];
  const repeated = repeatedIds(entries);
  for (const entry of entries) {
    const verdict = readEntry(entry, repeated, algorithms);
    if ("unusable" in verdict) skipped.push({ kid: nameOf(entry), reason: verdict.unusable });
    else keys.set(verdict.kid, keepKnown(verdict, known));
  }
  return { kind: "keys", keys, skipped };
}

function readEntry(entry: unknown, repeated: ReadonlySet<unknown>, algorithms: readonly string[]) {
  if (!isRecord(entry)) return { unusable: "not an object" };
  const kid = entry["kid"];
  if (typeof kid !== "string" || kid === "" || kid.length > MAX_KID_LENGTH) return { unusable: "no usable `kid`" };
  if (repeated.has(kid)) return { unusable: "its `kid` is given more than once" };
  return readVerificationKey(entry, kid, algorithms);
}

function repeatedIds(entries: readonly unknown[]): ReadonlySet<unknown> {
  const seen = new Set<unknown>();
  const ids = entries.filter(isRecord).map((entry: JsonObject) => entry["kid"]);
  return new Set(ids.filter((kid) => seen.size === seen.add(kid).size));
}

function nameOf(entry: unknown): string {
  const kid = isRecord(entry) ? entry["kid"] : undefined;
  return typeof kid === "string" ? printable(kid) : "(none)";
}

function keepKnown(key: VerificationKey, known: KeyMap | undefined): VerificationKey {
  const before = known?.get(key.kid);
  return before?.fingerprint === key.fingerprint ? before : key;
}
