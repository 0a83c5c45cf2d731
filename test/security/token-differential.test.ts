import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { explain } from "./token-differential-classes.ts";
import { createOurJudge, createTheirJudge, type OurJudge } from "./token-differential-judges.ts";
import { createKeyRing, ISS } from "./token-differential-keys.ts";
import { CLASSES, EARLY, runTokenDifferential } from "./token-differential.ts";
import { cook, type Recipe } from "./token-differential-tokens.ts";
import { NOW } from "./token-differential-values.ts";

const TOKENS = 3000;
const SEED = 20261121;
const SECONDS = NOW / 1000;

t.test("no token that AWS's verifier refuses is taken, and every difference the other way has its explanation", async (t) => {
  const { tally, failure } = await runTokenDifferential({ seed: SEED, runs: TOKENS });
  t.equal(failure, undefined);
  t.equal(tally.tokens, TOKENS);
  t.ok(tally.bothTake > TOKENS / 4, `${tally.bothTake} tokens were taken by both`);
  t.ok(tally.bothRefuse > TOKENS, `${tally.bothRefuse} verdicts were refusals by both`);
  t.ok(tally.differences.size > CLASSES.length / 2, `${tally.differences.size} classes of difference were met`);
});

const PLAIN: Recipe = { kind: "machine", signer: "first", header: [], claims: [], headerText: [], claimsText: [], form: [], now: NOW };
const set = (name: string, value: unknown) => ({ change: "set", name, text: JSON.stringify(value) }) as const;
const drop = (name: string) => ({ change: "drop", name, text: "" }) as const;

/** One token of each class. */
const EXAMPLES: Readonly<Record<string, Partial<Recipe>>> = {
  "base64 with padding": { form: [{ change: "padded", dial: 2 }] },
  "base64 with bits left over": { form: [{ change: "last character", dial: 2 }] },
  "longer than 16 KB": { claims: [set("padding", "x".repeat(13_000))] },
  "not UTF-8": { claimsText: [{ change: "no UTF-8 in a value", dial: 0 }] },
  "a JSON name twice": { claims: [{ change: "repeat escaped", name: "sub", text: '"other"' }] },
  "nested deeper than 32": { claims: [{ change: "set", name: "deep", text: "[".repeat(32) + "]".repeat(32) }] },
  "header members that change the meaning": { header: [set("crit", ["exp"])] },
  "an algorithm that the policy does not name": { signer: "ES256" },
  "a kid longer than 256": { signer: "long kid" },
  "a key below 2048 bits": { signer: "1024 bits" },
  "an exponent below 65537": { signer: "exponent 3" },
  "a key whose private half is published": { signer: "private members" },
  "a key that is not for verifying": { signer: "key_ops without verify" },
  "a kid that the set has twice": { signer: "kid twice" },
  "Cognito's other issuer name": { claims: [set("iss", ISS.replace("//cognito", "//issuer-cognito"))] },
  "no subject": { claims: [drop("sub")] },
  "no exp": { claims: [drop("exp")] },
  "no iat": { claims: [drop("iat")] },
  "a time that is no whole second": { claims: [set("iat", SECONDS - 0.5)] },
  "issued in the future": { claims: [set("iat", SECONDS + 61)] },
  "a life longer than a day, or none": { claims: [set("exp", SECONDS + 86_341)] },
  "exp is now": { claims: [set("exp", SECONDS)] },
  "groups of another type": { kind: "person", claims: [set("cognito:groups", "all")] },
  "another kind of caller": { kind: "id", claims: [drop("cognito:username")] },
  [EARLY]: { claims: [set("nbf", SECONDS + 60)] },
};

t.test("each class of difference is one: its example is judged so by both, and the plain token is taken", async (t) => {
  const ring = createKeyRing();
  const [theirs, ours] = [createTheirJudge(ring), await createOurJudge(ring)];
  t.same(Object.keys(EXAMPLES), CLASSES);
  t.ok((await ours(cook(PLAIN, ring), "access", NOW)).taken);
  for (const [name, changes] of Object.entries(EXAMPLES)) {
    const recipe = { ...PLAIN, ...changes };
    const use = recipe.kind === "id" ? "id" : "access";
    const token = cook(recipe, ring);
    const [their, our] = [theirs(token, use, NOW), await ours(token, use, NOW)];
    if (name === EARLY) {
      t.match([their, our], [{ taken: false, early: true }, { taken: true }], name);
      continue;
    }
    t.ok(their.taken, `${name}: they take it`);
    t.equal(our.taken ? "taken" : explain(token, use, NOW, ring, our.code, our.reason), name);
  }
});

t.test("the minute of grace is for `nbf` alone", async (t) => {
  const ring = createKeyRing();
  const [theirs, ours] = [createTheirJudge(ring), await createOurJudge(ring)];
  const refusedByBoth: Readonly<Record<string, Recipe["claims"]>> = {
    "nbf beyond it": [set("nbf", SECONDS + 61)],
    "expired within it": [set("exp", SECONDS - 1), set("nbf", SECONDS + 30)],
    "of another client": [set("client_id", "other"), set("nbf", SECONDS + 30)],
    "of another use": [set("token_use", "id"), set("nbf", SECONDS + 30)],
  };
  for (const [name, claims] of Object.entries(refusedByBoth)) {
    const token = cook({ ...PLAIN, claims }, ring);
    t.match([theirs(token, "access", NOW), await ours(token, "access", NOW)], [{ taken: false, early: false }, { taken: false }], name);
  }
});

const sabotaged = (ours: (judge: OurJudge) => OurJudge) => runTokenDifferential({ seed: SEED, runs: TOKENS, ours });

t.test("a gateway whose guard is off is found out, with a small example", async (t) => {
  const late = await sabotaged((ours) => (token, use) => ours(token, use, NOW - 60_000));
  t.match(late.failure, /"change":"set","name":"exp".*only we take it/, "expired tokens taken for another minute");
  const capable = await sabotaged((ours) => async (token, use, now) => {
    const verdict = await ours(token, use, now);
    return verdict.taken ? { ...verdict, claims: { ...verdict.claims, scope: "*" } } : verdict;
  });
  t.match(capable.failure, /"claims":\[\],.*read other claims/, "other claims than those that were signed");
  const strict = await sabotaged((ours) => async (token, use, now) => {
    const verdict = await ours(token, use, now);
    return verdict.taken && use === "id" ? { taken: false, code: "TOKEN_INVALID", reason: "kid unknown to the issuer" } : verdict;
  });
  t.match(
    strict.failure,
    /"kind":"id",.*"claims":\[\],.*only they take it as id token, unexplained/,
    "good tokens refused with a false reason",
  );
});

t.test("every class is explained in the docs, and nothing else is", async (t) => {
  const text = readFileSync(join(import.meta.dirname, "../../docs/token-differences.md"), "utf8");
  const rows = [...text.matchAll(/^\| \*\*(.+?)\*\* \|/gm)].map(([, name]) => name);
  t.same(rows, CLASSES);
});
