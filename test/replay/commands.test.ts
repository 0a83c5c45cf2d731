/** `replay`, `shadow report`, `explain --decision` and `serve --shadow` as an operator calls them, with what is not there or not good. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import { answerOf } from "../cli/run-command.ts";
import { ROUTES, SHOP, writeFiles } from "../policy/fixtures.ts";

const AT = "2026-11-22T10:00:00.000Z";
const REFUSED = { decision: "a-1", at: AT, outcome: "deny", code: "TOKEN_MISSING", reason: "no credential", status: 401 };
const REQUEST = { method: "GET", path: "/orders", address: "192.0.2.1", service: "shop", route: "GET /orders", policy: "0123456789ab" };
const FACTS = { verdict: "TOKEN_MISSING", host: "gw.example", target: "/orders", names: [], certificate: false, proof: { kind: "none" } };
const WHOLE = { ...REFUSED, ...REQUEST, facts: { ...FACTS, trusts: ["authorization jwt https://issuer.example 0"] } };

interface Place {
  readonly policy: string;
  readonly log: string;
}

/** A policy whose one route asks for a permission, and a log. */
function place(t: Test, lines: readonly (object | string)[], routes: string = ROUTES): Place {
  const text = lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
  const folder = writeFiles(t, { "services/shop.yaml": SHOP + routes, "decisions.log": text });
  return { policy: join(folder, "sallyport.yaml"), log: join(folder, "decisions.log") };
}

t.test("replay passes over what is no decision, and tells what it could not compare", async (t) => {
  const edge = { ...REFUSED, ...REQUEST, decision: "a-2", code: "REQUEST_INVALID", facts: { none: "edge" } };
  const limited = { ...WHOLE, decision: "a-3", code: "RATE_LIMITED", facts: { ...WHOLE.facts, verdict: undefined } };
  const forged = { ...WHOLE, decision: "a-4", facts: { ...WHOLE.facts, target: "/orders/../x" } };
  const lines = [
    "not JSON",
    '{"decision":',
    { msg: "serving" },
    { decision: 7 },
    WHOLE,
    edge,
    limited,
    forged,
    { ...REFUSED, ...REQUEST, facts: 5 },
  ];
  const { policy, log } = place(t, lines);
  const { code, out } = await answerOf(["replay", log, "--policy", policy, "--json"]);
  t.equal(code, 0);
  t.match(JSON.parse(out), {
    compared: 1,
    same: 1,
    unknown: [
      { reason: "recorded with facts that cannot be the gateway's", count: 1 },
      { reason: "recorded without facts", count: 1 },
    ],
    apart: [
      { reason: "refused before any rule was asked", count: 1 },
      { reason: "stopped by a limit", count: 1 },
    ],
  });
});

t.test("a log without facts is no agreement, and what records them is said", async (t) => {
  const { policy, log } = place(t, [{ ...REFUSED, ...REQUEST }]);
  const { code, out } = await answerOf(["replay", log, "--policy", policy]);
  t.equal(code, 1);
  t.match(out, "0 compared");
  t.match(out, "log: { facts: true, decisions: all }");
});

const SHADOW = { policy: "cafe", route: "GET /orders (shop)", caller: "people, group staff" };

t.test("where no decision was read, neither replay nor shadow report gives an all-clear", async (t) => {
  const { policy } = place(t, []);
  for (const [lines, read] of [
    [[], "read 0 lines, 0 decisions"],
    [["# Sallyport"], "read 1 line, 0 decisions"],
    [["# Sallyport", "", { msg: "serving", shadowPolicy: "cafe" }], "read 3 lines, 0 decisions"],
  ] as const) {
    const { log } = place(t, lines);
    const input = readFileSync(log, "utf8");
    for (const command of [
      ["replay", "--policy", policy],
      ["replay", "--policy", policy, "--fail-on", "widening"],
      ["shadow", "report"],
    ]) {
      const expected = { code: 1, out: `There is no decision in it: ${read}.\n` };
      t.match(await answerOf([...command, log]), expected, command.join(" "));
      t.match(await answerOf([...command, "-"], { input }), expected, command.join(" "));
      const { code, out } = await answerOf([...command, log, "--json"]);
      t.equal(code, 1);
      t.match(JSON.parse(out), { lines: lines.length, decisions: 0 });
    }
  }
});

