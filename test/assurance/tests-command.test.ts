/** `sallyport test` as an operator calls it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { loadProved } from "../../src/proved.ts";
import { type Files, writeFiles } from "../policy/fixtures.ts";
import { answerOf, type Answer } from "../cli/run-command.ts";

const SHIPPED = join(import.meta.dirname, "../../config/sallyport.yaml");
const NOW = Date.parse("2026-12-01T12:00:00Z");

const run = (...argv: readonly string[]): Promise<Answer> => answerOf(argv);

const SHOP = `version: 1
service: shop
upstream: { url: "http://shop:8080", identity: { role: x-role } }
roles:
  clerk: [orders.read]
authenticators:
  people:
    jwt: { issuer: https://issuer.example, clients: any, caller: person }
    groups: { staff: [orders.read], "shop:{tenant}": [orders.write], chief: ["*"] }
    tenant: { group: "shop:{tenant}" }
    crossTenant: { group: chief }
  key:
    apiKey: { header: x-api-key, prefix: shop }
    tenant: account
tenant: { query: shop }
routes:
  GET /open: public
  GET /shut: denied
  GET /orders: orders.read
  POST /orders: orders.write
  GET /staff: { access: authenticated, authenticators: [people], from: [10.0.0.0/8] }
`;

const CALLERS = `callers:
  sam: { service: shop, by: people, claims: { "cognito:groups": [staff, "shop:north"] } }
  bot: { service: shop, by: key, account: { role: clerk, tenant: north } }
`;

function shop(t: Test, tests: string, gateway?: string): string {
  const files: Files = {
    "services/shop.yaml": SHOP,
    "tests/shop.yaml": `version: 1\n${CALLERS}tests:\n${tests}`,
    ...(gateway !== undefined && { "sallyport.yaml": gateway }),
  };
  return join(writeFiles(t, files), "sallyport.yaml");
}

t.test("the shipped policy's tests are green and cover all of it", async (t) => {
  const { code, out, err } = await run("test", "--config", SHIPPED, "--fail-under", "100");
  t.equal(err, "");
  t.match(out, /\d+ tests, all green/);
  t.match(out, /^all +(\d+) +\1 +100 %$/m);
  t.equal(code, 0);
});

t.test("a red test says where it stands, what was expected, what came, and why", async (t) => {
  const config = shop(t, "  - { name: a bot writes, as: bot, request: POST /orders, expect: { allow: orders.write } }\n");
  const { code, out } = await run("test", "--config", config);
  t.equal(code, 1);
  t.match(
    out,
    /tests\/shop\.yaml:6:\n {2}a bot writes\n {4}POST \/orders, as bot\n {4}expected allow by orders.write, came 403 INSUFFICIENT_ROLE at orders.write\n {4}\(POST \/orders\)\n {4}reason: orders.write is needed\n/,
  );
  t.match(out, "1 test, 1 red");
});

t.test("a shared authenticator's secret counts in each service that has the authenticator, and in no other", async (t) => {
  const service = (name: string, block: string): string =>
    `version: 1\nservice: ${name}\nupstream: { url: "http://${name}:8080" }\nprefix: /${name}\n${block}routes: { GET /: authenticated }\n`;
  const bearer = (value: string): string => `{ bearer: [{ id: one, value: a-secret-of-some-length-${value}, access: [a.b] }] }`;
  const files: Files = {
    "sallyport.yaml": `version: 1\nlisten: { port: 8080 }\nservices: [services/*.yaml]\nauthenticators:\n  robots: ${bearer("1")}\n`,
    "services/shop.yaml": service("shop", "authenticators: { robots: shared }\n"),
    "services/depot.yaml": service("depot", "authenticators: { robots: shared }\n"),
    "services/desk.yaml": service("desk", `authenticators:\n  token: ${bearer("2")}\n`),
    "tests/shared.yaml": `version: 1
callers: { bot: { service: shop, by: robots, secret: one } }
tests:
  - { name: at home, as: bot, request: GET /shop/, expect: { allow: authenticated } }
  - { name: shared, as: bot, request: GET /depot/, expect: { allow: authenticated } }
  - { name: another of the same name, as: bot, request: GET /desk/, expect: { deny: TOKEN_INVALID } }
`,
  };
  const { code, out, err } = await run("test", "--config", join(writeFiles(t, files), "sallyport.yaml"));
  t.equal(err, "");
  t.match(out, "3 tests, all green");
  t.equal(code, 0);
});

const SAID: readonly (readonly [string, string])[] = [
  ["request: GET /open, expect: { allow: orders.read }", "rule: expected orders.read, came public"],
  ["request: GET /open, expect: { allow: true, route: GET /shut }", "route: expected GET /shut, came GET /open"],
  ["request: GET /shut, expect: { deny: ROUTE_NOT_FOUND, status: 410 }", "status: expected 410, came 404"],
  ["request: GET /orders, as: sam, expect: { allow: true, tenant: null }", "tenant: expected none, came north"],
  ["request: GET /orders, as: sam, expect: { allow: true, upstream: { X-Auth-Subject: bob } }", "x-auth-subject: expected bob, came sam"],
  ["request: GET /orders, as: bot, expect: { allow: true, upstream: { x-role: null } }", "x-role: expected none, came clerk"],
  ["request: GET /orders?a=1, as: bot, expect: { allow: true, path: /orders }", "path: expected /orders, came /orders?a=1"],
  ["request: GET /open, expect: preflight", "expected preflight, came allow by public (GET /open)"],
  ["request: GET /%2e%2e/open, expect: allow", "expected allow, came 400 REQUEST_INVALID"],
  [
    "request: { path: /staff, address: 192.0.2.7 }, as: sam, expect: allow",
    "expected allow, came 403 ADDRESS_NOT_ALLOWED at authenticated (GET /staff)",
  ],
  [
    "request: { path: /open, headers: { content-length: '1' } }, expect: allow",
    "expected allow, came 400 REQUEST_INVALID at public (GET /open)",
  ],
  ["request: GET /staff, as: bot, expect: allow", "expected allow, came 403 WRONG_TOKEN_TYPE at authenticated (GET /staff)"],
];
for (const [test, said] of SAID) {
  t.test(`${test} is red`, async (t) => {
    const { code, out } = await run("test", "--config", shop(t, `  - { name: it, ${test} }\n`));
    t.equal(code, 1);
    t.ok(out.includes(`  ${said}\n`), out);
  });
}

t.test("a refusal of the body by its head can be expected, and shows nothing of the line's own refusals", async (t) => {
  const routes = SHOP.replace("  GET /open: public\n", "  GET /open: { access: public, query: { allow: [page] } }\n");
  const body = "  POST /notes: { access: public, body: { types: [application/json], max: 10B } }\n";
  const asked = (headers: string, expect: string) =>
    `  - { name: it, request: { method: POST, path: /notes, headers: ${headers} }, expect: ${expect} }\n`;
  const files = {
    "services/shop.yaml": routes + body,
    "tests/shop.yaml": `version: 1
tests:
${asked("{ content-type: text/plain }", "{ deny: BODY_TYPE_NOT_ALLOWED, status: 415, route: POST /notes }")}\
${asked("{ content-type: application/json }", "allow")}\
${asked("{ content-type: application/json, content-length: '11' }", "{ deny: BODY_TOO_LARGE }")}\
  - { name: it, request: { path: /open, headers: { content-length: "1" } }, expect: { deny: REQUEST_INVALID } }
`,
  };
  const { code, out } = await run("test", "--config", join(writeFiles(t, files), "sallyport.yaml"));
  t.equal(code, 0, out);
  t.match(out, "GET /open is refused: query not allowed", "not covered by the refusal of a body");
  t.match(out, "GET /open is allowed", "nor is the line");
  t.notMatch(out, "POST /notes is allowed");
});

t.test("what a caller leaves out is filled in, and can be taken away", async (t) => {
  const config = shop(
    t,
    `  - { name: filled, as: sam, request: GET /orders, expect: { allow: true, upstream: { x-auth-kind: person, x-auth-subject: sam } } }
  - { name: north, as: sam, request: POST /orders?shop=north, expect: { allow: orders.write, tenant: north } }
  - { name: south, as: sam, request: POST /orders?shop=south, expect: { deny: TENANT_MISMATCH } }
  - { name: key, as: bot, request: GET /orders?shop=north, expect: { allow: orders.read, upstream: { x-auth-kind: key } } }
`,
  );
  const { code, out } = await run("test", "--config", config);
  t.equal(code, 0, out);
  const without = join(config, "../tests/more.yaml");
  writeFileSync(
    without,
    `version: 1
callers:
  sam: { service: shop, by: people, claims: { "cognito:groups": [staff] } }
  subjectless: { extends: sam, claims: { sub: null } }
  late: { extends: sam, expired: true }
tests:
  - { name: sub, as: subjectless, request: GET /orders, expect: { deny: TOKEN_INVALID } }
  - { name: late, as: late, request: GET /orders, expect: { deny: TOKEN_EXPIRED } }
`,
  );
  t.equal((await run("test", "--config", config, without)).code, 0);
});

t.test("mistakes in a test file are placed, all at once, with the repair", async (t) => {
  const config = shop(
    t,
    `  - { name: a, as: sma, request: GET /open, expect: allow }
  - { name: b, request: GET /open, expect: { deny: ROUTE_NOT_FUND } }
  - { name: c, request: { path: /open, headers: { authorization: Bearer x } }, expect: allow }
  - { name: d, request: GET /open, expect: { allow: true, status: 200 } }
`,
  );
  const first = await run("test", "--config", config);
  t.equal(first.code, 1);
  t.match(first.err, /tests\/shop\.yaml:7:\d+: this must be one of|tests\/shop\.yaml:7:\d+: this word is not known here/);
  writeFileSync(
    join(config, "../tests/shop.yaml"),
    `version: 1\n${CALLERS}tests:
  - { name: a, as: sma, request: GET /open, expect: allow }
  - { name: c, request: { path: /open, headers: { Authorization: Bearer x } }, expect: allow }
  - { name: d, request: GET /open, expect: { allow: true, status: 200 } }
`,
  );
  const { err } = await run("test", "--config", config);
  t.match(err, /shop\.yaml:6:\d+: there is no caller `sma`/);
  t.match(err, "did you mean `sam`?");
  t.match(err, /shop\.yaml:7:\d+: `Authorization` holds a credential, which no test proves/);
  t.match(err, /shop\.yaml:8:\d+: only a refusal has a `status`/);
  t.match(err, "3 mistakes in 1 file");
});

t.test("what no green test shows is listed with file and line, and may be too little", async (t) => {
  const config = shop(
    t,
    "  - { name: open, request: GET /open, expect: allow }\n  - { name: red, as: bot, request: GET /orders, expect: { deny: TOKEN_MISSING } }\n",
  );
  const { out } = await run("test", "--config", config);
  t.match(out.replaceAll(/\s+/g, " "), "GET /orders is allowed", "a red test shows nothing");
  t.notMatch(out, "GET /open is allowed");
  const json = JSON.parse((await run("test", "--config", config, "--json")).out) as {
    green: boolean;
    coverage: { uncovered: { what: string }[] };
  };
  t.equal(json.green, false);
  const uncovered = json.coverage.uncovered.map((one) => one.what);
  for (const what of [
    "GET /shut is denied",
    "GET /staff is refused: another authenticator",
    "GET /staff is refused: another address",
    "POST /orders is refused: permission lacking",
    "GET /orders is refused: another tenant",
    "orders.write lets a caller in",
    "without orders.write a caller is refused",
    "another tenant in the query is refused",
    "a caller of people crosses tenants",
    "key names an allowed caller",
  ]) {
    t.ok(uncovered.includes(what), what);
  }
  const { code, err } = await run("test", "--config", config, "--fail-under", "50");
  t.equal(code, 1);
  t.match(err, "is covered, less than 50 %");
});

t.test("TAP and JUnit carry every result", async (t) => {
  const config = shop(
    t,
    '  - { name: "50 # <b>", request: GET /open, expect: allow }\n  - { name: red, request: GET /shut, expect: allow }\n',
  );
  const tap = (await run("test", "--config", config, "--reporter", "tap")).out;
  t.match(tap, "TAP version 14\n1..2\nok 1 - 50 \\# <b>: GET /open\nnot ok 2 - red: GET /shut\n  ---\n");
  const junit = (await run("test", "--config", config, "--reporter", "junit")).out;
  t.match(junit, '<testsuites tests="2" failures="1">');
  t.match(junit, 'name="50 # &lt;b&gt;: GET /open"');
  t.match(junit, '<failure message="expected allow, came 404 ROUTE_NOT_FOUND at denied (GET /shut)">');
  t.equal((await run("test", "--config", config, "--reporter", "xml")).code, 2);
});

const REQUIRED = "version: 1\nlisten: { port: 8080 }\ntests: required\nservices: [services/*.yaml]\n";

t.test("a gateway that requires tests takes a policy only when they are green", async (t) => {
  const green = shop(t, "  - { name: open, request: GET /open, expect: allow }\n", REQUIRED);
  t.equal(loadProved({ configPath: green, environment: {} }, NOW).kind, "policy");
  const red = shop(t, "  - { name: shut is open, request: GET /shut, expect: allow }\n", REQUIRED);
  const loaded = loadProved({ configPath: red, environment: {} }, NOW);
  t.match(loaded, {
    kind: "invalid",
    diagnostics: [
      {
        line: 6,
        message:
          'test "shut is open" is red: GET /shut: expected allow, came 404 ROUTE_NOT_FOUND at denied (GET /shut) (the table denies it)',
      },
    ],
  });
  t.ok(
    loaded.files.some((file) => file.endsWith("tests/shop.yaml")),
    "its test files are watched",
  );
});

t.test("a gateway that requires tests does not start without any, nor with a broken test file", async (t) => {
  const folder = writeFiles(t, { "sallyport.yaml": REQUIRED, "services/shop.yaml": SHOP });
  t.match(loadProved({ configPath: join(folder, "sallyport.yaml"), environment: {} }, NOW), { kind: "invalid" });
  const broken = shop(t, "  - { nam: x }\n", REQUIRED);
  t.match(loadProved({ configPath: broken, environment: {} }, NOW), { kind: "invalid" });
});
