/** The difference of two policies against `decide` under both: everything that changes, and nothing else. */
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import type { AccessChange } from "../../src/assurance/diff/access.ts";
import { differenceOf, type RouteDifference, widens } from "../../src/assurance/diff/diff.ts";
import { OTHER_ROLE } from "../../src/assurance/classes/caller.ts";
import type { Policy, Route } from "../../src/contract/policy.ts";
import { differenceText } from "../../src/assurance/diff/diff-text.ts";
import { decide } from "../../src/decision/decide.ts";
import { match } from "../../src/decision/match.ts";
import { NOW, policyOf, requestOf } from "../decision/policy.ts";
import { answerOf, type Answer } from "../cli/run-command.ts";
import {
  canBeWithout,
  everyCaller,
  type Naming,
  ownTenant,
  proofOfCaller,
  requestFor,
  type SmallCaller,
} from "./fixtures/small-callers.ts";
import { repaired, type SmallService, smallPolicy, smallService } from "./fixtures/small-policies.ts";

const NAMINGS: readonly Naming[] = ["own", "other", "none", "noneOfSeveral"];
const TARGETS = [
  ...["one", "two", "open", "shut"].map((path) => `GET /${path}`),
  ...["some", "word"].flatMap((first) => ["three", "anchor", "word", "a/b"].map((second) => `GET /of/${first}/${second}`)),
  "PUT /word",
];

/** A service and what became of it: some parts of another one. */
const edited = fc.tuple(smallService, smallService, fc.infiniteStream(fc.integer({ min: 0, max: 3 }))).map(([old, other, dice]) => {
  const roll = (): boolean => dice.next().value === 0;
  const mixed = <T>(left: Readonly<Record<string, T>>, right: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((name): [string, T][] => {
        const value = roll() ? right[name] : left[name];
        return value === undefined ? [] : [[name, value]];
      }),
    );
  const current = repaired({
    roles: mixed(old.roles, other.roles),
    authenticators: { token: old.authenticators["token"]!, ...mixed(old.authenticators, other.authenticators) },
    tenant: roll() ? other.tenant : old.tenant,
    routes: mixed(old.routes, other.routes),
  });
  return [old, current] as const;
});

t.test("for every caller, request and way to name a tenant, it tells who gains and who loses exactly as both decisions do", async (t) => {
  let compared = 0;
  let gains = 0;
  fc.assert(
    fc.property(edited, (services) => {
      const policies = services.map(smallPolicy) as [Policy, Policy];
      const { routes } = differenceOf(...policies, NOW);
      const pairs = pairsMet(policies);
      for (const { before, after } of routes) {
        if (!pairs.some(([was, is]) => was === before && is === after))
          throw new Error(`no request meets ${before?.name} and then ${after?.name}`);
      }
      for (const pair of pairs) {
        const found = routes.find(({ before, after }) => before === pair[0] && after === pair[1]);
        for (const caller of everyCaller(services)) {
          for (const naming of NAMINGS) {
            const expected = changeByDecisions(policies, services, pair, caller, naming);
            if (expected === undefined) continue;
            compared++;
            if (expected === "gained") gains++;
            const told = changeTold(found, caller, naming, expected);
            if (told !== expected)
              throw new Error(
                `${pair[0]?.name} → ${pair[1]?.name}, ${naming}, ${JSON.stringify(caller)}: ${expected}, and ${told} is told`,
              );
          }
        }
      }
    }),
    { numRuns: 60 },
  );
  t.ok(compared > 10_000, `${compared} compared`);
  t.ok(gains > 500, `${gains} gains among them`);
});

type Pair = readonly [Route | undefined, Route | undefined];

