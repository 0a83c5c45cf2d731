/** What answers requests in one process: the gateway with its stores, its issuers, and all that it tells of them. */
import { belongsToAccounts } from "./contract/authenticators.ts";
import type { IssuerState } from "./pipeline/authenticate/key-set.ts";
import { factsOf } from "./assurance/replay/facts.ts";
import { createGateway, type Gateway, type GatewayParts } from "./gateway.ts";
import { createDecisionIds } from "./observability/decision-id.ts";
import { createDecisionLog, type DecisionLog } from "./observability/decisions.ts";
import type { Log } from "./observability/log.ts";
import { guardedLookup, jwksFetch } from "./pipeline/authenticate/jwks-fetch.ts";
import { createIssuers, type Issuers } from "./pipeline/authenticate/jwks.ts";
import type { IssuerEvent } from "./pipeline/authenticate/key-set.ts";
import { forbiddenHost } from "./policy/addresses.ts";
import { createMemoryCounters } from "./stores/memory-counters.ts";
import { openSqliteKeys } from "./stores/sqlite-keys.ts";

export type ServingParts = Omit<GatewayParts, "keys" | "counters" | "issuers" | "decisions" | "decisionId">;

export interface Serving {
  readonly gateway: Gateway;
  readonly decisions: DecisionLog;
  issuers(): readonly IssuerState[];
  /** Undefined while the key store can be read; otherwise why not. */
  keyStoreTrouble(): string | undefined;
  /** Listens once each issuer has answered, or had a moment for it; resolves with the port. */
  listen(): Promise<number>;
  /** After the gateway. */
  closeStores(): void;
}

const MOST_BUCKETS = 1_000_000;
/** For issuers, at the start. A token that comes before its issuer's keys waits for them by itself. */
const LONGEST_WAIT_MS = 1_000;

/** Everything is open then but the door. */
export async function createServing(parts: ServingParts): Promise<Serving> {
  const keys = openSqliteKeys(parts.policy.gateway.stores.keys.path, { side: "gateway", create: true, oncePerTurn: true });
  // Known from the start, so that a store which goes away is missed, and not taken for one that was never made.
  if (parts.policy.services.some(({ authenticators }) => authenticators.some(belongsToAccounts))) keys.trouble();
  const counters = createMemoryCounters({ maxBuckets: MOST_BUCKETS });
  const issuers = createIssuers({
    fetch: jwksFetch(guardedLookup(forbiddenHost)),
    monotonicNow: parts.monotonicNow,
    onEvent: logIssuerEvent(parts.log),
  });
  const decisions = createDecisionLog(parts.log, factsOf);
  const gateway = await createGateway({
    ...parts,
    keys,
    counters,
    issuers,
    decisions,
    decisionId: createDecisionIds(parts.randomBytes),
  });
  parts.metrics.observe({ issuers: () => issuerReadings(issuers), keyStoreUp: () => keys.trouble() === undefined });
  return {
    gateway,
    decisions,
    issuers: () => issuers.states(),
    keyStoreTrouble: () => keys.trouble(),
    listen: async () => {
      await issuers.ready(LONGEST_WAIT_MS);
      return gateway.listen();
    },
    closeStores: () => {
      for (const part of [issuers, counters, keys]) part.close();
    },
  };
}

function issuerReadings(issuers: Issuers): { iss: string; keys: number; ageSeconds: number | undefined }[] {
  return issuers
    .states()
    .map(({ iss, keyCount, ageMs }) => ({ iss, keys: keyCount, ageSeconds: ageMs === undefined ? undefined : ageMs / 1000 }));
}

function logIssuerEvent(log: Log): (event: IssuerEvent) => void {
  return (event) => {
    if (event.kind === "failed") log.warn({ issuer: event.iss, reason: event.reason }, "keys of an issuer could not be fetched");
    else log.info({ issuer: event.iss, keys: event.keyCount, skipped: event.skipped }, "keys of an issuer fetched");
  };
}