t.test("shadow report is an all-clear only of a log that speaks of a shadow policy", async (t) => {
  const report = (lines: readonly object[], ...more: string[]) => answerOf(["shadow", "report", place(t, lines).log, ...more]);
  t.match(await report([WHOLE, WHOLE]), { code: 1, out: /^No line speaks of a shadow policy; 2 decisions read\.\n/ });
  const blind = await report([WHOLE], "--fail-on", "widening", "--json");
  t.equal(blind.code, 1);
  t.match(JSON.parse(blind.out), { lines: 1, decisions: 1, policies: [] });
  const started = { msg: "serving", policy: "beef", shadowPolicy: "cafe" };
  t.match(await report([started, WHOLE]), { code: 0, out: "0 decisions would have been otherwise by the shadow policy\ncafe.\n" });
  t.match(await report([started, WHOLE], "--policy", "f00d"), { code: 1, out: /^No line speaks/ });
  const unknown = { ...WHOLE, shadow: { ...SHADOW, unknown: "the token would be proved by other keys" } };
  t.equal((await report([unknown])).code, 0);
});

t.test("a log on standard input, and --fail-on", async (t) => {
  const { policy } = place(t, [], "routes:\n  GET /orders: public\n");
  const input = `${JSON.stringify(WHOLE)}\n`;
  const wider = await answerOf(["replay", "-", "--policy", policy, "--fail-on", "widening"], { input });
  t.equal(wider.code, 1);
  t.match(wider.out, "! GET /orders (shop): nobody\n    TOKEN_MISSING → allow  1× (a-1)\n");
  const other = place(t, [], "routes:\n  POST /orders: orders.read\n");
  const narrower = ["replay", "-", "--policy", other.policy];
  t.match(await answerOf(narrower, { input }), { code: 1, out: /Would be otherwise: 1\n~ .*\n {4}TOKEN_MISSING → METHOD_NOT_ALLOWED/ });
  t.equal((await answerOf([...narrower, "--fail-on", "widening"], { input })).code, 0);
});

t.test("what cannot be read is wrong use", async (t) => {
  const { policy, log } = place(t, []);
  t.match(await answerOf(["replay", `${log}.gone`, "--policy", policy]), { code: 2, err: /\.gone\s+does\s+not\s+exist/ });
  t.match(await answerOf(["shadow", "report", `${log}.gone`]), { code: 2, err: /\.gone\s+does\s+not\s+exist/ });
  t.match(await answerOf(["shadow", "report", dirname(log)]), { code: 2, err: /\scannot\s+be\s+read:\s+EISDIR/ });
  t.match(await answerOf(["replay", log]), { code: 2, err: /--policy is missing/ });
  t.match(await answerOf(["replay", log, "--policy", policy, "--fail-on", "x"]), { code: 2, err: /--fail-on knows/ });
  const bad = place(t, [], "routes:\n  GET /orders: [\n");
  t.match(await answerOf(["replay", log, "--policy", bad.policy]), { code: 1, out: "", err: /does not load/ });
  t.match(JSON.parse((await answerOf(["replay", log, "--policy", bad.policy, "--old", bad.policy, "--json"])).out), {
    diagnostics: [{ file: /shop/ }, { file: /shop/ }],
  });
});

