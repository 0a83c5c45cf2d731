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
  /** Of one service of one policy: another may want another form. */
  readonly authenticator: ApiKeyAuthenticator;
  /** By this state of the key's record. */
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

/** Which key to look for; `before` is the proof of this very text on this connection. */
interface Wanted {
  readonly id: string;
  readonly authenticator: ApiKeyAuthenticator;
  readonly before?: KeyProof;
}

/**
 * Proves an API key of the service: form and checksum first, then the stored digest. A malformed key asks nothing
 * of the store. State, expiry and account are not looked at.
 */
export function proveApiKey(keys: KeyReader, question: KeyQuestion): Proof | Promise<Proof> {
  const wanted = provedLast(question) ?? readForm(question);
  if (wanted === undefined) return MALFORMED;
  try {
    const found = keys.find(question.service, wanted.id);
    return found instanceof Promise
      ? found.then((late) => judge(keys, question, wanted, late)).catch(unavailable)
      : judge(keys, question, wanted, found);
  } catch (error) {
    return unavailable(error);
  }
}

/** The same text, whose comparison tells nothing by its time. */
function provedLast({ authenticators, text, connection }: KeyQuestion): Wanted | undefined {
  const last = (connection as Remembering)[LAST];
  if (last === undefined || last.text.length !== text.length || !authenticators.includes(last.authenticator)) return undefined;
  if (!timingSafeEqual(last.text, Buffer.from(text, "latin1"))) return undefined;
  return { id: last.proof.key.id, authenticator: last.authenticator, before: last.proof };
}

function readForm({ authenticators, text }: KeyQuestion): Wanted | undefined {
  for (const authenticator of authenticators) {
    const parsed = parseApiKey(text, authenticator.prefix);
    if (parsed !== undefined) return { id: parsed.id, authenticator };
  }
  return undefined;
}

function judge(keys: KeyReader, question: KeyQuestion, { authenticator, before }: Wanted, key: KeyRecord | undefined): Proof {
  // The very same record: nothing of it has changed.
  const proof = before !== undefined && before.key === key ? before : proveDigest(question, authenticator, key);
  if (proof === undefined || key === undefined) return UNKNOWN;
  keys.used(key.service, key.id, question.now);
  return proof;
}

function proveDigest(
  { text, connection }: KeyQuestion,
  authenticator: ApiKeyAuthenticator,
  key: KeyRecord | undefined,
): KeyProof | undefined {
  const digest = digestApiKey(text);
  const stored = key?.digest ?? NO_DIGEST;
  const equal = stored.length === digest.length && timingSafeEqual(stored, digest);
  if (key === undefined || !equal) return undefined;
  const proof = keyProof(authenticator.name, key);
  (connection as Remembering)[LAST] = { text: Buffer.from(text, "latin1"), authenticator, proof };
  return proof;
}

function unavailable(error: unknown): Proof {
  if (error instanceof StoreUnavailable) return { kind: "unavailable", reason: `key store: ${error.message}` };
  throw error;
}