function pairsMet(policies: readonly [Policy, Policy]): readonly Pair[] {
  const met: Pair[] = [];
  for (const target of TARGETS) {
    const [method = "", path = ""] = target.split(" ");
    const [before, after] = policies.map((policy) => {
      const found = match(policy, requestOf({ method, target: path }));
      return found.kind === "route" ? found.route : undefined;
    });
    if ((before || after) && !met.some(([was, is]) => was === before && is === after)) met.push([before, after]);
  }
  return met;
}

function changeByDecisions(
  policies: readonly [Policy, Policy],
  services: readonly [SmallService, SmallService],
  pair: Pair,
  caller: SmallCaller,
  naming: Naming,
): string | undefined {
  if (isSenseless(services, pair, naming)) return undefined;
  const [was, is] = [0, 1].map((side) => allowed(policies[side]!, services[side]!, pair[side], caller, naming));
  if (was === undefined || is === undefined) return undefined;
  return was === is ? "nothing" : is ? "gained" : "lost";
}

/** Where neither route can name a tenant, or one must, there is no such request on both sides. */
function isSenseless(services: readonly SmallService[], pair: Pair, naming: Naming): boolean {
  const there = pair.flatMap((route, side) =>
    route ? [{ service: services[side]!, name: route.name, isOpen: route.access.kind === "public" || route.access.kind === "denied" }] : [],
  );
  const wantsName = naming === "own" || naming === "other";
  if (wantsName) return there.every(({ service, name, isOpen }) => isOpen || !requestFor(service, name, "word"));
  return there.some(({ service, name, isOpen }) => !isOpen && !requestFor(service, name, undefined));
}

function allowed(
  policy: Policy,
  service: SmallService,
  route: Route | undefined,
  caller: SmallCaller,
  naming: Naming,
): boolean | undefined {
  const authenticator = service.authenticators[caller.by];
  if (!route) return false;
  if (route.access.kind === "public") return true;
  if (!authenticator) return false;
  if (naming === "noneOfSeveral" && !canBeWithout(authenticator, caller)) return undefined;
  const tenant = naming === "own" ? (ownTenant(authenticator, caller)?.tenant ?? "mine") : naming === "other" ? "another" : undefined;
  const request = requestFor(service, route.name, tenant) ?? requestFor(service, route.name, undefined);
  const decision = decide(policy, { request: request!, proof: proofOfCaller(authenticator, caller, naming), now: NOW });
  return decision.outcome === "allow";
}

/** What is told of nobody is told of everybody who was, or is, not let in otherwise. */
function changeTold(difference: RouteDifference | undefined, caller: SmallCaller, naming: Naming, expected: string): string {
  if (!difference) return "nothing";
  const isOfNobody = (changes: readonly AccessChange[]) => changes.some(({ stance }) => stance.kind === "nobody");
  if (isOfNobody(difference.gained) !== (difference.after?.access.kind === "public" && difference.before?.access.kind !== "public"))
    return "nobody gains";
  if (isOfNobody(difference.gained)) return expected === "lost" ? "gained" : expected;
  if (difference.gained.some((change) => concerns(change, caller, naming))) return "gained";
  if (difference.lost.some((change) => concerns(change, caller, naming))) return "lost";
  return isOfNobody(difference.lost) && difference.lost.length === 1 && expected === "lost" ? "lost" : "nothing";
}

function concerns({ stance, roles, relations, opening, otherwise }: AccessChange, caller: SmallCaller, naming: Naming): boolean {
  const role = caller.role === "stranger" ? OTHER_ROLE : caller.role;
  const isKind = stance.kind === caller.kind || (!stance.tellsKind && (caller.kind === "machine" || caller.kind === "person"));
  if (stance.authenticator !== caller.by || !isKind || stance.secret !== caller.secret || (roles && !roles.includes(role!))) return false;
  const isHeld = (one: AccessChange["opening"]) => one.every((alternatives) => alternatives.some(({ name }) => caller.held.includes(name)));
  return relations.includes(naming) && isHeld(opening) && !otherwise.some(isHeld);
}

/* ── single differences ───────────────────────────────────────────────── */

