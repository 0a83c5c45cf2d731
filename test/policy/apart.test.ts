/** A policy that a thread reads and this one compiles in slices is the very policy that is loaded here in one go. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { atOnce, inSlices, type Steps } from "../../src/contract/steps.ts";
import type { Policy } from "../../src/contract/policy.ts";
import { loadApart } from "../../src/loading/apart.ts";
import { loadHere } from "../../src/loading/here.ts";
import type { Job } from "../../src/loading/pieces.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import { loadProved } from "../../src/proved.ts";
import { largeService } from "../assurance/fixtures/large-policy.ts";
import { GATEWAY, policyOf, ROUTES, SHOP, writeFiles } from "./fixtures.ts";

const CONFIG = join(import.meta.dirname, "../../config/sallyport.yaml");
const GOLDEN = join(import.meta.dirname, "golden");
const NOW = Date.UTC(2026, 10, 1);

/** All that a policy holds, with a name for each thing that was met before: two of one text are the same. */
function textOf(policy: Policy): string {
  const met = new Map<unknown, number>();
  return JSON.stringify(policy, function (this: Record<string, unknown>, key) {
    const value = this[key];
    if (typeof value === "function") return value.name;
    if (typeof value !== "object" || value === null) return value;
    const before = met.get(value);
    if (before !== undefined) return `#${before}`;
    met.set(value, met.size);
    if (value instanceof Map) return { map: [...value] };
    if (value instanceof Set) return { set: [...value] };
    return value instanceof Uint8Array ? { bytes: Buffer.from(value).toString("hex") } : { ...value };
  });
}

async function sameBothWays(job: Job): Promise<readonly [string, string]> {
  return [textOf(policyOf(await loadHere(job))), textOf(policyOf(await loadApart(job)))];
}

t.test("the shipped policy, and a large one beside another service", async (t) => {
  const services = {
    "services/large.yaml": largeService(2_500),
    "services/shop.yaml": SHOP.replace("shop\n", "shop\nprefix: /shop\n") + ROUTES,
  };
  const large = join(writeFiles(t, services), "sallyport.yaml");
  for (const configPath of [CONFIG, large]) {
    const [here, apart] = await sameBothWays({ options: { configPath, environment: {}, offline: true } });
    t.ok(here.length > 10_000, "it holds something");
    t.ok(here === apart, configPath);
  }
});

t.test("what is wrong with a policy is said in the same words, and the same files are watched", async (t) => {
  const folders = readdirSync(GOLDEN).filter((name) => /^(?:01|05|15|20|53|64)-/.test(name));
  t.equal(folders.length, 6);
  for (const folder of folders) {
    const options = { configPath: join(GOLDEN, folder, "sallyport.yaml"), environment: {} };
    const [here, apart] = [loadPolicy(options), await loadApart({ options })];
    t.equal(here.kind, "invalid", folder);
    t.same(apart, here, folder);
  }
});

t.test("the policy's own tests count there too", async (t) => {
  const gateway = GATEWAY.replace("services:", "tests: required\nservices:");
  const test = (expect: string) =>
    `version: 1\ncallers: { nobody: none }\ntests:\n  - { name: one, request: GET /open, as: nobody, expect: ${expect} }\n`;
  for (const expect of ["allow", "deny"]) {
    const files = {
      "sallyport.yaml": gateway,
      "services/shop.yaml": `${SHOP}routes: { GET /open: public }\n`,
      "tests/shop.yaml": test(expect),
    };
    const options = { configPath: join(writeFiles(t, files), "sallyport.yaml"), environment: {} };
    const [here, apart] = [loadProved(options, NOW), await loadApart({ options, provenAt: NOW })];
    t.equal(apart.kind, here.kind, expect);
    t.same(apart.files, here.files);
    if (apart.kind === "invalid" && here.kind === "invalid") t.same(apart.diagnostics, here.diagnostics);
    t.equal((await loadApart({ options })).kind, "policy", "unless nobody asks for them");
  }
});

t.test("a thread that breaks off is a fault, with its reason", async (t) => {
  const options = { configPath: 7 as unknown as string, environment: {} };
  await t.rejects(loadApart({ options }), { message: /path/ });
  t.equal(
    (await loadApart({ options: { configPath: CONFIG, environment: {}, offline: true } })).kind,
    "policy",
    "and the next one does its work",
  );
});

t.test("long work in slices lets others in between, and comes to the same", async (t) => {
  function* work(): Steps<number> {
    let sum = 0;
    for (let step = 0; step < 20; step++) {
      const end = performance.now() + 2;
      while (performance.now() < end) sum += 0;
      sum += step;
      yield;
    }
    return sum;
  }
  let turns = 0;
  const count = setInterval(() => (turns += 1), 0);
  t.equal(await inSlices(work()), atOnce(work()));
  clearInterval(count);
  t.ok(turns > 1, `${turns} turns of others`);
});
