/** Recorded decisions, taken once more by another policy: what would change. */
import type { Decision } from "../../contract/decision.ts";
import type { Policy } from "../../contract/policy.ts";
import { callerClass } from "./caller-class.ts";
import { decideAnew } from "./decide-anew.ts";
import type { Evidence } from "./evidence.ts";
import { evidenceOf } from "./evidence-of-record.ts";
import { differenceOf, type Outcome, outcomeOf } from "./outcome.ts";
import type { Recorded } from "./recorded.ts";
import { lineOfDecision, lineWords } from "./route-words.ts";
import { Reasons, Tally } from "./tally.ts";

/** What became of one recorded decision. */
type Replayed =
  | {
      readonly kind: "decided";
      readonly before: Outcome;
      readonly decision: Decision;
      readonly evidence: Evidence;
      readonly after: Outcome;
    }
  /** The rules did not decide it, or no other rules could decide it otherwise. */
  | { readonly kind: "apart"; readonly why: string }
  | { readonly kind: "unknown"; readonly why: string };

/** Sums up while the records come in, so that a log of any length can be read. */
export class Replay {
  readonly #policy: Policy;
  /** Differences from what was recorded. */
  readonly tally = new Tally();
  /** Records that have no facts, or not those that this policy reads. */
  readonly unknown = new Reasons();
  /** Records of which no policy decides. */
  readonly apart = new Reasons();
  /** Revisions of the policies that decided. */
  readonly policies = new Set<string>();
  same = 0;
  first = Number.POSITIVE_INFINITY;
  last = Number.NEGATIVE_INFINITY;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  add(record: Recorded): void {
    this.first = Math.min(this.first, record.at);
    this.last = Math.max(this.last, record.at);
    if (record.policy !== "") this.policies.add(record.policy);
    const replayed = replay(this.#policy, record);
    if (replayed.kind !== "decided") {
      this[replayed.kind].add(replayed.why);
      return;
    }
    const { before, after, decision, evidence } = replayed;
    const difference = differenceOf(before, after);
    if (!difference) {
      this.same += 1;
      return;
    }
    const route =
      record.route === undefined ? lineOfDecision(decision, record.method) : lineWords(record.route, record.service, record.method);
    this.tally.add({ ...difference, route, caller: classOf(this.#policy, record, decision, evidence) }, record.decision);
  }

  /** Of the policy that decides anew. */
  get revision(): string {
    return this.#policy.revision;
  }

  /** How many could be compared. */
  get compared(): number {
    return this.same + this.different;
  }

  get different(): number {
    return this.tally.count("wider") + this.tally.count("narrower") + this.tally.count("other");
  }
}

function classOf(policy: Policy, record: Recorded, decision: Decision, { proof }: Evidence): string {
  const decided = decision.outcome === "deny" ? decision.service : decision.route.service;
  const service = policy.services.find(({ name }) => name === record.service) ?? decided;
  const named = decision.outcome === "preflight" ? undefined : decision.caller;
  return callerClass(service, proof, record.caller ?? named);
}

/** One record under another policy. */
export function replay(policy: Policy, record: Recorded): Replayed {
  const { facts } = record;
  if (record.policy === "") return { kind: "apart", why: "refused by the HTTP parser" };
  if (!facts) return { kind: "unknown", why: "recorded without facts" };
  if ("none" in facts) {
    return facts.none === "edge"
      ? { kind: "apart", why: "refused before any rule was asked" }
      : { kind: "unknown", why: "too long for its facts to be recorded" };
  }
  if (facts.verdict === undefined) return { kind: "apart", why: apartWords(record) };
  const evidence = evidenceOf(record, facts);
  if (!evidence) return { kind: "unknown", why: "recorded with facts that cannot be the gateway's" };
  const anew = decideAnew(policy, evidence);
  if (anew.kind === "unknown") return anew;
  return {
    kind: "decided",
    before: recordedOutcome(record),
    decision: anew.decision,
    evidence,
    after: outcomeOf(anew.decision, evidence.request),
  };
}

function apartWords({ code, outcome }: Recorded): string {
  if (outcome === "deny") return code === "RATE_LIMITED" ? "stopped by a limit" : `ended by ${code ?? "a fault"}`;
  return "ended by the client before there was a decision";
}

function recordedOutcome({ facts, service, tenant }: Recorded): Outcome {
  const { verdict = "", readable } = facts && !("none" in facts) ? facts : {};
  const page = readable === undefined ? {} : { readable };
  if (verdict !== "allow") return { verdict, ...page };
  return { verdict, ...(service !== undefined && { service }), ...(tenant !== undefined && { tenant }), ...page };
}
