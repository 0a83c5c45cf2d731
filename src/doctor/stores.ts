/** Stores: the key store opens, can be written, and lets readers go on while it is. */
import { resolve } from "node:path";
import { belongsToAccounts } from "../contract/authenticators.ts";
import type { Policy } from "../contract/policy.ts";
import { examineSqliteKeys, type StoreState } from "../stores/sqlite/examine.ts";
import { fail, type Finding, ok, SOON_MS, warn } from "./finding.ts";

/** `now`: epoch milliseconds. */
export function checkKeyStore({ gateway, services }: Policy, now: number): readonly Finding[] {
  const path = resolve(gateway.stores.keys.path);
  const of = { area: "keys", subject: path } as const;
  const used = services.some(({ authenticators }) => authenticators.some(belongsToAccounts));
  return stateFindings(of, examineSqliteKeys(path, now, now + SOON_MS), used);
}

type Of = { readonly area: "keys"; readonly subject: string };

function stateFindings(of: Of, state: StoreState, used: boolean): readonly Finding[] {
  switch (state.kind) {
    case "absent":
      if (!state.canBeMade) return [fail(of, "is not there, and its folder cannot be written", "let this user write the folder")];
      if (!used) return [ok(of, "is not there yet, and nothing needs it")];
      return [warn(of, "is not there yet: no key opens anything", "`sallyport accounts create` makes it, and so does `serve`")];
    case "unusable":
      return [fail(of, `cannot be used: ${state.reason}`, "name another file in `stores.keys`, or restore this one")];
    case "usable":
      return usableFindings(of, state);
  }
}

const MOST_NAMED = 5;

function usableFindings(of: Of, { readOnly, writeAhead, keys, endingKeys }: Extract<StoreState, { kind: "usable" }>): readonly Finding[] {
  const ending = endingKeys.slice(0, MOST_NAMED).join(", ") + (endingKeys.length > MOST_NAMED ? ", …" : "");
  return [
    storeFinding(of, readOnly, writeAhead, keys),
    ...(endingKeys.length === 0
      ? []
      : [warn(of, `${endingKeys.length} key(s) end within 14 days: ${ending}`, "`sallyport keys rotate` gives their owners new ones")]),
  ];
}

function storeFinding(of: Of, readOnly: string | undefined, writeAhead: boolean, keys: number): Finding {
  if (readOnly !== undefined)
    return warn(of, `can be read, not written: ${readOnly}`, "let this user write the file and its folder, unless that is meant");
  if (!writeAhead) return warn(of, "is not in WAL mode: a writer makes readers wait", "the next `sallyport accounts` or `keys` mends it");
  return ok(of, `opens and can be written: ${keys} key${keys === 1 ? "" : "s"}`);
}

/** Where limits are counted. */
export function checkCounters({ gateway }: Policy): Finding {
  const { kind } = gateway.stores.counters;
  return ok({ area: "counters", subject: kind }, "counts within one process");
}
