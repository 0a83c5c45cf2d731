/** Findings as `sallyport check` gives them out: levels and exit codes, acceptances, forms for machines. */
import { join } from "node:path";
import fc from "fast-check";
import t, { type Test } from "tap";
import { permissions } from "../../src/assurance/lint/rules/permissions.ts";
import { LINT, LINT_CODES } from "../../src/contract/lint-codes.ts";
import type { PolicyFile } from "../../src/contract/policy-files.ts";
import type { Policy } from "../../src/contract/policy.ts";
import { decide } from "../../src/decision/decide.ts";
import { answerOf, type Answer } from "../cli/run-command.ts";
import { NOW } from "../decision/policy.ts";
import { ROUTES, SHOP, writeFiles } from "../policy/fixtures.ts";
import { largeService } from "./fixtures/large-policy.ts";
import { everyCaller, proofOfCaller, requestFor } from "./fixtures/small-callers.ts";
import { smallPolicy, type SmallService, smallService } from "./fixtures/small-policies.ts";

/** A service with information (`clients: any`, no brake) alone. */
const QUIET = `${SHOP}${ROUTES}`;
/** With a warning more. */
const WARNED = `${SHOP.replace("http://shop:8080", "http://shop.example.com")}${ROUTES}`;
/** With an error more. */
const WRONG = `${SHOP}${ROUTES}  POST /orders: orders.write\n`;

function check(t: Test, service: string, ...options: string[]): Promise<Answer> {
  return answerOf(["check", "--config", join(writeFiles(t, { "services/shop.yaml": service }), "sallyport.yaml"), ...options]);
}

t.test("the answer is no from the level that --fail-on says, by default for errors", async (t) => {
  const levels = ["never", "error", "warning", "information"];
  const codes = async (service: string) =>
    Promise.all([check(t, service), ...levels.map((level) => check(t, service, "--fail-on", level))]).then((all) =>
      all.map(({ code }) => code),
    );
  t.same(await codes(QUIET), [0, 0, 0, 0, 1]);
  t.same(await codes(WARNED), [0, 0, 0, 1, 1]);
  t.same(await codes(WRONG), [1, 0, 1, 1, 1]);
  const accepted = `${WARNED}accept: [{ code: L303, at: upstream.url, reason: the way is private }]\n`;
  t.same(await codes(accepted), [0, 0, 0, 0, 1], "what is accepted does not count");
});

t.test("a level, a form or a code that there is not is wrong use", async (t) => {
  for (const options of [
    ["--fail-on", "info"],
    ["--format", "xml"],
    ["--format", "github", "--json"],
    ["--why", "L999"],
  ]) {
    const { code, err } = await check(t, QUIET, ...options);
    t.equal(code, 2, options.join(" "));
    t.match(err, /^sallyport check: [^]*\nusage: sallyport check/);
    t.same(
      err.split("\n").filter((line) => line.length > 80),
      [],
      "within 80 columns",
    );
  }
});

t.test("--why is for machines as well", async (t) => {
  const { level, title } = LINT.L104;
  for (const form of [["--json"], ["--format", "json"]]) {
    const { code, out } = await answerOf(["check", "--why", "l104", ...form]);
    t.equal(code, 0);
    t.match(JSON.parse(out), { code: "L104", level, title, why: String, instead: String, docs: "docs/lint/codes.md#l104" });
  }
});

t.test("--why explains every code within 80 columns, and reads no policy", async (t) => {
  for (const code of LINT_CODES) {
    const answer = await answerOf(["check", "--config", "nowhere.yaml", "--why", code.toLowerCase()]);
    t.equal(answer.code, 0);
    t.ok(answer.out.startsWith(`${code} (${LINT[code].level}): `), code);
    t.same(
      answer.out.split("\n").filter((line) => line.length > 80),
      [],
    );
  }
});

t.test("--json has every finding with its place, its name and its page, and what is accepted with the reason", async (t) => {
  const service = `${WARNED}accept: [{ code: L303, at: upstream.url, reason: the way is private }]\n`;
  const { out } = await check(t, service, "--json");
  const { valid, findings, accepted } = JSON.parse(out) as { valid: boolean; findings: readonly object[]; accepted: readonly object[] };
  t.equal(valid, true);
  t.match(findings[0], { code: "L504", level: "information", at: "authenticators", line: 4, column: 1, docs: "docs/lint/codes.md#l504" });
  t.match(findings[1], { code: "L301", at: "authenticators.people.jwt.clients", line: 6, column: 53, message: /every client/ });
  t.equal(findings.length, 2);
  t.match(accepted, [{ code: "L303", at: "upstream.url", line: 3, reason: "the way is private" }]);
});

t.test("--json says where each variable stands that is not set, once for each", async (t) => {
  const service = `${SHOP.replace("http://shop:8080", "${SHOP_URL}").replace("any", '["${WEB?}", "${APP}"]')}cors: { origins: ["\${APP}"] }\n${ROUTES}`;
  const { unset } = JSON.parse((await check(t, service, "--json")).out) as { unset: readonly object[] };
  t.match(unset, [
    { name: "SHOP_URL", line: 3, column: 19, optional: false },
    { name: "WEB", line: 6, column: 55, optional: true },
    { name: "APP", line: 6, column: 66, optional: false },
  ]);
  t.equal(unset.length, 3);
});

