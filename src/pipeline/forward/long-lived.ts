/** Ends what outlives the credential that it was allowed for: streams, long polls, WebSockets. */
import { setImmediate as othersFirst } from "node:timers/promises";
import type { Caller, OwnedKey, Proof } from "../../contract/caller.ts";
import type { Denial, Matched } from "../../contract/decision.ts";
import type { ErrorCode } from "../../contract/errors.ts";
import type { Policy } from "../../contract/policy.ts";
import { StoreUnavailable, type KeyReader } from "../../contract/stores.ts";
import { decideAgain, type LongExchange } from "../../decision/decide-again.ts";
import type { Exchange } from "../exchange.ts";

/** How late an end may come. One look at all open exchanges a second costs less than a timer for each short request. */
const SWEEP_MS = 1_000;
/** Sweeps between two rounds of questions to the key store. */
const SWEEPS_PER_ROUND = 2;
/** Look-ups in the store before other work has its turn. */
const BATCH = 50;

/** By kind of authenticator, how a credential of an account that ended is named. */
const OF_ACCOUNTS = { apiKey: "KEY_INVALID", sigv4: "SIGNATURE_INVALID", mtls: "TOKEN_INVALID" } as const;

/** What is open, and how it is ended. */
export interface LongLivedSide {
  /** Called once, when the exchange's credential has ended. */
  credentialEnded(denial: Denial): void;
}

export interface LongLivedDeps {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The policy in force. */
  readonly policy: () => Policy;
  readonly keys: Pick<KeyReader, "find" | "findAccessKey" | "account">;
  /** A fault of our own, with its cause: for the log. */
  readonly failed: (cause: unknown) => void;
}

/** What is watched. */
export interface Watched extends LongExchange {
  readonly exchange: Exchange;
  readonly side: LongLivedSide;
  expiresAt: number | undefined;
  /** The last policy that let it be. */
  judgedBy: Policy;
  seen: boolean;
  /** Where it stands among the open ones; -1 once it is over. */
  place: number;
}

export class LongLived {
  readonly #deps: LongLivedDeps;
  /** In no order. Not a `Set`: each table that a busy set outgrows keeps what it held alive until V8's next major collection. */
  readonly #open: Watched[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sweeps = 0;
  #asking = false;

  constructor(deps: LongLivedDeps) {
    this.#deps = deps;
  }

  /**
   * Tells the side that the exchange's credential has ended: within about a second after its expiry or after a policy
   * that no longer takes it, and within about three after its key was revoked or its account changed. Never what has
   * been under way for less than a second. Undefined where there is no credential.
   */
  watch(exchange: Exchange, side: LongLivedSide): Watched | undefined {
    const caller = exchange.allowance?.caller;
    if (caller === undefined || exchange.match.kind !== "route") return undefined;
    const entry = entryOf(exchange, exchange.match, caller, side);
    entry.place = this.#open.push(entry) - 1;
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    return entry;
  }

  /** Calls it off. The last one takes its place. */
  letGo(entry: Watched): void {
    const last = entry.place === -1 ? undefined : this.#open.pop();
    if (last === undefined) return;
    if (last !== entry) {
      this.#open[entry.place] = last;
      last.place = entry.place;
    }
    entry.place = -1;
  }

  #sweep(): void {
    const now = this.#deps.now();
    const policy = this.#deps.policy();
    for (const entry of this.#open.slice()) {
      if (!entry.seen) entry.seen = true;
      else if (entry.expiresAt !== undefined && now >= entry.expiresAt) this.#end(entry, expired(entry));
      else if (entry.judgedBy !== policy) this.#judge(entry, entry.exchange.proof);
    }
    this.#sweeps += 1;
    if (this.#open.length === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    } else if (this.#sweeps % SWEEPS_PER_ROUND === 0) void this.#askStore();
  }

