/** Runs tests of a policy: no server, no network, no secret. */
import type { Decision } from "../contract/decision.ts";
import type { Policy } from "../contract/policy.ts";
import type { CallerSketch, Expectation, PolicyTest } from "../contract/policy-tests.ts";
import { type Credential, credentialOf, NOBODY } from "./credential.ts";
import { corsHeadersOf, type Inquiry, judge, statusOf, outcomeWords, toldOf, type Verdict } from "./inquiry.ts";

/** `faults` is empty where the test is green. */
export interface TestResult {
  readonly test: PolicyTest;
  readonly inquiry: Inquiry;
  readonly verdict: Verdict;
  readonly faults: readonly Fault[];
}

/** One thing that is not as expected. */
export interface Fault {
  /** What it is about: `outcome`, `status`, `x-auth-tenant`. */
  readonly about: string;
  readonly expected: string;
  readonly actual: string;
}

/** Runs all tests in their order; `now` (epoch milliseconds) holds where a test says no time. */
export function runTests(policy: Policy, tests: readonly PolicyTest[], now: number): readonly TestResult[] {
  const credentials = new Credentials(policy);
  return tests.map((test) => {
    const at = test.now ?? now;
    const inquiry = { request: test.request, credential: credentials.of(test.caller, at), now: at };
    const verdict = judge(policy, inquiry);
    return { test, inquiry, verdict, faults: faultsOf(test.expect, verdict) };
  });
}

/** Callers are shared by many tests: each credential is made once for each time. */
class Credentials {
  readonly #policy: Policy;
  readonly #made = new Map<CallerSketch, Map<number, Credential>>();

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  of(caller: CallerSketch | undefined, now: number): Credential {
    if (!caller) return NOBODY;
    const byTime = this.#made.get(caller) ?? new Map<number, Credential>();
    this.#made.set(caller, byTime);
    const made = byTime.get(now) ?? credentialOf(this.#policy, caller, now);
    byTime.set(now, made);
    return made;
  }
}

function faultsOf(expect: Expectation, verdict: Verdict): readonly Fault[] {
  const { decision } = verdict;
  const outcome = outcomeFault(expect, decision);
  // What else was expected follows from another outcome.
  if (outcome) return [outcome];
  return [...lineFaults(expect, decision), ...toldFaults(expect, verdict), ...corsFaults(expect, verdict)];
}

function outcomeFault(expect: Expectation, decision: Decision): Fault | undefined {
  const same = decision.outcome === expect.outcome && (decision.outcome !== "deny" || decision.code === expect.code);
  return same ? undefined : { about: "outcome", expected: expectedOutcome(expect), actual: outcomeWords(decision) };
}

function expectedOutcome({ outcome, code, status, rule }: Expectation): string {
  const by = rule === undefined ? "" : ` by ${rule}`;
  return outcome === "deny" ? `${status === undefined ? "" : `${status} `}${code}${by}` : `${outcome}${by}`;
}

function lineFaults({ status, rule, route }: Expectation, decision: Decision): readonly Fault[] {
  const line = decision.route;
  const actualStatus = decision.outcome === "deny" ? statusOf(decision.code, decision.service) : undefined;
  return [
    ...difference("status", status?.toString(), actualStatus?.toString()),
    ...difference("rule", rule, line?.rule),
    ...difference("route", route, line?.name),
  ];
}

function toldFaults({ tenant, path, upstream }: Expectation, verdict: Verdict): readonly Fault[] {
  const { decision } = verdict;
  const told = toldOf(verdict);
  return [
    ...difference("tenant", tenant, decision.outcome === "allow" ? decision.tenant : undefined),
    ...difference("path", path, told?.target),
    ...headerFaults(upstream, told?.headers ?? new Map()),
  ];
}

function corsFaults({ cors }: Expectation, verdict: Verdict): readonly Fault[] {
  if (cors === undefined) return [];
  const actual = corsHeadersOf(verdict);
  if (cors !== "none") return headerFaults(cors, actual);
  const present = [...actual.keys()].filter((name) => name.startsWith("access-control-"));
  return present.length === 0 ? [] : [{ about: "cors", expected: "none", actual: present.join(", ") }];
}

function headerFaults(expected: ReadonlyMap<string, string | null> | undefined, actual: ReadonlyMap<string, string>): readonly Fault[] {
  return [...(expected ?? [])].flatMap(([name, value]) => difference(name, value, actual.get(name)));
}

/** `null` is expected to be absent; undefined is not looked at. */
function difference(about: string, expected: string | null | undefined, actual: string | undefined): readonly Fault[] {
  if (expected === undefined || (expected ?? undefined) === actual) return [];
  return [{ about, expected: expected ?? "none", actual: actual ?? "none" }];
}
