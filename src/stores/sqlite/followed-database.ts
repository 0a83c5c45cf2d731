/** A SQLite database that is looked up again for each use, so that a file that went, came back or was replaced is noticed. */
import { closeSync, existsSync, mkdirSync, openSync, statSync, type Stats } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { StoreUnavailable } from "../../contract/stores.ts";
import { checkTables, createTables } from "./schema.ts";

export interface FollowedDatabaseOptions {
  /** How long to wait for another process's lock. */
  readonly lockWaitMs: number;
  /** Whether a missing file is made, until the database has been open once. */
  readonly create: boolean;
  /** Whether a change must survive a loss of power. */
  readonly durable: boolean;
  /** `state` looks once for each turn of the event loop. */
  readonly oncePerTurn: boolean;
}

/** Primary result codes: https://sqlite.org/rescode.html */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const CANTOPEN = 14;
const CONSTRAINT = 19;

export class FollowedDatabase {
  readonly path: string;
  readonly #options: FollowedDatabaseOptions;
  #mayCreate: boolean;
  #open: Connection | undefined;
  #closed = false;
  /** The state that was seen in this turn. */
  #seen: object | undefined;

  /** Opens nothing yet. A relative path counts from the working directory. */
  constructor(path: string, options: FollowedDatabaseOptions) {
    this.path = resolve(path);
    this.#options = options;
    this.#mayCreate = options.create;
  }

