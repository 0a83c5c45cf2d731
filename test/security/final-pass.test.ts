/** The pass over all that the gateways said, at the end of `npm test` and of `npm run test:security`: it must be able to find something. */
import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { credentialParts } from "./credential-parts.ts";
import { finalPass, type Verdict } from "./final-pass.ts";
import type { Witnessed } from "./log-sink.ts";
import { secretsIn } from "./secret-search.ts";

const random = (): string => randomBytes(24).toString("base64url");

t.test("L1 the final pass finds a secret wherever it stands, and no other", async (t) => {
  const secrets = Array.from({ length: 5_000 }, random);
  const [first, middle, last] = [secrets[0]!, secrets[2_500]!, secrets[4_999]!];
  const text = `${first}{"path":"/a/x${middle}"}\n${random()}${secrets[7]!.slice(0, -1)}\n"${last}`;
  t.same(new Set(secretsIn(Buffer.from(text), secrets)), new Set([first, middle, last]));
  t.same(secretsIn(Buffer.from(random().repeat(100)), secrets), []);
  t.same(secretsIn(Buffer.alloc(0), secrets), []);
});

t.test("L1 the final pass knows what of a request is secret", async (t) => {
  const [one, two, three] = [random(), random(), random()];
  const jwt = `${one}.${two}.${three}`;
  t.same(credentialParts("Authorization", `Bearer ${jwt}`), [jwt, three]);
  t.same(credentialParts("authorization", `AWS4-HMAC-SHA256 Credential=${one}/x, SignedHeaders=host, Signature=${two}`), [two]);
  t.same(credentialParts("X-Api-Key", `sfk_prod_ID_${one.replaceAll("_", "-")}`), [
    `sfk_prod_ID_${one.replaceAll("_", "-")}`,
    one.replaceAll("_", "-"),
  ]);
  t.same(credentialParts("Cookie", `a=${one}; b=${two}; c=short`), [one, two]);
  t.same(credentialParts(":path", `/a?page=${one}&access_token=${two}&X-Amz-Signature=${three}`), [two, three]);
  t.same(credentialParts("X-Request-Id", one), []);
});

interface Left extends Partial<Witnessed> {
  readonly log?: string;
  readonly refusals?: string;
  readonly metrics?: string;
}

const MARK = "635103a4643e-13sr";
const SERVING = `{"msg":"serving"}\n{"decision":"${MARK}"}\n`;
const QUIET: Left = { gateways: 1, secrets: [random()], log: SERVING, refusals: "{}", metrics: "up 1" };

/** The verdict on a run that left this, a process each; `undefined` for the secrets of one that was killed. */
function verdictOn(t: Test, processes: readonly Left[], gatewayFiles = 1): Verdict {
  const files = processes.flatMap(({ gateways = 0, secrets, log, refusals, metrics }, pid) => [
    [`${pid}.log`, log],
    [`${pid}.refusals`, refusals],
    [`${pid}.metrics`, metrics],
    [`${pid}.json`, secrets && JSON.stringify({ test: `/test/${pid}.test.ts`, gateways, secrets })],
  ]);
  return finalPass(t.testdir(Object.fromEntries(files.filter(([, text]) => text !== undefined)) as Record<string, string>), {
    gatewayFiles,
  });
}

t.test("L1 the final pass fails on a secret of any test in whatever a gateway of any other said, and does not repeat it", async (t) => {
  t.equal(verdictOn(t, [QUIET]).holds, true);
  const secret = random();
  for (const kind of ["log", "refusals", "metrics"] as const) {
    const { holds, words } = verdictOn(t, [QUIET, { secrets: [secret] }, { ...QUIET, [kind]: `${SERVING}"${secret}"` }]);
    t.equal(holds, false, kind);
    t.ok(words.includes(`${secret.slice(0, 8)}… (${secret.length} characters) in the ${kind} of 2.test.ts`), kind);
    t.notOk(words.join().includes(secret), kind);
  }
});

t.test("L1 the final pass fails where there is nothing to find anything in", async (t) => {
  const nothings: Record<string, readonly Left[]> = {
    "no process": [],
    "no gateway": [{ secrets: [random()] }],
    "no log of a gateway": [QUIET, without("log")],
    "no refusals": [without("refusals")],
    "no metrics": [without("metrics")],
    "no secrets": [{ ...QUIET, secrets: [] }],
    "a process that told nothing of its secrets": [QUIET, { log: SERVING }],
  };
  for (const [what, processes] of Object.entries(nothings)) t.equal(verdictOn(t, processes).holds, false, what);
  t.equal(verdictOn(t, [QUIET], 2).holds, false, "fewer test files than there are");
  t.equal(verdictOn(t, [], 0).holds, true, "but where only some tests were asked for");
});

/** What a gateway left, less one part of it. */
function without(part: keyof Left): Left {
  const { [part]: _, ...rest } = QUIET;
  return rest;
}
