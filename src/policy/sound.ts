/** The files of a policy without a mistake, checked and not yet compiled: plain data, which one thread can hand to another. */
import type { SourcePlace } from "../contract/policy.ts";
import type { GatewayFile } from "./schema/gateway.ts";
import type { RuleFile, ServiceFile } from "./schema/service.ts";
import { positionOf } from "./source.ts";
import { spanAt } from "./tree.ts";
import type { Draft } from "./validate.ts";

export interface SoundFiles {
  /** Path of the gateway file. */
  readonly path: string;
  readonly revision: string;
  readonly gateway: GatewayFile;
  readonly services: readonly SoundService[];
}

export interface SoundService {
  readonly file: Omit<ServiceFile, "routes">;
  readonly routes: readonly SoundRoute[];
}

export interface SoundRoute {
  readonly key: string;
  readonly rule: RuleFile;
  readonly place: SourcePlace;
}

/** The service of a draft that nothing was reported of. */
export function soundService({ content, source, tree }: Draft<ServiceFile>): SoundService {
  const { routes, ...file } = content as ServiceFile;
  const placeOf = (key: string) => ({ file: source.file, ...positionOf(source, spanAt(tree, ["routes", key], "key").start) });
  return { file, routes: Object.entries(routes).map(([key, rule]) => ({ key, rule, place: placeOf(key) })) };
}
