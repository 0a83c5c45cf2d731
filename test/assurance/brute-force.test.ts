/** `matrix` and `diff` of generated policies, beside what the decision itself says of every caller and request. */
import fc from "fast-check";
import t from "tap";
import { compareDiff } from "./brute-force/diff.ts";
import { editedPolicy } from "./brute-force/edits.ts";
import { compareMatrix } from "./brute-force/matrix.ts";
import { checkWidening } from "./brute-force/widening.ts";
import { callerDraft } from "./generated/callers.ts";
import { generatedPolicy } from "./generated/policies.ts";
import { requestDraft } from "./generated/requests.ts";

const RUNS = { seed: 20261128, numRuns: 30 };

t.test("every cell of a matrix, and every answer to who can call a line, is what the decision says", async (t) => {
  let compared = 0;
  fc.assert(
    fc.property(generatedPolicy, (policy) => void (compared += compareMatrix(policy))),
    RUNS,
  );
  t.ok(compared > 1_000, `${compared} compared`);
});

t.test("a difference tells who gains and who loses, and nobody else", async (t) => {
  let told = 0;
  fc.assert(
    fc.property(editedPolicy, (edited) => void (told += compareDiff(edited).changes)),
    RUNS,
  );
  t.ok(told > 100, `${told} changes`);
});

t.test("whatever request an edit lets through, the difference says that something widens", async (t) => {
  let gains = 0;
  const callers = fc.array(callerDraft, { minLength: 1, maxLength: 8, size: "max" });
  const requests = fc.array(requestDraft, { minLength: 1, maxLength: 60, size: "max" });
  fc.assert(
    fc.property(editedPolicy, callers, requests, (edited, drafts, wanted) => void (gains += checkWidening(edited, drafts, wanted))),
    RUNS,
  );
  t.ok(gains > 0, `${gains} gains`);
});
