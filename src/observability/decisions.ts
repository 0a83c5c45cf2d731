/** The decision log: a line for each refusal, and for each allowed request where the policy asks for it. */
import type { Exchange } from "../pipeline/exchange.ts";
import type { Log } from "./log.ts";

/** The facts of one decision, without credentials: what the log writes and the admin door finds again. */
export interface DecisionRecord {
  readonly decision: string;
  /** Arrival, ISO 8601. */
  readonly at: string;
  readonly outcome: "allow" | "deny" | "preflight";
  readonly code?: string;
  /** For the operator alone. */
  readonly reason?: string;
  readonly status: number;
  readonly method: string;
  /** Canonical path, without query. */
  readonly path?: string;
  readonly service?: string;
  readonly route?: string;
  readonly rule?: string;
  readonly address?: string;
  readonly origin?: string;
  readonly caller?: {
    readonly subject: string;
    readonly kind: string;
    readonly authenticator: string;
    readonly role?: string;
    readonly credential?: string;
  };
  readonly tenant?: string;
  readonly cut?: string;
  readonly latencyMs: number;
  readonly policy: string;
}

const LONGEST_PATH = 1024;
const LONGEST_TEXT = 256;

/** What happened to an exchange that is over; `endedAt` is on the same clock as `startedAt`. */
export function recordOf(exchange: Exchange, endedAt: number): DecisionRecord {
  const { outcome, facts, match, caller, allowance } = exchange;
  const route = match.kind === "route" ? match.route : undefined;
  const service = route?.service ?? match.mount?.service;
  return {
    decision: exchange.id,
    at: new Date(exchange.now).toISOString(),
    ...outcomeFields(outcome),
    method: facts.method,
    path: `/${facts.path.segments.map(encodeURIComponent).join("/")}`.slice(0, LONGEST_PATH),
    ...(service && { service: service.name }),
    ...(route && { route: route.name, rule: route.rule }),
    address: facts.address,
    ...(facts.origin !== undefined && { origin: shown(facts.origin) }),
    ...(caller && { caller: callerFields(caller) }),
    ...(allowance?.tenant !== undefined && { tenant: allowance.tenant }),
    latencyMs: Math.round((endedAt - exchange.startedAt) * 100) / 100,
    policy: exchange.policy.revision,
  };
}

function outcomeFields(outcome: Exchange["outcome"]): Pick<DecisionRecord, "outcome" | "code" | "reason" | "status" | "cut"> {
  switch (outcome?.kind) {
    case "refused":
      return { outcome: "deny", code: outcome.code, reason: outcome.reason, status: outcome.status };
    case "preflight":
      return { outcome: "preflight", status: 204 };
    case "forwarded":
      return { outcome: "allow", status: outcome.status, ...(outcome.cut !== undefined && { cut: outcome.cut }) };
    case undefined:
      return { outcome: "allow", status: 499, cut: "the client left" };
  }
}

function callerFields(caller: NonNullable<Exchange["caller"]>): NonNullable<DecisionRecord["caller"]> {
  return {
    subject: shown(caller.subject),
    kind: caller.kind,
    authenticator: caller.authenticator,
    ...(caller.role !== undefined && { role: shown(caller.role) }),
    ...(caller.credentialId !== undefined && { credential: caller.credentialId }),
  };
}

/** A stranger's words, cut short and in characters that no terminal or viewer acts on; JSON leaves those beyond ASCII as they are. */
function shown(text: string): string {
  return text
    .slice(0, LONGEST_TEXT)
    .replaceAll(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Writes decisions to the log, and keeps the last refusals for the admin door. */
export interface DecisionLog {
  write(exchange: Exchange, endedAt: number): void;
  /** A refusal made before there was an exchange. */
  writeRecord(record: DecisionRecord): void;
  recent(): readonly DecisionRecord[];
  find(decision: string): DecisionRecord | undefined;
}

const KEPT = 1000;

export function createDecisionLog(log: Log): DecisionLog {
  const kept = new Map<string, DecisionRecord>();
  const keep = (record: DecisionRecord): void => {
    kept.set(record.decision, record);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
  };
  const writeRecord = (record: DecisionRecord): void => {
    if (record.outcome === "deny") keep(record);
    log.info({ ...record }, record.outcome === "deny" ? "refused" : "allowed");
  };
  return {
    write: (exchange, endedAt) => {
      const logged = exchange.outcome?.kind === "refused" || isCut(exchange) || exchange.policy.gateway.log.decisions === "all";
      if (logged) writeRecord(recordOf(exchange, endedAt));
    },
    writeRecord,
    recent: () => [...kept.values()].toReversed(),
    find: (decision) => kept.get(decision),
  };
}

function isCut(exchange: Exchange): boolean {
  return exchange.outcome?.kind === "forwarded" && exchange.outcome.cut !== undefined;
}
