import { timingSafeEqual } from "node:crypto";
import { digestApiKey, parseApiKey } from "../../contract/api-key.ts";
import type { KeyRecord, Proof } from "../../contract/caller.ts";
import type { ApiKeyAuthenticator } from "../../contract/policy.ts";
import { type KeyReader, StoreUnavailable } from "../../contract/stores.ts";

const MALFORMED: Proof = { kind: "invalid", code: "KEY_INVALID", reason: "malformed API key: prefix, form or checksum" };
const UNKNOWN: Proof = { kind: "invalid", code: "KEY_INVALID", reason: "no such API key, or another secret" };

/** Stands in for the digest of a key that does not exist, so that its refusal takes the same steps. */
const NO_DIGEST = new Uint8Array(32);

/**
 * Proves an API key of the service: form and checksum first, then the stored digest. A malformed key asks nothing
 * of the store. State, expiry and account are not looked at. `now` is in epoch milliseconds.
 */
export function proveApiKey(
  keys: KeyReader,
  service: string,
  authenticators: readonly ApiKeyAuthenticator[],
  text: string,
  now: number,
): Proof | Promise<Proof> {
  for (const { name, prefix } of authenticators) {
    const parsed = parseApiKey(text, prefix);
    if (parsed === undefined) continue;
    const judge = (record: KeyRecord | undefined) => judgeRecord(keys, name, record, digestApiKey(text), now);
    return find(keys, service, parsed.id, judge);
  }
  return MALFORMED;
}

function find(keys: KeyReader, service: string, id: string, judge: (record: KeyRecord | undefined) => Proof): Proof | Promise<Proof> {
  try {
    const found = keys.find(service, id);
    return found instanceof Promise ? found.then(judge).catch(unavailable) : judge(found);
  } catch (error) {
    return unavailable(error);
  }
}

function judgeRecord(keys: KeyReader, authenticator: string, key: KeyRecord | undefined, digest: Uint8Array, now: number): Proof {
  const stored = key?.digest ?? NO_DIGEST;
  const equal = stored.length === digest.length && timingSafeEqual(stored, digest);
  if (key === undefined || !equal) return UNKNOWN;
  keys.used(key.service, key.id, now);
  return { kind: "key", authenticator, key };
}

function unavailable(error: unknown): Proof {
  if (error instanceof StoreUnavailable) return { kind: "unavailable", reason: `key store: ${error.message}` };
  throw error;
}
