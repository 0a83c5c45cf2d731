import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Proof } from "../../contract/caller.ts";
import type { ProvedToken } from "./jwt.ts";
import type { KeySet } from "./key-set.ts";
import { SeenBefore } from "./seen-before.ts";

/** Proved tokens. `now` is the wall clock in epoch milliseconds, against which `exp` is held. */
export interface TokenCache {
  /**
   * The proof of this very token by one of these key sets, while it may still be used. `connection` is the client's: what it
   * sent last is found again without a digest, since most send the same token over and over.
   */
  get(token: string, keySets: ReadonlyMap<unknown, KeySet>, now: number, connection: object): Proof | undefined;
  /** Kept by the connection; and for all others, once the token has been proved before. */
  put(token: string, proved: ProvedToken, now: number, connection: object): void;
}

export interface TokenCacheOptions {
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
  readonly maxBytes: number;
  /** Longest life of an entry. */
  readonly lifeMs?: number;
}

interface Entry {
  readonly proved: ProvedToken;
  /** Wall clock. */
  readonly from: number;
  /** Wall clock. */
  readonly until: number;
  /** Monotonic: holds when the wall clock is set back. */
  readonly monotonicUntil: number;
}

export const TOKEN_CACHE_LIFE_MS = 60_000;

/** On the connection itself: what it proved last, and by which cache. */
const LAST = Symbol("last token");

interface Remembering {
  [LAST]?: { readonly token: string; readonly entry: Entry; readonly entries: unknown };
}

/** Makes a cache bounded by bytes. Only proofs go in: tokens that fail cannot displace them. */
export function createTokenCache({ monotonicNow, maxBytes, lifeMs = TOKEN_CACHE_LIFE_MS }: TokenCacheOptions): TokenCache {
  const entries = new LRUCache<string, Entry>({ maxSize: maxBytes });
  const nameOf = digestOnce();
  const seen = new SeenBefore(maxBytes, sizeOf(""));

  function isLive({ proved, from, until, monotonicUntil }: Entry, now: number): boolean {
    return now >= from && now < until && monotonicNow() < monotonicUntil && proved.keySet.holds(proved.key);
  }

  function find(token: string, now: number): Entry | undefined {
    // Spares a digest: what never came before is not there.
    if (!seen.has(token)) return undefined;
    const name = nameOf(token);
    const entry = entries.get(name);
    if (entry === undefined || isLive(entry, now)) return entry;
    entries.delete(name);
    return undefined;
  }

  return {
    get(token, keySets, now, connection: Remembering) {
      const last = connection[LAST];
      const entry = last?.token === token && last.entries === entries && isLive(last.entry, now) ? last.entry : find(token, now);
      if (entry === undefined) return undefined;
      if (entry !== last?.entry) connection[LAST] = { token, entry, entries };
      // Another service may know the same `iss` by other keys.
      return keySets.get(entry.proved.proof.iss) === entry.proved.keySet ? entry.proved.proof : undefined;
    },
    put(token, proved, now, connection: Remembering) {
      const until = Math.min(expiryOf(proved), now + lifeMs);
      if (until <= now) return;
      const entry: Entry = { proved, from: now, until, monotonicUntil: monotonicNow() + lifeMs };
      connection[LAST] = { token, entry, entries };
      // Most of what comes once does not come again, and would push out what does.
      const size = sizeOf(token);
      if (seen.note(token, size)) entries.set(nameOf(token), entry, { size });
    },
  };
}

/**
 * SHA-256 of the whole token: a part of it, or its claims, could be shared by another token. What is looked for and not found
 * is put in next, under the same name.
 */
function digestOnce(): (token: string) => string {
  let [last, name] = ["", ""];
  return (token) => {
    if (token !== last || name === "") [last, name] = [token, hash("sha256", token, "base64")];
    return name;
  };
}

/** What an entry takes on the heap, as measured (decision record 0002): the entry itself, and the claims as objects. */
function sizeOf(token: string): number {
  return 1024 + 2 * token.length;
}

function expiryOf({ proof }: ProvedToken): number {
  const { exp } = proof.claims;
  return typeof exp === "number" ? exp * 1000 : Number.POSITIVE_INFINITY;
}
