/** What a decision comes to for whoever asks, and how two of them differ. */
import type { Decision, RequestFacts } from "../../contract/decision.ts";
import type { Effect } from "../../contract/recorded.ts";
import { corsHeaders } from "../../decision/cors.ts";

export interface Outcome {
  /** `allow`, `preflight` or the code of the refusal. */
  readonly verdict: string;
  /** Of an allowed request: where it goes, and the tenant that the service is told. */
  readonly service?: string;
  readonly tenant?: string;
  /** Of a page's request: whether the page may read the answer. */
  readonly readable?: boolean;
}

/** What this decision comes to for this request. */
export function outcomeOf(decision: Decision, request: RequestFacts): Outcome {
  const { origin } = request;
  const service = decision.outcome === "deny" ? decision.service : decision.route.service;
  const readable = origin === undefined ? {} : { readable: corsHeaders(service, origin)?.["access-control-allow-origin"] !== undefined };
  if (decision.outcome !== "allow") return { verdict: decision.outcome === "deny" ? decision.code : "preflight", ...readable };
  const { tenant } = decision;
  return { verdict: "allow", service: decision.route.service.name, ...(tenant !== undefined && { tenant }), ...readable };
}

export interface Difference {
  readonly effect: Effect;
  /** In a few words, without what is of one request alone. */
  readonly before: string;
  readonly after: string;
}

/** Undefined: nobody would notice. */
export function differenceOf(before: Outcome, after: Outcome): Difference | undefined {
  const [passed, passes] = [isPass(before), isPass(after)];
  if (passed !== passes) return { effect: passes ? "wider" : "narrower", before: before.verdict, after: after.verdict };
  if (before.verdict !== after.verdict) return { effect: "other", before: before.verdict, after: after.verdict };
  const same = (is: string, effect: Effect, was: string = before.verdict): Difference => ({ effect, before: was, after: is });
  const { verdict } = after;
  if (before.service !== after.service) return same(`${verdict} at ${after.service}`, "other", `${verdict} at ${before.service}`);
  if (before.tenant !== after.tenant) return same(`${verdict}, telling ${tenantWords(before, after)}`, "other");
  if (before.readable === after.readable || before.readable === undefined || after.readable === undefined) return undefined;
  return after.readable
    ? same(`${verdict}, the page may read it`, "wider", `${verdict}, the page may not read it`)
    : same(`${verdict}, the page may not read it`, "narrower", `${verdict}, the page may read it`);
}

function isPass({ verdict }: Outcome): boolean {
  return verdict === "allow" || verdict === "preflight";
}

function tenantWords(before: Outcome, after: Outcome): string {
  if (after.tenant === undefined) return "no tenant";
  return before.tenant === undefined ? "a tenant" : "another tenant";
}