t.test("shadow report sums up by line and class of caller, and says what was not comparable", async (t) => {
  const lines = [
    ...["a-1", "a-2"].map((decision) => ({
      ...WHOLE,
      decision,
      shadow: { ...SHADOW, effect: "wider", before: "INSUFFICIENT_SCOPE", after: "allow" },
    })),
    { ...WHOLE, decision: "a-3", shadow: { ...SHADOW, unknown: "the token would be proved by other keys" } },
    { ...WHOLE, decision: "a-4", shadow: { ...SHADOW, policy: "beef", effect: "narrower", before: "allow", after: "TOKEN_MISSING" } },
  ];
  const { log } = place(t, lines);
  const { code, out } = await answerOf(["shadow", "report", log]);
  t.equal(code, 1);
  t.match(out, "! GET /orders (shop): people, group staff\n    INSUFFICIENT_SCOPE → allow  2× (a-1)\n");
  t.match(out, "Could not be compared, named once for each line and policy: 1\n");
  const one = await answerOf(["shadow", "report", log, "--policy", "beef", "--fail-on", "widening", "--json"]);
  t.equal(one.code, 0);
  t.match(JSON.parse(one.out), { policies: ["beef"], wider: 0, narrower: 1 });
});

t.test("a decision is explained from its facts, and what is not known is said", async (t) => {
  const recorded = {
    ...WHOLE,
    code: "RATE_LIMITED",
    status: 429,
    reason: "limit all",
    facts: { ...FACTS, verdict: undefined, target: "/orders?page=", proof: undefined },
  };
  const { policy, log } = place(t, [
    recorded,
    { ...REFUSED, ...REQUEST, decision: "a-2" },
    { ...WHOLE, decision: "a-3", facts: { none: "edge" } },
  ]);
  const explained = (id: string, ...more: string[]) =>
    answerOf(["explain", "--config", policy, "--decision", id, "--decisions", log, ...more]);
  const { code, out } = await explained("a-1");
  t.equal(code, 1);
  t.match(out, `Decision a-1, ${AT}\n  GET /orders: 429 RATE_LIMITED\n  reason: limit all\n`);
  t.match(out, "refused: 401 TOKEN_MISSING at orders.read (GET /orders)");
  for (const note of [
    "It was decided by the policy 0123456789ab",
    "It was counted, and refused: limit all",
    "only names",
    "was not looked at",
  ])
    t.match(out.replaceAll("\n", " "), note);
  t.same(
    out.split("\n").filter((line) => line.length > 80 && !line.includes(".yaml")),
    [],
  );
  t.match(await explained("a-2"), { code: 1, out: /recorded without facts[^]*log:\s+\{ facts: true \}/ });
  t.match(JSON.parse((await explained("a-3", "--json")).out), {
    note: /before any rule/,
    recorded: { decision: "a-3", code: "TOKEN_MISSING" },
  });
});

t.test("a recorded preflight is told with the page that sent it and the method that it asks for", async (t) => {
  const facts = { ...FACTS, origin: "https://app.example", preflightMethod: "PUT", verdict: "METHOD_NOT_ALLOWED", proof: undefined };
  const preflight = { ...WHOLE, method: "OPTIONS", code: "METHOD_NOT_ALLOWED", status: 405, reason: "no such method", facts };
  const { policy, log } = place(t, [preflight]);
  const { out } = await answerOf(["explain", "--config", policy, "--decision", "a-1", "--decisions", log]);
  t.match(
    out,
    "OPTIONS /orders: 405 METHOD_NOT_ALLOWED\n  a preflight for PUT\n  from a page of https://app.example\n  reason: no such method\n",
  );
  t.match(out.replaceAll(/\s+/g, " "), "method OPTIONS, which asks for PUT (access-control-request-method)");
});

