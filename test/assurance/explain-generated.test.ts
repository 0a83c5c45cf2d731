/** What `explain` proposes, over the generated policies that the live gateway is held against: each change turns the outcome round. */
import fc from "fast-check";
import t from "tap";
import { credentialOf, NOBODY } from "../../src/assurance/credential.ts";
import { flipsOf } from "../../src/assurance/explain/flip.ts";
import { type Inquiry, judge } from "../../src/assurance/inquiry.ts";
import type { Policy } from "../../src/contract/policy.ts";
import { NOW } from "../decision/policy.ts";
import { callerDraft, callerOf } from "./generated/callers.ts";
import { compiled } from "./generated/files.ts";
import { generatedPolicy } from "./generated/policies.ts";
import { requestDraft, requestOf } from "./generated/requests.ts";

const callers = fc.array(callerDraft, { minLength: 1, maxLength: 6, size: "max" });
const requests = fc.array(requestDraft, { minLength: 1, maxLength: 40, size: "max" });

const isDenied = (policy: Policy, inquiry: Inquiry): boolean => judge(policy, inquiry).decision.outcome === "deny";

t.test("every change that is proposed turns the outcome round, whatever the policy is made of", async (t) => {
  const tally = { proposed: 0, withNone: 0, refused: 0 };
  const property = fc.property(generatedPolicy, callers, requests, (generated, drafts, wanted) => {
    const policy = compiled(generated);
    const credentials = [NOBODY, ...drafts.map((draft) => credentialOf(policy, callerOf(generated, "caller", draft), NOW))];
    for (const [index, draft] of wanted.entries()) {
      const inquiry = { request: requestOf(generated, draft), credential: credentials[index % credentials.length]!, now: NOW };
      const before = isDenied(policy, inquiry);
      const flips = flipsOf(policy, inquiry);
      const wrong = flips.find((flip) => isDenied(flip.policy, flip.inquiry) === before);
      if (wrong) throw new Error(`does not turn it round: ${wrong.words} (${inquiry.request.method} ${inquiry.request.target})`);
      tally.proposed += flips.length;
      tally.refused += before ? 1 : 0;
      tally.withNone += before && flips.length === 0 ? 1 : 0;
    }
  });
  fc.assert(property, { seed: 20261128, numRuns: 100, unbiased: true });
  t.comment(tally);
  t.ok(tally.refused > 1_000 && tally.proposed > 1_000, `${tally.proposed} changes for ${tally.refused} refusals`);
});
