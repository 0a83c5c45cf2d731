/** `sallyport test` and the live gateway decide alike: generated requests under generated policies, over a socket. */
import t from "tap";
import { runEquivalence } from "./equivalence/equivalence.ts";

t.test("a live gateway answers generated requests with the status and code that `sallyport test` expects", async (t) => {
  const { requests, outcomes, failure } = await runEquivalence({ seed: 20261128, requests: 2_000 });
  t.equal(failure, undefined);
  t.ok(requests >= 2_000, `${requests} requests`);
  for (const outcome of ["allow", "preflight", "TOKEN_MISSING", "TENANT_MISMATCH", "ROUTE_NOT_FOUND"]) t.ok(outcomes.has(outcome), outcome);
});
