/** A cell in a word of at most six letters, and what the word means. */
import type { Cell } from "./matrix.ts";

const REFUSALS = new Map<string, string>([
  ["TOKEN_MISSING", "none"],
  ["TOKEN_INVALID", "token"],
  ["KEY_INVALID", "key"],
  ["SIGNATURE_INVALID", "sign"],
  ["WRONG_TOKEN_TYPE", "type"],
  ["INSUFFICIENT_SCOPE", "scope"],
  ["INSUFFICIENT_ROLE", "role"],
  ["TENANT_MISMATCH", "tenant"],
  ["ROUTE_NOT_FOUND", "404"],
]);

const MEANINGS = {
  allow: "whatever tenant the request names",
  own: "the caller's own tenant only",
  unnamed: "only requests that name no tenant",
  unreached: "no request reaches the route",
} as const;

/** Capitals let in; small letters refuse. */
export function cellWord(cell: Cell): string {
  if (cell.kind === "refused") return REFUSALS.get(cell.code) ?? cell.code.toLowerCase();
  return { allow: "YES", own: "OWN", unnamed: "BARE", unreached: "-" }[cell.kind];
}

/** `own tenant`, or the code of the refusal. */
export function cellMeaning(cell: Cell): string {
  return cell.kind === "refused" ? cell.code : MEANINGS[cell.kind];
}

/** Every word that stands in the cells, with its meaning. */
export function legend(cells: readonly Cell[]): ReadonlyMap<string, string> {
  return new Map(cells.map((cell) => [cellWord(cell), cellMeaning(cell)]));
}

export function isOpenCell({ kind }: Cell): boolean {
  return kind === "allow" || kind === "own" || kind === "unnamed";
}