const AUTHENTICATORS = `upstream: { url: "http://shop" }
authenticators:
  bots:
    jwt: { issuer: https://issuer.example, caller: machine, clients: [c1] }
    scopes: { a: [a.x], b: [b.x] }
`;

/** What is told of two services, as a terminal shows it. */
function told(before: string, after: string): string {
  return differenceText(difference(before, after), { columns: 200, colour: false });
}

function difference(before: string, after: string) {
  return differenceOf(policyOf({ shop: before }), policyOf({ shop: after }), NOW);
}

const shop = (rest: string): string => AUTHENTICATORS + rest;
const table = (...lines: readonly string[]): string => shop(`routes: { ${lines.join(", ")} }\n`);

t.test("what is written otherwise and means the same makes no difference", async (t) => {
  const before = shop(`tenant: { path: tid }
roles: { r: [a.x] }
limits: { all: { by: caller, rate: 60/minute } }
routes:
  GET /of/{tid}/{id}: a.x
  GET /all: { access: { anyOf: [a.x, b.x] }, tenant: unchecked, from: [10.0.0.0/8] }
`);
  const after = `# a comment
authenticators:
  machines:
    scopes: { b: [b.x], a: [a.x] }
    jwt: { clients: [c1], caller: machine, issuer: https://issuer.example, maxLifetime: 24h, algorithms: [RS256] }
upstream: { url: "http://shop" }
limits: { all: { by: caller, rate: 60/minute } }
tenant: { path: whose }
roles: { r: [a.x] }
routes:
  GET /all: { from: [10.128.0.0/9, 10.0.0.0/9], tenant: unchecked, access: { anyOf: [b.x, a.x] }, timeouts: { connect: 2s } }
  GET /of/{whose}/{number}: { access: { allOf: [a.x] } }
`;
  t.equal(told(before, after), "No difference: everybody may do what they could before.\n");
  const gateway = (rest: string) => `version: 1\nlisten: { port: 8080 }\nservices: [services/*.yaml]\n${rest}`;
  const limits = "limits: { all: { by: caller, rate: 60/minute } }\n";
  const inService = policyOf({ shop: shop(`${limits}routes: { GET /a: a.x }\n`) }, gateway(""));
  const inDefaults = policyOf({ shop: table("GET /a: a.x") }, gateway(`defaults: { ${limits.trim()} }\n`));
  t.same(differenceOf(inService, inDefaults, NOW), { routes: [], general: [] }, "a default that moved");
});

t.test("a permission renamed wherever it stands makes no difference", async (t) => {
  t.same(difference(table("GET /a: a.x"), table("GET /a: a.x").replaceAll("a.x", "other.word")).routes, []);
});

t.test(
  "where two patterns overlap, a line taken away changes who wins there, though each pattern alone is treated as before",
  async (t) => {
    const before = table('"GET /a/{x}": a.x', '"GET /{y}/b": b.x', '"GET /{y}/{x}": a.x');
    const after = table('"GET /{y}/b": b.x', '"GET /{y}/{x}": a.x');
    const { routes } = difference(before, after);
    t.same(
      routes.map(({ labels }) => labels),
      [["GET /a/b"]],
    );
    t.match(told(before, after), "! GET /a/b\n    + bots, scope b (before: scope a)\n    - bots, scope a (now: scope b)\n");
  },
);

t.test("a route that is new is compared with what took its requests before", async (t) => {
  const before = table('"GET /{x}": a.x');
  const words = told(before, table('"GET /{x}": a.x', "GET /open: public"));
  t.match(words, "! GET /open\n    + everybody, without a credential\n");
  t.match(told(table('"GET /{x}": a.x', "GET /open: public"), before), "  GET /open\n    - everybody, without a credential\n");
  t.notMatch(words, "{x}", "the pattern around it is as it was");
});

