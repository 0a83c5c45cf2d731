/** Decisions taken once more: from the log or beside the gateway, what is said of another policy is what it would have said. */
import fc from "fast-check";
import t from "tap";
import { factsOf } from "../../src/assurance/replay/facts.ts";
import { outcomeOf } from "../../src/assurance/replay/outcome.ts";
import { readRecorded, type Recorded } from "../../src/assurance/replay/recorded.ts";
import { replay, Replay } from "../../src/assurance/replay/replay.ts";
import { compare } from "../../src/assurance/shadow/compare.ts";
import { differenceOf } from "../../src/assurance/replay/outcome.ts";
import type { Policy } from "../../src/contract/policy.ts";
import { createDecisionLog } from "../../src/observability/decisions.ts";
import { createLog } from "../../src/observability/log.ts";
import type { Exchange } from "../../src/pipeline/exchange.ts";
import { exchangeOf, NEVER_KEPT, SECRETS, sent, seenOf, somePolicies, truth } from "./fixtures/generated.ts";

const policies = somePolicies(60, 20261122).map((policy): Policy => {
  const { gateway } = policy;
  return { ...policy, gateway: { ...gateway, log: { level: "info", decisions: "all", facts: true } } };
});
const one = fc.record({ enforced: fc.nat({ max: policies.length - 1 }), other: fc.nat({ max: policies.length - 1 }), request: sent });

/** The line that the gateway writes about an exchange. */
function lineOf(exchange: Exchange): string {
  let text = "";
  const log = createDecisionLog(createLog("info", { write: (line) => void (text += line) }), factsOf);
  log.write(exchange, 1);
  return text.trim();
}

function recordOf(exchange: Exchange): Recorded {
  const record = readRecorded(lineOf(exchange));
  if (!record) throw new Error("the line is no decision");
  return record;
}

t.test("replayed against the very same policy nothing changes, and nothing is unknown", async (t) => {
  const outcomes = new Map<string, number>();
  for (const { enforced, request } of fc.sample(one, { numRuns: 4000, seed: 1 })) {
    const policy = policies[enforced]!;
    const exchange = exchangeOf(policy, seenOf(request));
    const sum = new Replay(policy);
    sum.add(recordOf(exchange));
    const word = exchange.outcome?.kind === "refused" ? exchange.outcome.code : String(exchange.outcome?.kind);
    outcomes.set(word, (outcomes.get(word) ?? 0) + 1);
    if (sum.same !== 1) t.fail(`${JSON.stringify(request)}: ${JSON.stringify([sum.tally.all(), sum.unknown.all(), sum.apart.all()])}`);
  }
  for (const word of [
    "forwarded",
    "preflight",
    "TOKEN_MISSING",
    "TOKEN_INVALID",
    "TOKEN_EXPIRED",
    "KEY_INVALID",
    "CREDENTIALS_AMBIGUOUS",
    "WRONG_TOKEN_TYPE",
    "INSUFFICIENT_ROLE",
    "INSUFFICIENT_SCOPE",
    "TENANT_MISMATCH",
    "ADDRESS_NOT_ALLOWED",
    "ORIGIN_NOT_ALLOWED",
    "ROUTE_NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "REQUEST_INVALID",
  ])
    t.ok((outcomes.get(word) ?? 0) > 2, `${word}: ${outcomes.get(word)}`);
});

t.test("replayed against another policy a record tells what that one would have said, or that it cannot tell", async (t) => {
  const counts = { same: 0, changed: 0, unknown: 0 };
  for (const { enforced, other, request } of fc.sample(one, { numRuns: 20_000, seed: 2 })) {
    const seen = seenOf(request);
    const replayed = replay(policies[other]!, recordOf(exchangeOf(policies[enforced]!, seen)));
    if (replayed.kind !== "decided") {
      if (replayed.kind !== "unknown") t.fail(replayed.why);
      counts.unknown += 1;
      continue;
    }
    const real = outcomeOf(truth(policies[other]!, seen).decision, seen.request);
    if (differenceOf(real, replayed.after)) {
      const said = JSON.stringify([replayed.after, real, request, enforced, other]);
      t.fail(`said, real: ${said}`);
      return;
    }
    counts[differenceOf(replayed.before, replayed.after) ? "changed" : "same"] += 1;
  }
  t.comment(counts);
  t.ok(counts.changed > 3000 && counts.same > 3000);
  t.ok(counts.unknown < 6000, "most can be told");
});

t.test("a shadow policy's verdict is the one that it would have given in the other's place, or it is not compared", async (t) => {
  const counts = new Map<string, number>();
  for (const { enforced, other, request } of fc.sample(one, { numRuns: 20_000, seed: 3 })) {
    const seen = seenOf(request);
    const exchange = exchangeOf(policies[enforced]!, seen);
    const { result, record } = compare(exchange, policies[other]!);
    counts.set(result, (counts.get(result) ?? 0) + 1);
    if (result === "unknown") continue;
    const [was, is] = [truth(policies[enforced]!, seen), truth(policies[other]!, seen)].map(({ decision }) =>
      outcomeOf(decision, seen.request),
    );
    const real = differenceOf(was!, is!);
    if ((real?.effect ?? "same") !== result || (record && record.after !== real?.after)) {
      t.fail(JSON.stringify([result, record, real, request, enforced, other]));
      return;
    }
  }
  t.comment(Object.fromEntries(counts));
  for (const result of ["same", "wider", "narrower", "other", "unknown"]) t.ok((counts.get(result) ?? 0) > 20, result);
});

t.test("no line of the log holds a credential, a cookie, a value of the query, or a name of a person", async (t) => {
  const secrets = [
    "SIGNATURE",
    "SECRETOFAKEY",
    "SECRETOFNOBODY",
    "DIGESTOFAKEY",
    "QUERYSECRET",
    "COOKIESECRET",
    ...Object.values(SECRETS),
    ...NEVER_KEPT,
  ];
  const found = new Set<string>();
  for (const { enforced, request } of fc.sample(one, { numRuns: 4000, seed: 4 })) {
    const line = lineOf(exchangeOf(policies[enforced]!, seenOf(request)));
    for (const secret of secrets)
      if (line.replaceAll(/(?:KEY|TOKEN|SIGNATURE)_INVALID/g, "").includes(secret)) found.add(`${secret}: ${line}`);
  }
  t.same([...found], []);
});
