/** Accounts and API keys in a SQLite file that the gateway reads while commands write it. */
import type { AccessKeyRecord, Account, KeyRecord } from "../contract/caller.ts";
import type { KeyWriter, NewAccessKey, NewKey } from "../contract/stores.ts";
import { FollowedDatabase, isReadOnly } from "./sqlite/followed-database.ts";
import { FoundKeys } from "./sqlite/found-keys.ts";
import { LastUses, type LastUse } from "./sqlite/last-uses.ts";
import { ACCESS_KEYS, accessKeyOf, ACCOUNT_COLUMNS, accountOf, keyOf, KEYS } from "./sqlite/rows.ts";
import type { AccessKeyRow, AccountRow, KeyRow } from "./sqlite/rows.ts";

export interface SqliteKeysOptions {
  /**
   * `gateway` never waits for a lock: its event loop serves others too.
   * `command` waits up to 5 s, and what it wrote survives a loss of power.
   */
  readonly side: "gateway" | "command";
  /** Whether an empty store is made where there is none yet. One that was there and went is never made anew. */
  readonly create: boolean;
  /** How often last uses are written at most; 5 s where it is not given. */
  readonly lastUseIntervalMs?: number;
  /**
   * API keys are found as they are stored when the event loop's turn begins, and not when each is looked for: a turn serves
   * the requests that had come by then, and each that comes later is of a later turn.
   */
  readonly oncePerTurn?: boolean;
}

const KEY = `${KEYS} WHERE k.service = ? AND k.id = ?`;
const ACCESS_KEY = `${ACCESS_KEYS} WHERE k.service = ? AND k.id = ?`;
const KEY_TABLES = ["keys", "access_keys"] as const;
const KEY_ORDER = "ORDER BY k.service, k.account, k.created_at, k.id";
const COMMAND_LOCK_WAIT_MS = 5_000;
const LAST_USE_INTERVAL_MS = 5_000;

/** The key store in the file `path`. Touches nothing until it is first asked; then see `FollowedDatabase.use`. */
export function openSqliteKeys(path: string, options: SqliteKeysOptions): SqliteKeys {
  return new SqliteKeys(path, options);
}

export class SqliteKeys implements KeyWriter {
  readonly #database: FollowedDatabase;
  readonly #lastUses: LastUses;
  readonly #found = new FoundKeys();

