/** The tables of the key store, and how a file is known to hold them. */
import type { DatabaseSync } from "node:sqlite";

/** `SALP`: tells a key store from any other SQLite file. */
const APPLICATION_ID = 0x53414c50;
const VERSION = 2;

const DIGEST_COLUMN = "digest BLOB NOT NULL CHECK (length(digest) = 32)";

/** STRICT, with checks: whatever is read back has the type that it was written with, and a digest is a digest. */
const ACCOUNTS_AND_KEYS = `
  CREATE TABLE accounts (
    service TEXT NOT NULL,
    id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('service', 'person')),
    role TEXT NOT NULL,
    tenant TEXT,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    PRIMARY KEY (service, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE keys (
    service TEXT NOT NULL,
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    scopes TEXT NOT NULL CHECK (json_type(scopes) = 'array'),
    ${DIGEST_COLUMN},
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    PRIMARY KEY (service, id),
    FOREIGN KEY (service, account) REFERENCES accounts (service, id)
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX keys_by_id ON keys (id);
  CREATE INDEX keys_of_account ON keys (service, account);
`;

/** Came with version 2. A sealed secret is longer than what it is sealed with, so that no secret in clear can stand there. */
const ACCESS_KEYS_TABLE = `
  CREATE TABLE access_keys (
    service TEXT NOT NULL,
    id TEXT NOT NULL,
    account TEXT NOT NULL,
    scopes TEXT NOT NULL CHECK (json_type(scopes) = 'array'),
    sealed_secret BLOB NOT NULL CHECK (length(sealed_secret) > 60),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    PRIMARY KEY (service, id),
    FOREIGN KEY (service, account) REFERENCES accounts (service, id)
  ) STRICT, WITHOUT ROWID;
`;
const ACCESS_KEYS = `${ACCESS_KEYS_TABLE}
  CREATE INDEX access_keys_by_id ON access_keys (id);
  CREATE INDEX access_keys_of_account ON access_keys (service, account);
`;

const STAMP = `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${VERSION};`;

/** Makes the tables in a database that holds nothing yet; does nothing to any other. */
export function createTables(database: DatabaseSync): void {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("BEGIN IMMEDIATE");
  const empty = pragma(database, "user_version") === 0 && database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (empty) database.exec(ACCOUNTS_AND_KEYS + ACCESS_KEYS + STAMP);
  database.exec("COMMIT");
}

/** Throws unless the database is a key store of this version, or of the one before: that is brought up to this one. */
export function checkTables(database: DatabaseSync): void {
  if (pragma(database, "application_id") !== APPLICATION_ID) throw new Error("the file is not a Sallyport key store");
  const version = pragma(database, "user_version");
  if (version === 1) upgrade(database);
  else if (version !== VERSION) throw new Error(`the store has version ${version}, and this program knows version ${VERSION}`);
  if (!keepsDigests(database)) throw new Error("the table `keys` was not made by this program, and could hold keys in clear");
}

/** Which version of the tables the database has; undefined where it is no key store. Changes nothing. */
export function storeVersion(database: DatabaseSync): { readonly version: number; readonly isKnown: boolean } | undefined {
  if (pragma(database, "application_id") !== APPLICATION_ID) return undefined;
  const version = pragma(database, "user_version");
  return { version, isKnown: version >= 1 && version <= VERSION };
}

function keepsDigests(database: DatabaseSync): boolean {
  const sql = String(database.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'keys'").get()?.["sql"]);
  return sql.includes(DIGEST_COLUMN) && sql.endsWith("STRICT, WITHOUT ROWID");
}

/** A store that can only be read has no access keys, which an empty table of this connection's own says as well. */
function upgrade(database: DatabaseSync): void {
  try {
    migrate(database);
  } catch (error) {
    if (!isForReading(error)) throw error;
    database.exec(`PRAGMA temp_store = MEMORY; ${ACCESS_KEYS_TABLE.replace("CREATE TABLE", "CREATE TEMP TABLE")}`);
  }
}

/** SQLITE_READONLY and SQLITE_CANTOPEN: https://sqlite.org/rescode.html */
function isForReading(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && [8, 14].includes(Number(error.errcode) & 0xff);
}

/** All or nothing, and once, however many programs open the store at the same time. */
function migrate(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    if (pragma(database, "user_version") === 1) database.exec(ACCESS_KEYS + STAMP);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
