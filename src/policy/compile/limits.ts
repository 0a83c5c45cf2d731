/** Limits of three places, added up by name. */
import type { Limit } from "../../contract/policy.ts";
import type { LimitsFile } from "../schema/blocks.ts";

/** A limit with what it counts beside the contract's shape. */
export interface PlacedLimit {
  readonly limit: Limit;
  readonly ofFailures: boolean;
}

export type LimitsByName = ReadonlyMap<string, PlacedLimit>;

/** The limits of the places around, with those of a nearer place in the stead of the same names. */
export function addLimits(around: LimitsByName, file: LimitsFile | undefined, place: string): LimitsByName {
  if (!file) return around;
  const limits = new Map(around);
  for (const [name, written] of Object.entries(file)) {
    const limit: Limit = {
      name,
      place,
      by: written.by,
      ...written.rate,
      ...(written.methods && { methods: new Set(written.methods) }),
      ...(written.authenticators && { authenticators: new Set(written.authenticators) }),
    };
    limits.set(name, { limit, ofFailures: written.of === "failures" });
  }
  return limits;
}

/** Limits by address that count every request. */
export function addressLimits(limits: LimitsByName): readonly Limit[] {
  return [...limits.values()].filter((one) => one.limit.by === "address" && !one.ofFailures).map((one) => one.limit);
}

/** Limits that count proved callers. */
export function callerLimits(limits: LimitsByName): readonly Limit[] {
  return [...limits.values()].filter((one) => one.limit.by !== "address").map((one) => one.limit);
}

/** Limits that count failed credentials. */
export function failureLimits(limits: LimitsByName): readonly Limit[] {
  return [...limits.values()].filter((one) => one.ofFailures).map((one) => one.limit);
}