t.test("less than everything that a rule asked for is a gain, and more is a loss", async (t) => {
  const both = table('"GET /a": { access: { allOf: [a.x, b.x] } }');
  t.match(told(both, table("GET /a: a.x")), "    + bots, scope a (before: scope a, and scope b)\n");
  t.match(told(table("GET /a: a.x"), both), "    - bots, scope a (now: scope a, and scope b)\n");
  t.match(told(table("GET /a: a.x"), table("GET /a: authenticated")), "    + bots, any credential (before: scope a)\n");
});

t.test("what lets more through beside access is wider, and what lets less through is not", async (t) => {
  const rows: readonly (readonly [string, string, string])[] = [
    ["{ access: a.x, from: [10.0.0.0/8] }", "{ access: a.x, from: [10.0.0.0/7] }", "client addresses"],
    [
      "{ access: a.x, limits: { l: { by: caller, rate: 1/second } } }",
      "{ access: a.x, limits: { l: { by: caller, rate: 60/minute } } }",
      "limit `l`",
    ],
    ["{ access: a.x, limits: { l: { by: caller, rate: 1/second } } }", "a.x", "limit `l`"],
    [
      "{ access: public, limits: { l: { by: caller, rate: 1/second } } }",
      "{ access: public, limits: { l: { by: caller, rate: 60/minute } } }",
      "limit `l`",
    ],
    ["{ access: public, limits: { l: { by: caller, rate: 1/second } } }", "public", "limit `l`"],
    ["{ access: a.x, query: { deny: [q] } }", "a.x", "query parameters denied"],
    ["{ access: a.x, query: { allow: [q] } }", "{ access: a.x, query: { allow: [q, r] } }", "query parameters allowed"],
    ["{ access: a.x, body: { max: 1MB } }", "{ access: a.x, body: { max: 2MB } }", "body size"],
    ["{ access: a.x, body: { types: [image/png] } }", "{ access: a.x, body: { max: 5MB } }", "body types"],
    ["a.x", "{ access: a.x, encodedSlash: keep }", "encoded slash kept"],
  ];
  for (const [narrow, wide, aspect] of rows) {
    const opened = difference(table(`"GET /a": ${narrow}`), table(`"GET /a": ${wide}`));
    t.ok(widens(opened), `${aspect} widens`);
    t.same(
      opened.routes[0]?.changes.map((change) => change.aspect),
      [aspect],
    );
    t.notOk(widens(difference(table(`"GET /a": ${wide}`), table(`"GET /a": ${narrow}`))), `${aspect} narrows`);
  }
});

t.test("what the upstream is told beyond the table is a difference too, and more of it is wider", async (t) => {
  const before = shop("roles: { r: [a.x] }\nroutes: { GET /a: a.x }\n");
  for (const grants of ["[a.x, billing.admin]", '["*"]']) {
    const after = shop(`roles: { r: ${grants} }\nroutes: { GET /a: a.x }\n`);
    const opened = difference(before, after);
    t.ok(widens(opened), grants);
    t.match(
      opened.general.flatMap(({ changes }) => changes.map(({ aspect }) => aspect)),
      ["told beyond the table"],
    );
    t.notOk(widens(difference(after, before)));
  }
});

t.test("trust that reaches further is wider", async (t) => {
  const before = table("GET /a: a.x");
  const edits: readonly (readonly [string, string, string])[] = [
    ["[c1]", "[c1, c2]", "clients: c1 → c1, c2 (wider)"],
    ["[c1]", "any", "clients: c1 → any (wider)"],
    ["clients: [c1]", "clients: [c1], maxLifetime: 48h", "longest life: 1d → 2d (wider)"],
    ["clients: [c1]", "clients: [c1], algorithms: [RS256, ES256]", "algorithms: RS256 → ES256, RS256 (wider)"],
    ["issuer.example", "other.example", "issuer: https://issuer.example → https://other.example (not comparable: counts as wider)"],
    ['"http://shop"', '"https://shop", verify: off', "upstream unverified: no → yes (wider)"],
  ];
  for (const [from, to, words] of edits) t.match(told(before, before.replace(from, to)), words);
  const aliased = (alias: string) =>
    table("GET /a: a.x").replace("    scopes", `    tenant: { claim: client_id, alias: ${alias} }\n    scopes`);
  t.match(told(aliased("{ c1: t1 }"), aliased("{ c1: t2 }")), "tenant aliases: c1 → t1 → c1 → t2 (not comparable: counts as wider)");
});

