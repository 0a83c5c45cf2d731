/** Which block holds for a service: its own, or the one of the gateway file's `defaults:`. */
import type { GatewayFile } from "./schema/gateway.ts";
import type { ServiceFile } from "./schema/service.ts";

/** Blocks that a service replaces whole; `limits` are another matter, they add up. */
export type ReplacedBlock = "body" | "timeouts" | "errors" | "cors" | "roles";

/** The service's own block, or the default one. */
export function effective<Block extends ReplacedBlock>(
  block: Block,
  service: Partial<ServiceFile>,
  gateway: Partial<GatewayFile>,
): ServiceFile[Block] | undefined {
  return service[block] ?? (gateway.defaults?.[block] as ServiceFile[Block] | undefined);
}