  /**
   * Runs `work` on the database that the path names now. Throws StoreUnavailable when there is none
   * or it cannot be used; a change that breaks a rule of the tables throws a plain Error.
   */
  use<T>(work: (connection: Connection) => T): T {
    try {
      return work(this.#current());
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /**
   * Tells states of what is stored apart: the same value as before means that nothing has changed. Throws as `use` does.
   */
  state(): object {
    if (this.#seen !== undefined) return this.#seen;
    const seen = this.use((connection) => connection.state());
    if (this.#options.oncePerTurn) this.#keepForThisTurn(seen);
    return seen;
  }

  #keepForThisTurn(state: object): void {
    this.#seen = state;
    setImmediate(() => (this.#seen = undefined));
  }

  /** This very connection is about to change what is stored. */
  forgetState(): void {
    this.#seen = undefined;
    this.#open?.forgetState();
  }

  /** All of `work`, or nothing of it. */
  transaction(work: (connection: Connection) => void): void {
    this.use((connection) => {
      connection.database.exec("BEGIN IMMEDIATE");
      try {
        work(connection);
        connection.database.exec("COMMIT");
      } catch (error) {
        if (connection.database.isTransaction) connection.database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  /** Closes for good. A durable side leaves all it wrote in the main file, so that a plain copy of it is whole. */
  close(): void {
    this.#closed = true;
    if (this.#options.durable) this.#open?.emptyLog();
    this.#disconnect();
  }

  #current(): Connection {
    if (this.#closed) throw new Error("it has been closed");
    if (this.#open?.isCurrent()) return this.#open;
    // SQLite would take the log that the old file leaves beside the path for the new file's own
    this.#open?.emptyLog();
    this.#disconnect();
    if (this.#mayCreate) createFile(this.path, this.#options.lockWaitMs);
    this.#open = connect(this.path, this.#options);
    this.#mayCreate = false;
    return this.#open;
  }

  #disconnect(): void {
    attempt(() => this.#open?.database.close());
    this.#open = undefined;
  }

  #explained(error: unknown): Error {
    const code = resultCode(error);
    if (code === CONSTRAINT) return new Error("the change breaks a rule of the key store", { cause: error });
    const keeps = code === BUSY || code === LOCKED || code === READONLY;
    if (!keeps) this.#disconnect();
    const reason = code === BUSY || code === LOCKED ? "another process holds its lock" : messageOf(error);
    return new StoreUnavailable(`the key store ${this.path} cannot be used: ${reason}`, { cause: error });
  }
}

/** True for the refusal of a change to a database that can only be read. */
export function isReadOnly(error: unknown): boolean {
  return error instanceof Error && resultCode(error.cause) === READONLY;
}

/** One opened database with its prepared statements. */
export class Connection {
  readonly database: DatabaseSync;
  readonly #path: string;
  readonly #file: Stats;
  readonly #frozen: boolean;
  readonly #statements = new Map<string, StatementSync>();
  #version: unknown;
  #state = {};

  constructor(database: DatabaseSync, path: string, file: Stats, frozen: boolean) {
    this.database = database;
    this.#path = path;
    this.#file = file;
    this.#frozen = frozen;
  }

  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Another object after each change that another connection made: https://sqlite.org/pragma.html#pragma_data_version */
  state(): object {
    const row = this.statement("PRAGMA data_version").get();
    const version = row?.["data_version"];
    if (version !== this.#version) {
      this.#version = version;
      this.#state = {};
    }
    return this.#state;
  }

  forgetState(): void {
    this.#version = undefined;
  }

  /** Brings what stands in the write-ahead log into the database, and empties the log, unless others are using it. */
  emptyLog(): void {
    attempt(() => this.database.exec("PRAGMA wal_checkpoint(TRUNCATE)"));
  }

  /**
   * False when the path names another file now, or the file was written by other means than this connection sees.
   * File systems give a freed inode number away again at once: hence the other fields.
   */
  isCurrent(): boolean {
    const now = statSync(this.#path, { throwIfNoEntry: false });
    const then = this.#file;
    if (!now || now.ino !== then.ino || now.ctimeMs !== then.ctimeMs || now.size !== then.size || now.dev !== then.dev) return false;
    return !(this.#frozen && existsSync(walOf(this.#path)));
  }
}

function connect(path: string, options: FollowedDatabaseOptions): Connection {
  // before opening: a file put there in between is then taken for a change, never the other way round
  const file = statSync(path, { throwIfNoEntry: false });
  if (!file) throw new Error("there is no such file");
  try {
    return prepare(new DatabaseSync(path, { timeout: options.lockWaitMs }), path, file, options, false);
  } catch (error) {
    const noPlaceForLocks = resultCode(error) === CANTOPEN || resultCode(error) === READONLY;
    if (!noPlaceForLocks || existsSync(walOf(path))) throw error;
    return prepare(openFrozen(path), path, file, options, true);
  }
}

/**
 * A database on a medium where no file can be made has nowhere to keep its locks. Without a write-ahead log
 * nobody is writing it: it can be read as it stands. https://sqlite.org/wal.html, "Read-Only Databases"
 */
function openFrozen(path: string): DatabaseSync {
  const address = pathToFileURL(path);
  address.searchParams.set("immutable", "1");
  return new DatabaseSync(address, { readOnly: true });
}

function prepare(database: DatabaseSync, path: string, file: Stats, options: FollowedDatabaseOptions, frozen: boolean): Connection {
  try {
    database.exec(`PRAGMA trusted_schema = OFF; PRAGMA synchronous = ${options.durable ? "FULL" : "NORMAL"}`);
    checkTables(database);
    // a copy made by VACUUM INTO has lost the mode in which readers and a writer do not wait for each other
    if (options.durable && !frozen) attempt(() => database.exec("PRAGMA journal_mode = WAL"));
    return new Connection(database, path, file, frozen);
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Makes the folder and an empty store where there is none; the files that SQLite puts beside it get the same mode. */
function createFile(path: string, lockWaitMs: number): void {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file && file.size > 0) return;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, "a", 0o600));
  const database = new DatabaseSync(path, { timeout: lockWaitMs });
  try {
    createTables(database);
  } finally {
    database.close();
  }
}

/** What is wrong with a file that is being left need not be known. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    return;
  }
}

function walOf(path: string): string {
  return `${path}-wal`;
}

function resultCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