t.test("--format github writes an annotation for each finding and each mistake, escaped", async (t) => {
  const { out } = await check(t, WARNED, "--format", "github");
  const lines = out.trimEnd().split("\n");
  t.equal(lines.length, 3, "one line each");
  t.match(lines[0], /^::warning file=\S+services\/shop\.yaml,line=3,col=18,title=L303%3A upstreams over http[^:]*::requests go to .*%0A→ /);
  t.match(lines[1], /^::notice file=/);
  const bad = await check(t, `${SHOP}routes:\n  GET /orders: { acess: x }\n`, "--format", "github");
  t.equal(bad.code, 1);
  t.match(bad.out, /^::error file=\S+services\/shop\.yaml,line=9,col=18,title=the policy does not load::unknown key `acess`%0A→ /);
});

t.test("of one code five are shown in full, and how many more there are; --all shows all", async (t) => {
  const service = `${SHOP}routes:\n${Array.from({ length: 8 }, (_, index) => `  GET /${index}: odd.${index}\n`).join("")}`;
  const shown = (text: string) => text.match(/: error L101 /g)?.length;
  const { out } = await check(t, service);
  t.equal(shown(out), 5);
  t.match(out, /Not shown without --all:\n {2}3 more of L101\n/);
  t.equal(shown((await check(t, service, "--all")).out), 8);
});

t.test("no control character of the file reaches the terminal", async (t) => {
  const service = `${SHOP}routes:\n  "GET /a\\u202eb": public\n  GET /orders: orders.read\naccept:\n  - { code: L301, at: "x\\u009b31m", reason: "y\\u202e" }\n`;
  const { out } = await check(t, service, "--all");
  t.match(out, "L001");
  t.notMatch(out, /[\u009b\u202e]/);
});

t.test("a reference in an acceptance's place keeps the acceptance, whatever the variable holds", async (t) => {
  const service = `${SHOP.replace("http://shop:8080", "${SHOP_URL}")}${ROUTES}accept: [{ code: L303, at: upstream.url, reason: the way is private }]\n`;
  const config = join(writeFiles(t, { "services/shop.yaml": service }), "sallyport.yaml");
  const found = async (SHOP_URL?: string) => {
    const { out } = await answerOf(["check", "--json", "--config", config], {
      environment: { ...(SHOP_URL !== undefined && { SHOP_URL }) },
    });
    return (JSON.parse(out) as { findings: readonly { code: string }[] }).findings.map(({ code }) => code);
  };
  for (const url of [undefined, "https://shop.example.com", "http://shop.example.com"])
    t.same(await found(url), ["L504", "L301"], String(url));
});

t.test("in a large table each thing is found where it stands, and nowhere else", async (t) => {
  const { out } = await check(t, largeService(2000), "--json");
  const { findings } = JSON.parse(out) as { findings: readonly { code: string; at: string }[] };
  const places = Map.groupBy(findings, ({ code }) => code);
  const areas = Array.from({ length: 20 }, (_, index) => `/area${index}/`);
  t.same(
    places.get("L109")?.map(({ at }) => at),
    areas.map((area) => `GET ${area}health`),
  );
  t.same(
    places.get("L401")?.map(({ at }) => at),
    areas.map((area) => `GET ${area}tenants/{tenant_id}`),
  );
  t.same(
    places.get("L105")?.map(({ at }) => at),
    areas.map((area) => `GET ${area}files/{name} encodedSlash`),
  );
  t.same(
    places.get("L501")?.map(({ at }) => at),
    areas.slice(10).map((area) => `GET ${area}heavy/{id} limits.heavy`),
    "those that let more through than the service's thousand",
  );
});

/* ── the decision says the same ───────────────────────────────────────── */

t.test("a route is found that nobody can call exactly where the decision lets no caller's permissions pass", async (t) => {
  let found = 0;
  let compared = 0;
  fc.assert(
    fc.property(smallService, (service) => {
      const policy = smallPolicy(service);
      const closed = closedRoutes(policy);
      for (const [name, rule] of Object.entries(service.routes)) {
        if (typeof rule.access === "string" && !rule.access.includes(".")) continue;
        const passes = isEverEntitled(policy, service, name);
        if (passes === undefined) continue;
        compared++;
        if (!passes) found++;
        if (passes === closed.has(name)) throw new Error(`${name}: ${passes ? "somebody" : "nobody"} passes`);
      }
    }),
    { numRuns: 200 },
  );
  t.ok(found > 20 && compared > found, `${found} of ${compared} routes are closed`);
});

function closedRoutes(policy: Policy): ReadonlySet<string> {
  const service = policy.services[0]!;
  const file = {} as PolicyFile;
  const files = { gateway: file, ofService: () => file };
  const seen = permissions({ policy, files, now: NOW, nearest: () => undefined, mounts: [], service, file });
  return new Set(seen.filter(({ code }) => code === "L101").map(({ path }) => String(path[1])));
}

/** Undefined: no request meets the line. */
function isEverEntitled(policy: Policy, service: SmallService, name: string): boolean | undefined {
  let isMet: true | undefined;
  for (const caller of everyCaller([service])) {
    const authenticator = service.authenticators[caller.by]!;
    for (const naming of ["own", "none"] as const) {
      const request = requestFor(service, name, naming === "own" ? "t1" : undefined);
      const decision = request && decide(policy, { request, proof: proofOfCaller(authenticator, caller, naming), now: NOW });
      if (decision?.route?.name !== name) continue;
      isMet = true;
      // the tenant is looked at after the permission
      if (decision.outcome === "allow" || (decision.outcome === "deny" && decision.code === "TENANT_MISMATCH")) return true;
    }
  }
  return isMet && false;
}
