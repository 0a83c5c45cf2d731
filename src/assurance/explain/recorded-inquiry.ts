/** A recorded decision → the same request and caller, to be put to a policy once more; and what of them is not known. */
import type { Policy } from "../../contract/policy.ts";
import type { RecordedFacts } from "../../contract/recorded.ts";
import { decideAnew } from "../replay/decide-anew.ts";
import { evidenceOf, recordedProofOf } from "../replay/evidence-of-record.ts";
import type { Recorded } from "../replay/recorded.ts";
import { type Inquiry, judge } from "../inquiry.ts";

/** `words` says who asked. Undefined `inquiry`: there is nothing to put to a policy. */
export interface RecordedInquiry {
  readonly inquiry?: Inquiry;
  readonly words: string;
  readonly notes: readonly string[];
}

export function inquiryOfRecord(policy: Policy, record: Recorded): RecordedInquiry {
  const { facts } = record;
  if (!facts) return without(record, "It was recorded without facts: the gateway records them where its file says log: { facts: true }.");
  if ("none" in facts) return without(record, WITHOUT[facts.none]);
  const proof = recordedProofOf(record, facts) ?? ({ kind: "none" } as const);
  const inquiry: Inquiry = {
    request: {
      method: record.method,
      target: facts.target,
      headers: headersOf(facts),
      address: record.address,
      websocket: facts.websocket === true,
    },
    credential: { service: record.service ?? "", proof },
    now: record.at,
  };
  return { inquiry, words: callerWords(record, facts), notes: notesOf(policy, record, facts, inquiry) };
}

const WITHOUT = {
  edge: "It was refused before any rule of a policy was asked: what was wrong with it is the reason.",
  size: "Path, query or token are too long for their facts to be recorded.",
} as const;

function without(record: Recorded, note: string): RecordedInquiry {
  return { words: callerWords(record, undefined), notes: [note] };
}

function callerWords({ caller }: Recorded, facts: RecordedFacts | undefined): string {
  if (caller) return `a caller of \`${caller.authenticator}\``;
  if (facts && !facts.proof) return "somebody whose credential was not looked at";
  return facts?.proof?.kind === "none" ? "nobody" : "somebody who was not proved";
}

function headersOf({ host, origin, preflightMethod, headers = {} }: RecordedFacts): ReadonlyMap<string, readonly string[]> {
  const named = Object.entries(headers).filter(([, values]) => values.length > 0);
  return new Map<string, readonly string[]>([
    ["host", [host]],
    ...(origin === undefined ? [] : [["origin", [origin]] as const]),
    ...(preflightMethod === undefined ? [] : [["access-control-request-method", [preflightMethod]] as const]),
    ...named,
  ]);
}

function notesOf(policy: Policy, record: Recorded, facts: RecordedFacts, inquiry: Inquiry): readonly string[] {
  const { decision } = judge(policy, inquiry);
  const now = decision.outcome === "deny" ? decision.code : decision.outcome;
  const evidence = evidenceOf(record, facts);
  const anew = evidence && decideAnew(policy, evidence);
  return [
    ...(record.policy === policy.revision
      ? []
      : [`It was decided by the policy ${record.policy}; the steps are those of ${policy.revision}.`]),
    ...(facts.verdict === undefined ? [withoutVerdict(record)] : []),
    ...laterRefusal(record, facts),
    ...(facts.verdict !== undefined && facts.verdict !== now ? [`The rules then said ${facts.verdict}; here they say ${now}.`] : []),
    ...(anew?.kind === "unknown" ? [`That is not certain: ${anew.why}.`] : []),
    ...(facts.target.includes("?") ? ["Of the query only names are recorded, and the values that name a tenant."] : []),
    ...(facts.proof?.kind === "jwt" && facts.proof.others.length > 0
      ? [`Claims that are not recorded: ${facts.proof.others.join(", ")}.`]
      : []),
    ...(facts.proof ? [] : ["The credential was not looked at: the steps take it that there was none."]),
  ];
}

function withoutVerdict({ code, reason }: Recorded): string {
  if (code === "RATE_LIMITED") return `It was counted, and refused: ${reason ?? "a limit"}. The steps say what the rules would have.`;
  return `No rule decided it: ${code ?? "the client left"}. The steps say what the rules would have.`;
}

/** Behind the rules only the forward stage refuses: a body, or whatever kept a service from answering. */
function laterRefusal(record: Recorded, { verdict }: RecordedFacts): readonly string[] {
  if (record.outcome !== "deny" || verdict !== "allow") return [];
  return [
    `The rules allowed it, and the forward stage then refused it: ${recordedRefusal(record)}. The steps do not show that: ` +
      "what was said of a body, and what the service did, is not recorded.",
  ];
}

/** Status and code. */
export function recordedRefusal({ status, code }: Recorded): string {
  return `${status ?? ""} ${code ?? ""}`.trim();
}
