import type { Issuer } from "../../contract/authenticators.ts";
import {
  type IssuerEvent,
  type IssuerState,
  KEY_SET_AGES,
  type KeySet,
  type KeySetAges,
  type KeySetDependencies,
  RefreshingKeySet,
} from "./key-set.ts";

/** The key sets of all issuers in use. They outlive a reload: an issuer that stays keeps its keys. */
export interface Issuers {
  /** Exactly these are in use from now on: new ones are fetched at once, those left out are fetched no more. */
  use(issuers: Iterable<Issuer>): void;
  /** The key set of an issuer in use. */
  holder(issuer: Issuer): KeySet;
  /** Resolves when each issuer in use has been tried once, and at the latest after that time; never rejects. */
  ready(withinMs?: number): Promise<void>;
  states(): readonly IssuerState[];
  close(): void;
}

export interface IssuersOptions {
  readonly fetch: KeySetDependencies["fetch"];
  /** Monotonic milliseconds, e.g. `performance.now`. */
  readonly monotonicNow: () => number;
  /** Told of every fetch, for log and metrics. */
  readonly onEvent: (event: IssuerEvent) => void;
  readonly ages?: KeySetAges;
  /** Default: a timer that keeps no process alive. */
  readonly schedule?: KeySetDependencies["schedule"];
}

interface Holding {
  readonly keySet: RefreshingKeySet;
  readonly firstFetch: Promise<void>;
}

/** Makes the registry of key sets, one for each `iss`, address and list of algorithms. */
export function createIssuers({ fetch, monotonicNow, onEvent, ages = KEY_SET_AGES, schedule = afterDelay }: IssuersOptions): Issuers {
  const dependencies: KeySetDependencies = { fetch, monotonicNow, onEvent, ages, schedule };
  let holdings: ReadonlyMap<string, Holding> = new Map();

  function replace(next: ReadonlyMap<string, Holding>): void {
    for (const [name, { keySet }] of holdings) if (!next.has(name)) keySet.close();
    holdings = next;
  }

  return {
    use(issuers) {
      const next = new Map<string, Holding>();
      for (const issuer of issuers) {
        const name = nameOf(issuer);
        if (!next.has(name)) next.set(name, holdings.get(name) ?? start(issuer, dependencies));
      }
      replace(next);
    },
    holder(issuer) {
      const holding = holdings.get(nameOf(issuer));
      if (holding === undefined) throw new Error(`issuer \`${issuer.iss}\` is not in use`);
      return holding.keySet;
    },
    async ready(withinMs) {
      const tried = Promise.all([...holdings.values()].map((holding) => holding.firstFetch));
      const late = Promise.withResolvers<void>();
      const cancel = withinMs === undefined ? undefined : schedule(withinMs, late.resolve);
      await Promise.race([tried, late.promise]);
      cancel?.();
    },
    states: () => [...holdings.values()].map((holding) => holding.keySet.state()),
    close: () => replace(new Map()),
  };
}

function start(issuer: Issuer, dependencies: KeySetDependencies): Holding {
  const keySet = new RefreshingKeySet(issuer, dependencies);
  return { keySet, firstFetch: keySet.refresh() };
}

function nameOf({ iss, jwks, algorithms }: Issuer): string {
  return JSON.stringify([iss, jwks, algorithms.toSorted()]);
}

function afterDelay(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
