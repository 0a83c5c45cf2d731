/** What the upstream is told of the caller. */
import type { Caller } from "../contract/caller.ts";
import type { Allowance } from "../contract/decision.ts";
import type { Grants } from "../contract/authenticators.ts";
import type { IdentityHeaders } from "../contract/policy.ts";
import { union } from "./permission.ts";

const PLAIN = /^[\x21-\x24\x26-\x7e]+$/;
const PLAIN_ITEM = /^[\x21-\x24\x26-\x2b\x2d-\x7e]+$/;

/**
 * A value in visible ASCII. All else, and `%` itself, is percent-encoded as UTF-8, so that two different
 * values never look alike. Undefined for what has no UTF-8 form, and for the empty string: it is not told.
 */
export function headerValue(value: string): string | undefined {
  if (PLAIN.test(value)) return value;
  return percentEncoded(value, PLAIN);
}

function percentEncoded(value: string, plain: RegExp): string | undefined {
  if (value === "" || !value.isWellFormed()) return undefined;
  let encoded = "";
  for (const byte of Buffer.from(value)) {
    const character = String.fromCharCode(byte);
    encoded += plain.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** Comma-separated and sorted; a comma within an item is percent-encoded. */
function listValue(items: Iterable<string>): string | undefined {
  const values: string[] = [];
  for (const item of items) {
    const value = PLAIN_ITEM.test(item) ? item : percentEncoded(item, PLAIN_ITEM);
    if (value !== undefined) values.push(value);
  }
  return values.length === 0 ? undefined : values.toSorted().join(",");
}

/** Sets of permissions never change, and most callers hold one of a few. */
const listed = new WeakMap<Grants, string>();

function permissionList(set: Grants): string | undefined {
  const known = listed.get(set);
  if (known !== undefined) return known;
  const list = listValue(set);
  if (list !== undefined) listed.set(set, list);
  return list;
}

function permissionsFor(caller: Caller, tenant: string | undefined): Grants {
  const own = tenant === undefined ? undefined : caller.tenantPermissions.get(tenant);
  return own === undefined ? caller.permissions : union([caller.permissions, own]);
}

/** Appends the caller's headers to a flat list of names and values; a request without caller gets none. */
export function addIdentity(headers: string[], names: IdentityHeaders, allowance: Allowance): void {
  const { caller, tenant } = allowance;
  if (tenant !== undefined) add(headers, names.tenant, headerValue(tenant));
  if (caller === undefined) return;
  add(headers, names.subject, headerValue(caller.subject));
  add(headers, names.kind, caller.kind);
  add(headers, names.permissions, permissionList(permissionsFor(caller, tenant)));
  if (names.role !== undefined && caller.role !== undefined) add(headers, names.role, headerValue(caller.role));
}

function add(headers: string[], name: string, value: string | undefined): void {
  if (value !== undefined) headers.push(name, value);
}
