import type { Issuer } from "../../contract/authenticators.ts";
import { type KeyMap, readJwks, type SkippedKey } from "./jwks-document.ts";
import type { VerificationKey } from "./verification-key.ts";

/** What an issuer's key set answers for a `kid`. */
export type KeyAnswer =
  | { readonly kind: "key"; readonly key: VerificationKey }
  | { readonly kind: "unknown"; readonly reason: string }
  /** Nothing trustworthy is held: the issuer was never reached, or not within the hard age. */
  | { readonly kind: "unavailable"; readonly reason: string };

/** The keys of one issuer, as the prover sees them. */
export interface KeySet {
  readonly issuer: Issuer;
  /** A promise only while a fetch is needed for the answer. */
  find(kid: string): KeyAnswer | Promise<KeyAnswer>;
  /** Whether this very key still counts. */
  holds(key: VerificationKey): boolean;
}

/** State of one issuer, for health and metrics. */
export interface IssuerState {
  readonly iss: string;
  readonly jwks: string;
  /** False when its tokens get AUTH_UNAVAILABLE. */
  readonly usable: boolean;
  /** Since the keys were fetched; undefined when they never were. */
  readonly ageMs: number | undefined;
  readonly keyCount: number;
  readonly fetchCount: number;
  /** Why the last fetch failed; undefined when it did not. */
  readonly lastError: string | undefined;
}

export type IssuerEvent =
  | { readonly kind: "fetched"; readonly iss: string; readonly keyCount: number; readonly skipped: readonly SkippedKey[] }
  | { readonly kind: "failed"; readonly iss: string; readonly reason: string };

export interface KeySetAges {
  /** A removed key stops working within this time. */
  readonly softMs: number;
  /** While the issuer is down its last keys serve for this long. */
  readonly hardMs: number;
  /** Unknown `kid`s cause at most one fetch in this time; failed fetches are repeated at least this often. */
  readonly coolDownMs: number;
}

export const KEY_SET_AGES: KeySetAges = { softMs: 300_000, hardMs: 86_400_000, coolDownMs: 30_000 };

export interface KeySetDependencies {
  /** Body of the document at this address; rejects when it cannot be had. */
  readonly fetch: (url: string, signal: AbortSignal) => Promise<Uint8Array>;
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
  /** Runs once after a delay; returns what cancels it. */
  readonly schedule: (delayMs: number, run: () => void) => () => void;
  readonly onEvent: (event: IssuerEvent) => void;
  readonly ages: KeySetAges;
}

/** Refreshed this early, so that the new keys are there before the old ones are of soft age. */
const REFRESH_SHARE = 0.8;
const FIRST_RETRY_MS = 1000;

/**
 * Holds the keys of one issuer by the JWKS contract: fetched at once and again before they age, one fetch in flight,
 * a new set in place of the old one whole, the last good set for as long as the hard age while the issuer is down.
 */
export class RefreshingKeySet implements KeySet {
  readonly issuer: Issuer;
  readonly #dependencies: KeySetDependencies;
  readonly #closing = new AbortController();
  #keys: KeyMap | undefined;
  #fetchedAt = 0;
  #fetchCount = 0;
  #failuresInRow = 0;
  #lastError: string | undefined;
  #lastAskedForKid = Number.NEGATIVE_INFINITY;
  #inFlight: Promise<void> | undefined;
  #cancelRefresh: () => void = () => undefined;

  constructor(issuer: Issuer, dependencies: KeySetDependencies) {
    this.issuer = issuer;
    this.#dependencies = dependencies;
  }

  find(kid: string): KeyAnswer | Promise<KeyAnswer> {
    const key = this.#current()?.get(kid);
    if (key !== undefined) return { kind: "key", key };
    const fetching = this.#inFlight ?? this.#askForKid();
    return fetching === undefined ? this.#answer(kid) : fetching.then(() => this.#answer(kid));
  }

  holds(key: VerificationKey): boolean {
    return this.#current()?.get(key.kid) === key;
  }

  /** Resolves when the fetch is over, whatever became of it. */
  refresh(): Promise<void> {
    this.#inFlight ??= this.#fetch().finally(() => {
      this.#inFlight = undefined;
    });
    return this.#inFlight;
  }

  state(): IssuerState {
    const current = this.#current();
    return {
      iss: this.issuer.iss,
      jwks: this.issuer.jwks,
      usable: current !== undefined,
      ageMs: this.#keys === undefined ? undefined : this.#age(),
      keyCount: current?.size ?? 0,
      fetchCount: this.#fetchCount,
      lastError: this.#lastError,
    };
  }

  /** Ends fetching. Keys held go on answering until their hard age, for requests under way. */
  close(): void {
    this.#closing.abort();
    this.#cancelRefresh();
  }

  #age(): number {
    return this.#dependencies.monotonicNow() - this.#fetchedAt;
  }

  #current(): KeyMap | undefined {
    return this.#keys !== undefined && this.#age() <= this.#dependencies.ages.hardMs ? this.#keys : undefined;
  }

  #answer(kid: string): KeyAnswer {
    const current = this.#current();
    if (current === undefined) return { kind: "unavailable", reason: `no keys of the issuer: ${this.#lastError ?? "never fetched"}` };
    const key = current.get(kid);
    return key === undefined ? { kind: "unknown", reason: "kid unknown to the issuer" } : { kind: "key", key };
  }

  /** Without a set, the retries alone fetch: requests neither hasten nor multiply them. */
  #askForKid(): Promise<void> | undefined {
    const now = this.#dependencies.monotonicNow();
    if (this.#current() === undefined || now - this.#lastAskedForKid < this.#dependencies.ages.coolDownMs) return undefined;
    this.#lastAskedForKid = now;
    return this.refresh();
  }

  async #fetch(): Promise<void> {
    this.#cancelRefresh();
    this.#fetchCount += 1;
    const startedAt = this.#dependencies.monotonicNow();
    const document = await this.#read();
    if (document.kind === "keys") this.#adopt(document, startedAt);
    // What was broken off because nobody wants the keys any more says nothing of the issuer.
    else if (!this.#closing.signal.aborted) this.#fail(document.reason);
    if (!this.#closing.signal.aborted) this.#cancelRefresh = this.#dependencies.schedule(this.#nextDelay(), () => void this.refresh());
  }

  async #read() {
    try {
      const body = await this.#dependencies.fetch(this.issuer.jwks, this.#closing.signal);
      return readJwks(body, this.issuer.algorithms, this.#keys);
    } catch (error) {
      return { kind: "unusable", reason: error instanceof Error ? error.message : String(error) } as const;
    }
  }

  #adopt({ keys, skipped }: { keys: KeyMap; skipped: readonly SkippedKey[] }, startedAt: number): void {
    this.#keys = keys;
    this.#fetchedAt = startedAt;
    this.#failuresInRow = 0;
    this.#lastError = undefined;
    this.#dependencies.onEvent({ kind: "fetched", iss: this.issuer.iss, keyCount: keys.size, skipped });
  }

  #fail(reason: string): void {
    this.#failuresInRow += 1;
    this.#lastError = reason;
    this.#dependencies.onEvent({ kind: "failed", iss: this.issuer.iss, reason });
  }

  #nextDelay(): number {
    const { softMs, coolDownMs } = this.#dependencies.ages;
    if (this.#failuresInRow === 0) return softMs * REFRESH_SHARE;
    return Math.min(FIRST_RETRY_MS * 2 ** (this.#failuresInRow - 1), coolDownMs);
  }
}
