/** The tables of the key store, and how a file is known to hold them. */
import type { DatabaseSync } from "node:sqlite";

/** `SALP`: tells a key store from any other SQLite file. */
const APPLICATION_ID = 0x53414c50;
const VERSION = 1;

/** STRICT, with checks: whatever is read back has the type that it was written with, and a digest is a digest. */
const TABLES = `
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
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    PRIMARY KEY (service, id),
    FOREIGN KEY (service, account) REFERENCES accounts (service, id)
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX keys_by_id ON keys (id);
  CREATE INDEX keys_of_account ON keys (service, account);

  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};
`;

/** Makes the tables in a database that holds nothing yet; does nothing to any other. */
export function createTables(database: DatabaseSync): void {
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("BEGIN IMMEDIATE");
  const empty = pragma(database, "user_version") === 0 && database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (empty) database.exec(TABLES);
  database.exec("COMMIT");
}

/** Throws unless the database is a key store of this version. */
export function checkTables(database: DatabaseSync): void {
  if (pragma(database, "application_id") !== APPLICATION_ID) throw new Error("the file is not a Sallyport key store");
  const version = pragma(database, "user_version");
  if (version !== VERSION) throw new Error(`the store has version ${version}, and this program knows version ${VERSION}`);
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
