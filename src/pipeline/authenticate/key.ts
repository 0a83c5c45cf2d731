import { timingSafeEqual } from "node:crypto";
import { digestApiKey, parseApiKey } from "../../contract/api-key.ts";
import type { KeyRecord, Proof } from "../../contract/caller.ts";
import type { ApiKeyAuthenticator } from "../../contract/authenticators.ts";
import { type KeyReader, StoreUnavailable } from "../../contract/stores.ts";
import { keyProof, type KeyProof } from "./proofs.ts";

const MALFORMED: Proof = { kind: "invalid", code: "KEY_INVALID", reason: "malformed API key: prefix, form or checksum" };
const UNKNOWN: Proof = { kind: "invalid", code: "KEY_INVALID", reason: "no such API key, or another secret" };

/** Stands in for the digest of a key that does not exist, so that its refusal takes the same steps. */
const NO_DIGEST = new Uint8Array(32);

/** On the connection itself: the key that it proved last. Most clients send the same one over and over. */
const LAST = Symbol("last API key");

interface Proved {
  readonly text: Buffer;
  /** Of this service, and by this state of its record. */
  readonly proof: KeyProof;
}

interface Remembering {
  [LAST]?: Proved;
}

export interface KeyQuestion {
  readonly service: string;
  readonly authenticators: readonly ApiKeyAuthenticator[];
  /** As sent. */
  readonly text: string;
  /** Epoch milliseconds. */
  readonly now: number;
  /** The client's. */
  readonly connection: object;
}

/**
 * Proves an API key of the service: form and checksum first, then the stored digest. A malformed key asks nothing
 * of the store. State, expiry and account are not looked at.
 */
export function proveApiKey(keys: KeyReader, question: KeyQuestion): Proof | Promise<Proof> {
  const { service, authenticators, text } = question;
  for (const { name, prefix } of authenticators) {
    const parsed = parseApiKey(text, prefix);
    if (parsed === undefined) continue;
    return find(keys, service, parsed.id, (record) => judgeRecord(keys, question, name, record));
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

function judgeRecord(keys: KeyReader, question: KeyQuestion, authenticator: string, key: KeyRecord | undefined): Proof {
  const proof = provedBefore(question, authenticator, key) ?? proveDigest(question, authenticator, key);
  if (proof === undefined || key === undefined) return UNKNOWN;
  keys.used(key.service, key.id, question.now);
  return proof;
}

/** The very same record, so that nothing of it has changed; and the same text, whose comparison tells nothing by its time either. */
function provedBefore({ text, connection }: KeyQuestion, authenticator: string, key: KeyRecord | undefined): KeyProof | undefined {
  const last = (connection as Remembering)[LAST];
  if (last === undefined || last.proof.key !== key || last.proof.authenticator !== authenticator || last.text.length !== text.length)
    return undefined;
  return timingSafeEqual(last.text, Buffer.from(text, "latin1")) ? last.proof : undefined;
}

function proveDigest({ text, connection }: KeyQuestion, authenticator: string, key: KeyRecord | undefined): KeyProof | undefined {
  const digest = digestApiKey(text);
  const stored = key?.digest ?? NO_DIGEST;
  const equal = stored.length === digest.length && timingSafeEqual(stored, digest);
  if (key === undefined || !equal) return undefined;
  const proof = keyProof(authenticator, key);
  (connection as Remembering)[LAST] = { text: Buffer.from(text, "latin1"), proof };
  return proof;
}

function unavailable(error: unknown): Proof {
  if (error instanceof StoreUnavailable) return { kind: "unavailable", reason: `key store: ${error.message}` };
  throw error;
}
