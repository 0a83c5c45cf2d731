/** What the pipeline asks of a store; `stores/` implements it. */
import type { AccessKeyRecord, Account, KeyRecord } from "./caller.ts";
import type { Limit } from "./policy.ts";

/** The store is out of reach: AUTH_UNAVAILABLE, or the policy's `onStoreFailure`. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

/** Reading side of the key store: what the running gateway needs. */
export interface KeyReader {
  /** The key with this public id, with its account as it is now. Throws or rejects with StoreUnavailable. */
  find(service: string, id: string): KeyRecord | undefined | Promise<KeyRecord | undefined>;
  /** The access key with this id, with its account as it is now. Throws or rejects with StoreUnavailable. */
  findAccessKey(service: string, id: string): AccessKeyRecord | undefined | Promise<AccessKeyRecord | undefined>;
  /** The account with this id, as it is now. Throws or rejects with StoreUnavailable. */
  account(service: string, id: string): Account | undefined | Promise<Account | undefined>;
  /** Notes that a key of either kind was used; written in batches, never awaited, never thrown. */
  used(service: string, id: string, now: number): void;
  /** Undefined when the store can be read; otherwise why not. */
  trouble(): string | undefined;
  close(): void;
}

export interface NewKey {
  readonly service: string;
  readonly id: string;
  readonly account: string;
  readonly scopes: readonly string[];
  readonly digest: Uint8Array;
  readonly createdAt: number;
  readonly expiresAt?: number;
}

export interface NewAccessKey extends Omit<NewKey, "digest"> {
  readonly sealedSecret: Uint8Array;
}

/** Writing side: what `accounts` and `keys` need. All throw StoreUnavailable when the store is out of reach. */
export interface KeyWriter extends KeyReader {
  /** False when the account exists already. */
  createAccount(account: Account): boolean;
  /** The account after the change; undefined when there is none. */
  changeAccount(service: string, id: string, change: { role?: string; tenant?: string; enabled?: boolean }): Account | undefined;
  account(service: string, id: string): Account | undefined;
  accounts(service?: string): readonly Account[];
  createKey(key: NewKey): void;
  keys(service?: string): readonly KeyRecord[];
  /** Keys of any service with this id. */
  keysById(id: string): readonly KeyRecord[];
  createAccessKey(key: NewAccessKey): void;
  accessKeys(service?: string): readonly AccessKeyRecord[];
  /** Access keys of any service with this id. */
  accessKeysById(id: string): readonly AccessKeyRecord[];
  /** For a key of either kind; false when there is no such key. */
  revokeKey(service: string, id: string, at: number): boolean;
  /** Brings a key's end forward (for a rotation with overlap); false when there is no such key. */
  expireKey(service: string, id: string, at: number): boolean;
}

/** One bucket to count in: a limit and whom it counts. */
export interface Bucket {
  readonly limit: Limit;
  readonly subject: string;
}

/** State of the tightest of the buckets after the step. */
export interface LimitState {
  readonly limit: Limit;
  readonly remaining: number;
  /** Until at least one more request fits, milliseconds; 0 when one fits now. */
  readonly retryAfterMs: number;
  /** Until the bucket is wholly free again, milliseconds. */
  readonly resetMs: number;
}

export interface LimitVerdict {
  readonly allowed: boolean;
  readonly tightest: LimitState;
}

/** Counts requests. `take` is one atomic step over all buckets: if one refuses, none is spent. */
export interface CounterStore {
  /** `now` is monotonic, in milliseconds. */
  take(buckets: readonly Bucket[], now: number): LimitVerdict | Promise<LimitVerdict>;
  close(): void;
}
