/** The decision log: a line for each refusal, and for each allowed request where the policy asks for it. */
import type { DecidedExchange, NoFacts, RecordedFacts, ShadowRecord } from "../contract/recorded.ts";
import type { Exchange } from "../pipeline/exchange.ts";
import { instantText } from "./instant.ts";
import type { Log } from "./log.ts";

/** The facts of one decision, without credentials: what the log writes and the admin door finds again. */
export type DecisionRecord = {
  readonly decision: string;
  /** Arrival, ISO 8601. */
  readonly at: string;
  readonly outcome: "allow" | "deny" | "preflight";
  readonly code?: string | undefined;
  /** For the operator alone. */
  readonly reason?: string | undefined;
  readonly status: number;
  readonly method: string;
  /** Canonical path, without query. */
  readonly path?: string | undefined;
  readonly service?: string | undefined;
  readonly route?: string | undefined;
  readonly rule?: string | undefined;
  readonly address?: string | undefined;
  readonly origin?: string | undefined;
  readonly caller?: CallerRecord | undefined;
  readonly tenant?: string | undefined;
  readonly cut?: string | undefined;
  readonly latencyMs: number;
  readonly policy: string;
  /** Where the policy says `log: { facts: true }`: what it takes to decide once more. */
  readonly facts?: RecordedFacts | NoFacts;
  /** What a shadow policy would have said, where that is something else. */
  readonly shadow?: ShadowRecord;
};

interface CallerRecord {
  readonly subject: string;
  readonly kind: string;
  readonly authenticator: string;
  readonly role?: string | undefined;
  readonly credential?: string | undefined;
}

const LONGEST_PATH = 1024;
const LONGEST_TEXT = 256;

/** What happened to an exchange that is over; `endedAt` is on the same clock as `startedAt`. */
function recordOf(exchange: Exchange, endedAt: number): DecisionRecord {
  const { outcome, facts, match, caller, allowance } = exchange;
  const route = match.kind === "route" ? match.route : undefined;
  const service = route?.service ?? match.mount?.service;
  const { word, status, code, reason, cut } = wordsOf(outcome);
  // One shape for all of them, what is unknown being undefined: neither JSON nor the admin door shows that.
  return {
    decision: exchange.id,
    at: instantText(exchange.now),
    outcome: word,
    code,
    reason,
    status,
    cut,
    method: facts.method,
    path: pathText(facts.path.segments),
    service: service?.name,
    route: route?.name,
    rule: route?.rule,
    address: facts.address,
    origin: facts.origin === undefined ? undefined : shown(facts.origin),
    caller: caller && callerFields(caller),
    tenant: allowance?.tenant,
    latencyMs: Math.round((endedAt - exchange.startedAt) * 100) / 100,
    policy: exchange.policy.revision,
  };
}

interface OutcomeWords {
  readonly word: DecisionRecord["outcome"];
  readonly status: number;
  readonly code?: string;
  readonly reason?: string;
  readonly cut?: string;
}

const PREFLIGHT: OutcomeWords = { word: "preflight", status: 204 };
const LEFT: OutcomeWords = { word: "allow", status: 499, cut: "the client left" };

function wordsOf(outcome: Exchange["outcome"]): OutcomeWords {
  if (outcome === undefined) return LEFT;
  if (outcome.kind === "preflight") return PREFLIGHT;
  return outcome.kind === "refused" ? { word: "deny", ...outcome } : { word: "allow", ...outcome };
}

/** Nothing in it that a path may not hold as it is. */
const PLAIN = /^[A-Za-z0-9_.~-]*$/;

function pathText(segments: readonly string[]): string {
  let text = "";
  for (const segment of segments) text += `/${PLAIN.test(segment) ? segment : encodeURIComponent(segment)}`;
  return (text || "/").slice(0, LONGEST_PATH);
}

function callerFields(caller: NonNullable<Exchange["caller"]>): CallerRecord {
  return {
    subject: shown(caller.subject),
    kind: caller.kind,
    authenticator: caller.authenticator,
    role: caller.role === undefined ? undefined : shown(caller.role),
    credential: caller.credentialId,
  };
}

const VISIBLE = /^[\x20-\x7e]*$/;

/** A stranger's words, cut short and in characters that no terminal or viewer acts on; JSON leaves those beyond ASCII as they are. */
function shown(text: string): string {
  if (text.length <= LONGEST_TEXT && VISIBLE.test(text)) return text;
  return text
    .slice(0, LONGEST_TEXT)
    .replaceAll(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Writes decisions to the log, and keeps the last refusals for the admin door. */
export interface DecisionLog {
  /** `shadow` is given where a shadow policy would have said something else: then the decision is logged in any case. */
  write(exchange: Exchange, endedAt: number, shadow?: ShadowRecord): void;
  /** A refusal made before there was an exchange. */
  writeRecord(record: DecisionRecord): void;
  recent(): readonly DecisionRecord[];
  find(decision: string): DecisionRecord | undefined;
}

const KEPT = 1000;

/** What it takes to decide once more. */
export type FactsOf = (exchange: DecidedExchange) => RecordedFacts | NoFacts;

/** The last records, in the order in which they came. */
class Kept {
  readonly #records: DecisionRecord[] = [];
  #next = 0;

  add(record: DecisionRecord): void {
    this.#records[this.#next] = record;
    this.#next = (this.#next + 1) % KEPT;
  }

  /** The newest first. */
  newest(): readonly DecisionRecord[] {
    return [...this.#records.slice(this.#next), ...this.#records.slice(0, this.#next)].toReversed();
  }
}

/** Without `factsOf` no facts are logged, whatever the policy says. */
export function createDecisionLog(log: Log, factsOf?: FactsOf): DecisionLog {
  const kept = new Kept();
  const writeRecord = (record: DecisionRecord): void => {
    if (record.outcome === "deny") kept.add(record);
    log.record(record, record.outcome === "deny" ? "refused" : "allowed");
  };
  return {
    write: (exchange, endedAt, shadow) => {
      const wanted = exchange.outcome?.kind === "refused" || isCut(exchange) || exchange.policy.gateway.log.decisions === "all";
      if (!wanted && !shadow) return;
      const facts = exchange.policy.gateway.log.facts === true && factsOf?.(exchange);
      const record = recordOf(exchange, endedAt);
      writeRecord(facts || shadow ? { ...record, ...(facts && { facts }), ...(shadow && { shadow }) } : record);
    },
    writeRecord,
    recent: () => kept.newest(),
    find: (decision) => kept.newest().find((record) => record.decision === decision),
  };
}

function isCut(exchange: Exchange): boolean {
  return exchange.outcome?.kind === "forwarded" && exchange.outcome.cut !== undefined;
}