  constructor(path: string, options: SqliteKeysOptions) {
    const durable = options.side === "command";
    this.#database = new FollowedDatabase(path, {
      lockWaitMs: durable ? COMMAND_LOCK_WAIT_MS : 0,
      create: options.create,
      durable,
      oncePerTurn: options.oncePerTurn === true,
    });
    this.#lastUses = new LastUses((uses) => this.#writeLastUses(uses), options.lastUseIntervalMs ?? LAST_USE_INTERVAL_MS);
  }

  find(service: string, id: string): KeyRecord | undefined {
    return this.#found.find(this.#database.state(), service, id, () =>
      this.#database.use((connection) => {
        const row = connection.statement(KEY).get(service, id);
        return row && keyOf(row as unknown as KeyRow);
      }),
    );
  }

  findAccessKey(service: string, id: string): AccessKeyRecord | undefined {
    return this.#database.use((connection) => {
      const row = connection.statement(ACCESS_KEY).get(service, id);
      return row && accessKeyOf(row as unknown as AccessKeyRow);
    });
  }

  used(service: string, id: string, now: number): void {
    this.#lastUses.note({ service, id, at: now });
  }

  trouble(): string | undefined {
    try {
      this.#database.use((connection) => connection.statement("SELECT 1 FROM keys LIMIT 1").get());
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  close(): void {
    this.#lastUses.close();
    this.#database.close();
  }

  createAccount(account: Account): boolean {
    const { service, id, kind, role, tenant, enabled } = account;
    return this.#changes(
      `INSERT INTO accounts (${ACCOUNT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      service,
      id,
      kind,
      role,
      tenant ?? null,
      enabled ? 1 : 0,
    );
  }

  changeAccount(service: string, id: string, change: { role?: string; tenant?: string; enabled?: boolean }): Account | undefined {
    const enabled = change.enabled === undefined ? null : Number(change.enabled);
    this.#database.forgetState();
    const row = this.#database.use((connection) =>
      connection
        .statement(
          `UPDATE accounts SET role = coalesce(?, role), tenant = coalesce(?, tenant), enabled = coalesce(?, enabled)
           WHERE service = ? AND id = ? RETURNING ${ACCOUNT_COLUMNS}`,
        )
        .get(change.role ?? null, change.tenant ?? null, enabled, service, id),
    );
    return row && accountOf(row as unknown as AccountRow);
  }

  account(service: string, id: string): Account | undefined {
    return this.#accounts("WHERE service = ? AND id = ?", service, id)[0];
  }

  accounts(service?: string): readonly Account[] {
    return service === undefined ? this.#accounts("ORDER BY service, id") : this.#accounts("WHERE service = ? ORDER BY id", service);
  }

  createKey(key: NewKey): void {
    const { service, id, account, scopes, digest, createdAt, expiresAt } = key;
    this.#changes(
      "INSERT INTO keys (service, id, account, scopes, digest, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      service,
      id,
      account,
      JSON.stringify(scopes),
      digest,
      createdAt,
      expiresAt ?? null,
    );
  }

  createAccessKey(key: NewAccessKey): void {
    const { service, id, account, scopes, sealedSecret, createdAt, expiresAt } = key;
    this.#changes(
      "INSERT INTO main.access_keys (service, id, account, scopes, sealed_secret, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      service,
      id,
      account,
      JSON.stringify(scopes),
      sealedSecret,
      createdAt,
      expiresAt ?? null,
    );
  }

  keys(service?: string): readonly KeyRecord[] {
    return this.#rows(KEYS, service).map((row) => keyOf(row as KeyRow));
  }

  keysById(id: string): readonly KeyRecord[] {
    return this.#rowsById(KEYS, id).map((row) => keyOf(row as KeyRow));
  }

  accessKeys(service?: string): readonly AccessKeyRecord[] {
    return this.#rows(ACCESS_KEYS, service).map((row) => accessKeyOf(row as AccessKeyRow));
  }

  accessKeysById(id: string): readonly AccessKeyRecord[] {
    return this.#rowsById(ACCESS_KEYS, id).map((row) => accessKeyOf(row as AccessKeyRow));
  }

  revokeKey(service: string, id: string, at: number): boolean {
    return this.#changesKey("revoked_at = coalesce(revoked_at, ?)", [at], service, id);
  }

  expireKey(service: string, id: string, at: number): boolean {
    return this.#changesKey("expires_at = min(coalesce(expires_at, ?), ?)", [at, at], service, id);
  }

  #accounts(where: string, ...values: string[]): Account[] {
    return this.#database.use((connection) => {
      const rows = connection.statement(`SELECT ${ACCOUNT_COLUMNS} FROM accounts ${where}`).all(...values);
      return rows.map((row) => accountOf(row as unknown as AccountRow));
    });
  }

  #rows(select: string, service: string | undefined): unknown[] {
    return this.#database.use((connection) =>
      service === undefined
        ? connection.statement(`${select} ${KEY_ORDER}`).all()
        : connection.statement(`${select} WHERE k.service = ? ${KEY_ORDER}`).all(service),
    );
  }

  #rowsById(select: string, id: string): unknown[] {
    return this.#database.use((connection) => connection.statement(`${select} WHERE k.id = ? ORDER BY k.service`).all(id));
  }

  /** Of either kind: an id tells which, since the two have different lengths. */
  #changesKey(change: string, values: readonly number[], service: string, id: string): boolean {
    const changed = KEY_TABLES.map((table) =>
      this.#changes(`UPDATE ${table} SET ${change} WHERE service = ? AND id = ?`, ...values, service, id),
    );
    return changed.includes(true);
  }

  /** True when a row changed. */
  #changes(sql: string, ...values: (string | number | null | Uint8Array)[]): boolean {
    this.#database.forgetState();
    return this.#database.use((connection) => connection.statement(sql).run(...values).changes > 0);
  }

  /** A store that can only be read keeps no last uses. */
  #writeLastUses(uses: readonly LastUse[]): boolean {
    this.#database.forgetState();
    try {
      this.#database.transaction((connection) => {
        const used = "SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE service = ? AND id = ?";
        const statements = KEY_TABLES.map((table) => connection.statement(`UPDATE ${table} ${used}`));
        for (const { service, id, at } of uses) for (const statement of statements) statement.run(at, service, id);
      });
      return true;
    } catch (error) {
      return isReadOnly(error);
    }
  }
}
