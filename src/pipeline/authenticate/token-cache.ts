import { LRUCache } from "lru-cache";
import type { Proof } from "../../contract/caller.ts";
import type { ProvedToken } from "./jwt.ts";
import type { KeySet } from "./key-set.ts";
import type { TokenProof } from "./proofs.ts";
import { SeenBefore } from "./seen-before.ts";
import type { VerificationKey } from "./verification-key.ts";

/** Proved tokens. `now` is the wall clock in epoch milliseconds, against which `exp` is held. */
export interface TokenCache {
  /**
   * The proof of this very token by one of these key sets, while it may still be used. `connection` is the client's: what it
   * sent last is found again at once, since most send the same token over and over.
   */
  get(token: string, keySets: ReadonlyMap<unknown, KeySet>, now: number, connection: object): Proof | undefined;
  /**
   * Kept by the connection; and for all others, once the token has been proved before. Gives the proof to go by: of a token that
   * was proved anew it is the one that was there, with all that was worked out from it.
   */
  put(token: string, proved: ProvedToken, now: number, connection: object): Proof;
}

export interface TokenCacheOptions {
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
  readonly maxBytes: number;
  /** Longest life of an entry. */
  readonly lifeMs?: number;
}

interface Entry {
  /** Stands for the cache that it is of: a connection may outlive the policy, and is not to keep all that its cache holds. */
  readonly owner: object;
  readonly token: string;
  readonly proof: TokenProof;
  readonly keySet: KeySet;
  key: VerificationKey;
  /** Wall clock. */
  from: number;
  /** Wall clock. */
  until: number;
  /** Monotonic: holds when the wall clock is set back. */
  monotonicUntil: number;
}

export const TOKEN_CACHE_LIFE_MS = 60_000;

/** On the connection itself: what it proved last. */
const LAST = Symbol("last token");

interface Remembering {
  [LAST]?: Entry;
}

/**
 * Makes a cache bounded by bytes. Only proofs go in: tokens that fail cannot displace them. An entry lies under a number that
 * its token's end makes, and holds the whole token: that alone says whether it is the one. Of two with the same number the later
 * stays.
 */
export function createTokenCache({ monotonicNow, maxBytes, lifeMs = TOKEN_CACHE_LIFE_MS }: TokenCacheOptions): TokenCache {
  const entries = new LRUCache<number, Entry>({ maxSize: maxBytes });
  const seen = new SeenBefore(maxBytes, sizeOf(""));
  const owner = {};

  function isLive({ keySet, key, from, until, monotonicUntil }: Entry, now: number): boolean {
    return now >= from && now < until && monotonicNow() < monotonicUntil && keySet.holds(key);
  }

  function isOf(entry: Entry | undefined, token: string): entry is Entry {
    return entry !== undefined && entry.token === token && entry.owner === owner;
  }

  return {
    get(token, keySets, now, connection: Remembering) {
      let entry = connection[LAST];
      if (!isOf(entry, token) || !isLive(entry, now)) {
        entry = entries.get(endOf(token));
        if (!isOf(entry, token) || !isLive(entry, now)) return undefined;
        connection[LAST] = entry;
      }
      // Another service may know the same `iss` by other keys.
      return keySets.get(entry.proof.iss) === entry.keySet ? entry.proof : undefined;
    },
    put(token, { proof, keySet, key }, now, connection: Remembering) {
      const until = Math.min(expiryOf(proof), now + lifeMs);
      if (until <= now) return proof;
      const monotonicUntil = monotonicNow() + lifeMs;
      const end = endOf(token);
      const before = entries.peek(end);
      if (isOf(before, token) && before.keySet === keySet) {
        // One token says one thing: nothing of it is old but the times, and the key may be another.
        connection[LAST] = Object.assign(before, { key, from: now, until, monotonicUntil });
        return before.proof;
      }
      const entry: Entry = { owner, token, proof, keySet, key, from: now, until, monotonicUntil };
      connection[LAST] = entry;
      const size = sizeOf(token);
      // Most of what comes once does not come again, and would push out what does.
      if (isOf(before, token) || seen.note(end, size)) entries.set(end, entry, { size });
      return proof;
    },
  };
}

const CHARACTERS_OF_THE_END = 16;

/** A hash of a token's last characters, 32 bits: they are of the signature, and tell tokens apart (FNV-1a). */
function endOf(token: string): number {
  let end = 0x811c_9dc5;
  for (let at = Math.max(0, token.length - CHARACTERS_OF_THE_END); at < token.length; at++) {
    end = Math.imul(end ^ token.charCodeAt(at), 0x0100_0193);
  }
  return end ^ (end >>> 16);
}

/** What an entry takes on the heap, as measured (decision record 0002): the entry itself, and the claims as objects. */
function sizeOf(token: string): number {
  return 1024 + 2 * token.length;
}

function expiryOf({ claims: { exp } }: TokenProof): number {
  return typeof exp === "number" ? exp * 1000 : Number.POSITIVE_INFINITY;
}
