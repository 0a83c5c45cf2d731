/** Rows of the tables as records. The tables are STRICT and their version is checked, so a column has the type that it was declared with. */
import type { AccessKeyRecord, Account, AccountKind, KeyRecord, OwnedKey } from "../../contract/caller.ts";

export const ACCOUNT_COLUMNS = "service, id, kind, role, tenant, enabled";

export interface AccountRow {
  readonly service: string;
  readonly id: string;
  readonly kind: AccountKind;
  readonly role: string;
  readonly tenant: string | null;
  readonly enabled: number;
}

/** A key joined with its account. */
export const KEYS = keysOf("keys", "digest");
export const ACCESS_KEYS = keysOf("access_keys", "sealed_secret");

function keysOf(table: string, proof: string): string {
  return `
  SELECT k.service, k.id, k.scopes, k.${proof}, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
         k.account, a.kind, a.role, a.tenant, a.enabled
  FROM ${table} k JOIN accounts a ON a.service = k.service AND a.id = k.account`;
}

interface OwnedRow {
  readonly service: string;
  readonly id: string;
  readonly scopes: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
  readonly last_used_at: number | null;
  readonly account: string;
  readonly kind: AccountKind;
  readonly role: string;
  readonly tenant: string | null;
  readonly enabled: number;
}

export interface KeyRow extends OwnedRow {
  readonly digest: Uint8Array;
}

export interface AccessKeyRow extends OwnedRow {
  readonly sealed_secret: Uint8Array;
}

export function accountOf(row: AccountRow): Account {
  const { service, id, kind, role, tenant } = row;
  return { service, id, kind, role, ...(tenant !== null && { tenant }), enabled: row.enabled === 1 };
}

export function keyOf(row: KeyRow): KeyRecord {
  return { ...ownedOf(row), digest: row.digest };
}

export function accessKeyOf(row: AccessKeyRow): AccessKeyRecord {
  return { ...ownedOf(row), sealedSecret: row.sealed_secret };
}

function ownedOf(row: OwnedRow): OwnedKey {
  return {
    id: row.id,
    service: row.service,
    account: accountOf({ ...row, id: row.account }),
    scopes: JSON.parse(row.scopes) as string[],
    createdAt: row.created_at,
    ...(row.expires_at !== null && { expiresAt: row.expires_at }),
    ...(row.revoked_at !== null && { revokedAt: row.revoked_at }),
    ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at }),
  };
}
