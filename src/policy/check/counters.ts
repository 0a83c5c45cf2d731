/** Rules about where limits are counted. */
import type { GatewayFile } from "../schema/gateway.ts";
import type { Draft } from "../validate.ts";

/** Several processes that each count for themselves let more through than a limit says: only in so many words. */
export function checkCounters({ content, report }: Draft<GatewayFile>, workers: number): void {
  if (workers === 1 || content.stores?.counters === "memory-per-worker") return;
  report(
    ["stores", "counters"],
    `each of ${workers} workers would count in memory of its own, so that every limit lets up to ${workers} times as many through`,
    "write `stores: { counters: memory-per-worker }` where that will do, or leave `--workers` out",
  );
}
