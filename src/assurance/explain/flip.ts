/** The smallest changes that would turn an outcome round: searched among single edits, and each proved by the decision itself. */
import type { Caller } from "../../contract/caller.ts";
import type { Decision } from "../../contract/decision.ts";
import type { Policy } from "../../contract/policy.ts";
import { identify } from "../../decision/identify.ts";
import { proofAt } from "../credential.ts";
import { type Inquiry, judge, type Verdict } from "../inquiry.ts";
import { callerEdits, reducingEdits } from "./caller-edits.ts";
import type { Edit, Situation } from "./edit.ts";
import { otherRequestEdits, smallRequestEdits } from "./request-edits.ts";
import { narrowingEdits, wideningEdits } from "./rule-edits.ts";

/** One change that was tried, and turned the outcome round. */
export interface Flip {
  readonly of: Edit["of"];
  readonly words: string;
  /** What comes out then. */
  readonly decision: Decision;
  /** The policy and the inquiry with the change made. */
  readonly policy: Policy;
  readonly inquiry: Inquiry;
}

const MOST_FLIPS = 6;

/** The smallest first; none where no single edit is enough. */
export function flipsOf(policy: Policy, inquiry: Inquiry, verdict: Verdict = judge(policy, inquiry)): readonly Flip[] {
  const situation: Situation = { policy, inquiry, verdict };
  for (const edits of kindsOfEdits(situation)) {
    const flips = proved(edits(), verdict.decision);
    if (flips.length > 0) return flips;
  }
  return [];
}

/** Nearer kinds first: a further one is looked at only where no nearer one is enough. */
function kindsOfEdits(situation: Situation): readonly (() => readonly Edit[])[] {
  const { decision } = situation.verdict;
  if (decision.outcome !== "deny") {
    return [() => reducingEdits(situation), () => smallRequestEdits(situation, callerOf(situation)), () => narrowingEdits(situation)];
  }
  const caller = callerOf(situation);
  const ofCaller = () => callerEdits(situation);
  const ofRequest = () => smallRequestEdits(situation, caller);
  const near = ABOUT_THE_REQUEST.has(decision.code) ? () => [...ofRequest(), ...ofCaller()] : () => [...ofCaller(), ...ofRequest()];
  const rules = () => wideningEdits(situation, caller);
  const others = () => otherRequestEdits(situation);
  return ABOUT_THE_TABLE.has(decision.code) ? [near, others, rules] : [near, rules, others];
}

/** Refusals that another method or path may mend; elsewhere that would be another request. */
const ABOUT_THE_TABLE: ReadonlySet<string> = new Set(["ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED", "REQUEST_INVALID"]);

const ABOUT_THE_REQUEST: ReadonlySet<string> = new Set([
  "TENANT_MISMATCH",
  "ORIGIN_NOT_ALLOWED",
  "ADDRESS_NOT_ALLOWED",
  "REQUEST_INVALID",
  "BODY_TOO_LARGE",
  "BODY_TYPE_NOT_ALLOWED",
]);

function proved(edits: readonly Edit[], before: Decision): readonly Flip[] {
  const flips: Flip[] = [];
  for (const { of, words, apply } of edits) {
    const { policy, inquiry } = apply();
    const { decision } = judge(policy, inquiry);
    if ((decision.outcome === "deny") === (before.outcome === "deny")) continue;
    flips.push({ of, words, decision, policy, inquiry });
    if (flips.length === MOST_FLIPS) break;
  }
  return flips;
}

/** Who asks, even where an earlier stage refuses. */
function callerOf({ policy, inquiry, verdict: { seen } }: Situation): Caller | undefined {
  if (seen?.match.kind !== "route") return undefined;
  const { route } = seen.match;
  const identified = identify(route, proofAt(policy, inquiry.credential, route.service), inquiry.now);
  return identified.caller;
}