t.test("what was refused although the steps allow it is said to be, and nothing is offered to have it refused", async (t) => {
  const open = "routes:\n  GET /orders: public\n  POST /orders: { access: public, body: { types: [application/json] } }\n";
  const allowed = { ...WHOLE, facts: { ...FACTS, verdict: "allow", proof: undefined } };
  const typed = { ...allowed, method: "POST", code: "BODY_TYPE_NOT_ALLOWED", status: 415, reason: "the media type", route: "POST /orders" };
  const { policy, log } = place(
    t,
    [
      { ...typed, decision: "a-1" },
      { ...allowed, decision: "a-2", code: "REQUEST_INVALID", status: 400, reason: "GET with a body" },
      { ...allowed, decision: "a-3", code: "UPSTREAM_TIMEOUT", status: 504, reason: "no answer" },
      { ...allowed, decision: "a-4", code: "RATE_LIMITED", status: 429, reason: "limit", facts: { ...allowed.facts, verdict: undefined } },
      { ...allowed, decision: "a-5", code: "TOKEN_MISSING", status: 401, facts: { ...allowed.facts, verdict: "TOKEN_MISSING" } },
      { ...allowed, decision: "a-6", outcome: "allow", code: undefined, status: 200 },
    ],
    open,
  );
  const explained = (id: string, ...more: string[]) =>
    answerOf(["explain", "--config", policy, "--decision", id, "--decisions", log, ...more]);
  const expected: readonly (readonly [string, string, string])[] = [
    ["a-1", "415 BODY_TYPE_NOT_ALLOWED", "The rules allowed it, and the forward stage then refused it: 415 BODY_TYPE_NOT_ALLOWED."],
    ["a-2", "400 REQUEST_INVALID", "The rules allowed it, and the forward stage then refused it: 400 REQUEST_INVALID."],
    ["a-3", "504 UPSTREAM_TIMEOUT", "The rules allowed it, and the forward stage then refused it: 504 UPSTREAM_TIMEOUT."],
    ["a-4", "429 RATE_LIMITED", "It was counted, and refused: limit."],
    ["a-5", "401 TOKEN_MISSING", "The rules then said TOKEN_MISSING; here they say allow."],
  ];
  for (const [id, refusal, note] of expected) {
    const { code, out } = await explained(id);
    t.equal(code, 1, id);
    t.match(out, new RegExp(`\\nrefused: ${refusal}\\nby the steps: allow by public \\((GET|POST) /orders\\)\\n`));
    t.match(out.replaceAll("\n", " "), note);
    t.notMatch(out, /would have it refused|No single change|allowed:/);
    t.match(JSON.parse((await explained(id, "--json")).out), { outcome: "allow", flips: [], note });
  }
  t.match(await explained("a-6"), { code: 0, out: /allowed: allow by public \(GET \/orders\)\n[^]*would have it refused/ });
});

t.test("--decision brings its own request and caller", async (t) => {
  const { policy, log } = place(t, [WHOLE]);
  const explain = ["explain", "--config", policy];
  t.match(await answerOf([...explain, "GET", "/orders", "--decision", "a-1"]), { code: 2, err: /leave a\s+request out/ });
  t.match(await answerOf([...explain, "--decision", "a-1", "--as", "x.json"]), { code: 2, err: /leave --as\s+out/ });
  t.match(await answerOf([...explain, "--decisions", log]), { code: 2, err: /--decisions goes with --decision/ });
  t.match(await answerOf([...explain, "--decision", "../x", "--decisions", log]), { code: 2, err: /takes the id/ });
  t.match(await answerOf([...explain, "GET"]), { code: 2, err: /URL is missing/ });
  t.match(await answerOf(explain), { code: 2, err: /METHOD and URL are missing/ });
  const environment = { SALLYPORT_ADMIN_TOKEN: "0123456789abcdef" };
  t.match(await answerOf([...explain, "--decision", "a-1", "--admin", "http://127.0.0.1:1"], { environment }), {
    code: 2,
    err: /does not answer/,
  });
  t.match(await answerOf([...explain, "--decision", "a-1"], { environment }), { code: 2, err: /no admin door/ });
});

t.test("a shadow policy that does not load ends the start, with every mistake", async (t) => {
  const { policy } = place(t, []);
  const bad = place(t, [], "routes:\n  GET /orders: { acess: public }\n");
  const answer = await answerOf(["serve", "--config", policy, "--shadow", bad.policy]);
  t.equal(answer.code, 1);
  t.match(answer.err, /unknown key `acess`[^]*the shadow policy has 1 mistake; nothing was started/);
  t.match(await answerOf(["serve", "--config", policy, "--shadow", "/nowhere/at/all.yaml"]), { code: 1, err: /\/nowhere\/at\/all\.yaml/ });
  t.match(await answerOf(["serve", "--demo", "--shadow", bad.policy]), { code: 2, err: /leave --shadow out/ });
});