/* ── the command ──────────────────────────────────────────────────────── */

const CONFIG = join(import.meta.dirname, "../../config");

const run = (...argv: string[]): Promise<Answer> => answerOf(["diff", ...argv]);

/** The shipped policy in a folder of its own, with the registry's reset opened to writers where asked. */
function edit(folder: string, from: string, to: string): void {
  const file = join(folder, "services/model-registry.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace(from, to));
}

t.test("the exit code says whether there is a difference, and with --fail-on widening whether something widens", async (t) => {
  const folder = t.testdir();
  cpSync(CONFIG, folder, { recursive: true });
  t.equal((await run(CONFIG, folder)).code, 0);
  edit(folder, "DELETE /api/reset: registry.reset", "DELETE /api/reset: artifacts.write");
  t.equal((await run(CONFIG, folder)).code, 1);
  t.match((await run(CONFIG, folder)).out, /! DELETE \/api\/reset\n {4}\+ token, secret current/);
  t.equal((await run(CONFIG, folder, "--fail-on", "widening")).code, 1);
  t.equal((await run(folder, CONFIG, "--fail-on", "widening")).code, 0, "the other way round nothing widens");
  t.equal((await run(folder, CONFIG)).code, 1);
  edit(folder, "artifacts.write]", "artifacts.write");
  t.match(await run(CONFIG, folder), { code: 1, out: "", err: /does not load/ });
  t.match(JSON.parse((await run(folder, folder, "--format", "json")).out), { diagnostics: [{ file: /registry/ }, { file: /registry/ }] });
});

t.test("wrong use is exit code 2", async (t) => {
  t.equal((await run(CONFIG)).code, 2);
  t.equal((await run(CONFIG, CONFIG, "--format", "xml")).code, 2);
  t.equal((await run(CONFIG, CONFIG, "--fail-on", "anything")).code, 2);
  t.match(await run("--config", join(CONFIG, "sallyport.yaml"), "no-such-revision", "HEAD"), {
    code: 2,
    err: /neither a file nor a revision/,
  });
});

t.test("git revisions are compared as they were committed", async (t) => {
  const folder = t.testdir();
  const git = (...words: string[]) => execFileSync("git", ["-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.com", ...words]);
  cpSync(CONFIG, join(folder, "deploy"), { recursive: true });
  git("init", "--quiet", "--initial-branch=main");
  git("add", ".");
  git("commit", "--quiet", "-m", "one");
  edit(join(folder, "deploy"), "DELETE /api/reset: registry.reset", "DELETE /api/reset: public");
  git("commit", "--quiet", "-am", "two");
  edit(join(folder, "deploy"), "DELETE /api/reset: public", "broken");
  const config = join(folder, "deploy/sallyport.yaml");
  t.match(await run("--config", config, "main~1..main"), { code: 1, out: /! DELETE \/api\/reset\n {4}\+ everybody, without a credential/ });
  t.match(await run("--config", config, "HEAD", "main"), { code: 0, out: "No difference" });
  const json = JSON.parse((await run("--config", config, "main~1", "main", "--json")).out) as object;
  t.match(json, { different: true, wider: true, routes: [{ requests: ["DELETE /api/reset"], gained: [{ kind: "nobody", grants: [] }] }] });
  t.match((await run("--config", config, "main~1", "main", "--format", "markdown")).out, "| ⚠️ gained | everybody, without a credential |");
});
