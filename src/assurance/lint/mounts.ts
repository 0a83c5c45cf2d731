/** The table of hosts and prefixes as a list. */
import type { HostTable, PrefixTable } from "../../contract/policy.ts";
import type { PlacedMount } from "./observation.ts";

/** Every service under each of its hosts and prefixes. */
export function mountsOf({ exact, suffix, any }: HostTable): readonly PlacedMount[] {
  return [
    ...[...exact].flatMap(([host, table]) => mountsBelow(table, host)),
    ...[...suffix].flatMap(([domain, table]) => mountsBelow(table, `*.${domain}`)),
    ...(any ? mountsBelow(any, "") : []),
  ];
}

/** The table's own mount, and all that lie deeper. */
export function mountsBelow(table: PrefixTable, host: string): readonly PlacedMount[] {
  const own = table.mount ? [{ mount: table.mount, host, below: table }] : [];
  return [...own, ...[...table.next.values()].flatMap((next) => mountsBelow(next, host))];
}