  /** One look-up for each key, however many exchanges it has open. */
  async #askStore(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    let asked = 0;
    try {
      for (const entries of this.#byKey().values()) {
        const proof = await this.#proofNow(entries[0] as Watched);
        if (proof !== undefined) for (const entry of entries) this.#judge(entry, proof);
        asked += 1;
        if (asked % BATCH === 0) await othersFirst();
      }
    } catch (cause) {
      this.#deps.failed(cause);
    } finally {
      this.#asking = false;
    }
  }

  #byKey(): ReadonlyMap<string, Watched[]> {
    const groups = new Map<string, Watched[]>();
    for (const entry of this.#open) {
      const { proof } = entry.exchange;
      if (!entry.seen || proof?.kind !== "key") continue;
      const name = `${proof.authenticator} ${proof.key.service} ${proof.key.id}`;
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [entry]);
      else group.push(entry);
    }
    return groups;
  }

  /** Undefined while the store cannot be asked: what was proved holds until its own end. */
  async #proofNow({ exchange, matched }: Watched): Promise<Proof | undefined> {
    const proof = exchange.proof as Extract<Proof, { kind: "key" }>;
    const kind = kindOf(matched, proof.authenticator);
    try {
      const key = await this.#keyNow(kind, proof.key);
      if (key !== undefined) return { ...proof, key };
      return { kind: "invalid", code: OF_ACCOUNTS[kind], reason: `key ${proof.key.id} is gone` };
    } catch (error) {
      if (error instanceof StoreUnavailable) return undefined;
      throw error;
    }
  }

  /** A certificate is no record of the store; the account that it stands for is. */
  async #keyNow(kind: keyof typeof OF_ACCOUNTS, key: OwnedKey): Promise<OwnedKey | undefined> {
    const { keys } = this.#deps;
    const { service, id } = key;
    if (kind === "sigv4") return keys.findAccessKey(service, id);
    if (kind === "apiKey") return keys.find(service, id);
    const account = await keys.account(service, key.account.id);
    return account && { ...key, account };
  }

  #judge(entry: Watched, proof: Proof | undefined): void {
    if (proof === undefined || entry.place === -1) return;
    const policy = this.#deps.policy();
    const decision = decideAgain(entry, proof, policy, this.#deps.now());
    if (decision.outcome === "deny") this.#end(entry, { ...decision, reason: `the credential ended: ${decision.reason}` });
    else if (decision.tenant !== entry.exchange.allowance?.tenant) this.#end(entry, otherTenant(entry));
    entry.judgedBy = policy;
    if (decision.outcome === "allow") entry.expiresAt = decision.caller?.expiresAt;
  }

  #end(entry: Watched, denial: Denial): void {
    this.letGo(entry);
    entry.side.credentialEnded(denial);
  }
}

/** The service was told a tenant at the beginning, and goes by that. */
function otherTenant({ matched: { route } }: Watched): Denial {
  return { outcome: "deny", code: "TENANT_MISMATCH", reason: "the caller's tenant has changed", service: route.service, route };
}

function entryOf(exchange: Exchange, matched: Matched, caller: Caller, side: LongLivedSide): Watched {
  const { facts: request, policy: judgedBy } = exchange;
  return { exchange, matched, request, caller, side, expiresAt: caller.expiresAt, judgedBy, seen: false, place: -1 };
}

function kindOf({ route }: Matched, authenticator: string): keyof typeof OF_ACCOUNTS {
  const found = route.authenticators.find(({ name }) => name === authenticator)?.kind;
  return found === "sigv4" || found === "mtls" ? found : "apiKey";
}

function codeOfEnd(matched: Matched, { kind, authenticator }: Caller): ErrorCode {
  if (kind === "key") return OF_ACCOUNTS[kindOf(matched, authenticator)];
  return kind === "secret" ? "TOKEN_INVALID" : "TOKEN_EXPIRED";
}

function expired({ matched, caller }: Watched): Denial {
  const { route } = matched;
  const code = codeOfEnd(matched, caller);
  return { outcome: "deny", code, reason: "the credential ended", service: route.service, route, caller };
}
