/** Looks at a key store without changing it, and tells whether it could be changed. */
import { accessSync, constants, existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { storeVersion } from "./schema.ts";

export type StoreState =
  /** `canBeMade`: its folder, or the nearest one that there is, may be written. */
  | { readonly kind: "absent"; readonly canBeMade: boolean }
  | { readonly kind: "unusable"; readonly reason: string }
  | {
      readonly kind: "usable";
      /** Why nothing can be written; undefined where it can. */
      readonly readOnly?: string;
      /** Readers and a writer do not wait for each other. */
      readonly writeAhead: boolean;
      readonly keys: number;
      /** Ids of keys in use that end before the instant asked for. */
      readonly endingKeys: readonly string[];
    };

const LOCK_WAIT_MS = 1_000;

/** `from` and `until` (epoch milliseconds): when keys must end to be told. */
export function examineSqliteKeys(path: string, from: number, until: number): StoreState {
  const file = resolve(path);
  if (!existsSync(file)) return { kind: "absent", canBeMade: mayWrite(nearestFolder(file)) };
  try {
    return examined(file, from, until);
  } catch (error) {
    return { kind: "unusable", reason: messageOf(error) };
  }
}

function examined(path: string, from: number, until: number): StoreState {
  const database = new DatabaseSync(path, { readOnly: true, timeout: LOCK_WAIT_MS });
  try {
    const found = storeVersion(database);
    if (!found) return { kind: "unusable", reason: "the file is not a Sallyport key store" };
    if (!found.isKnown) return { kind: "unusable", reason: `it has version ${found.version}, which this program does not know` };
    const tables = found.version === 1 ? ["keys"] : ["keys", "access_keys"];
    const readOnly = writeFault(path);
    return {
      kind: "usable",
      ...(readOnly !== undefined && { readOnly }),
      writeAhead: database.prepare("PRAGMA journal_mode").get()?.["journal_mode"] === "wal",
      keys: tables.reduce((sum, table) => sum + Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.["count"]), 0),
      endingKeys: tables.flatMap((table) => endingIn(database, table, from, until)),
    };
  } finally {
    database.close();
  }
}

function endingIn(database: DatabaseSync, table: string, from: number, until: number): readonly string[] {
  const ending = `SELECT service, id FROM ${table} WHERE revoked_at IS NULL AND expires_at > ? AND expires_at <= ? ORDER BY expires_at`;
  return database
    .prepare(ending)
    .all(from, until)
    .map((row) => `${String(row["service"])}/${String(row["id"])}`);
}

/** Takes the writer's lock and lets go of it again. */
function writeFault(path: string): string | undefined {
  try {
    const database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    try {
      database.exec("BEGIN IMMEDIATE; ROLLBACK");
      return undefined;
    } finally {
      database.close();
    }
  } catch (error) {
    return messageOf(error);
  }
}

function nearestFolder(path: string): string {
  const folder = dirname(path);
  return existsSync(folder) || folder === path ? folder : nearestFolder(folder);
}

function mayWrite(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
