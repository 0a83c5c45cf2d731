/** A live gateway's decision log: replayed, explained, and compared with a shadow policy, over real sockets. */
import { writeFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { answerOf, type Answer } from "../cli/run-command.ts";
import { writeCandidate } from "./candidate.ts";
import { pieCallers, SCOPES } from "./pie-callers.ts";
import { stackflowCallers, stackflowKeys, READ, ROLES, WRITE } from "./stackflow-callers.ts";
import { shippedWith, startSystems, type Carried, type Systems } from "./systems.ts";
import { until } from "./things.ts";

const ALL = shippedWith("sallyport.yaml", "services:\n", "log: { decisions: all, facts: true }\n\nservices:\n");
const REFUSALS = shippedWith("sallyport.yaml", "services:\n", "log: { facts: true }\n\nservices:\n");

/** Three edits: one lets more through, one less, one tells a service something else. */
const CANDIDATE = {
  "services/pie.yaml": edited("services/pie.yaml", [
    ["streamline/client_read:    [clients.read, domains.read, services.read]", "streamline/client_read:    [clients.read, domains.read]"],
    ["GET /jobs/{job_id}: { access: jobs.read, tenant: unchecked }", "GET /jobs/{job_id}: { access: authenticated, tenant: unchecked }"],
  ]),
};

function edited(path: string, edits: readonly (readonly [string, string])[]): string {
  return edits.reduce(
    (text, [from, to]) => {
      if (text.split(from).length !== 2) throw new Error(`${path} does not have ${from} exactly once`);
      return text.replace(from, () => to);
    },
    readFileSync(join(import.meta.dirname, "../../config", path), "utf8"),
  );
}

const LINES = [
  "GET /v2/health",
  "GET /v2/models",
  "POST /v2/models",
  "GET /v2/models/m1",
  "GET /v2/jobs/j1",
  "GET /v2/clients",
  "GET /v2/clients/sealink",
  "GET /v2/clients/acme",
  "GET /v2/clients/sealink/domains/d",
  "GET /v2/clients/sealink/domains/d/service/s",
  "GET /v2/nothing",
  "PUT /v2/health",
  "GET /prod/api/health",
  "GET /prod/api/incidents",
  "POST /prod/api/incidents",
  "DELETE /prod/api/incidents/1",
  "GET /prod/api/v1/changes",
  "GET /prod/api/incidents?tenant_id=t1",
  "GET /prod/api/incidents?tenant_id=t2&x=QUERYSECRET",
  "PATCH /prod/api/cmdb/cis/a%2Fb",
  "GET /api/health",
  "GET /api/tracks",
  "POST /api/artifact/model",
  "DELETE /api/reset",
  "GET /env",
  "OPTIONS /api/tracks",
  "GET /a//b",
  "GET /%C3%A9",
];

function callersOf(t: Test, systems: Systems): readonly Carried[] {
  const pie = pieCallers(systems);
  const flow = stackflowCallers(systems);
  const keys = stackflowKeys(t, systems);
  const registry = keys.office.account({ service: "model-registry", id: "reg", role: "writer" });
  return [
    {},
    ...SCOPES.map((scope) => pie.machine("sealink", [scope])),
    pie.machine("acme", SCOPES.slice(0, 3)),
    ...[["client:sealink"], ["admin"], []].map((groups) => pie.person(groups)),
    ...ROLES.map((role) => flow.person(role)),
    flow.person("viewer", "t2"),
    flow.machine(READ),
    flow.machine(READ, WRITE),
    ...ROLES.map((role) => keys.keyOf(keys.accountWith(role), "read-only", "itsm-write")),
    keys.keyOf(keys.accountWith("viewer", { enabled: false }), "admin"),
    { key: keys.office.key({ account: registry, scopes: ["read-write"], prefix: "tmr" }).key },
    { token: systems.registryToken },
    { token: systems.previousRegistryToken },
    { token: "not-a-token-at-all" },
    { token: systems.registryToken, key: "sfk_prod_forged" },
    { headers: { origin: "https://your-instance.stackflow-tech.com", cookie: "session=COOKIESECRET" } },
    { headers: { origin: "https://evil.example", "access-control-request-method": "GET" } },
    { token: flow.person("itsm_agent").token!, headers: { "x-tenant-id": "t2" } },
  ];
}

interface Traffic {
  readonly asked: number;
  /** Everything that a client sent as a credential. */
  readonly secrets: readonly string[];
}

/** Every caller asks for everything. */
async function traffic(t: Test, systems: Systems): Promise<Traffic> {
  const callers = callersOf(t, systems);
  let asked = 0;
  for (const line of LINES) {
    for (const carried of callers) {
      await systems.ask(line, carried);
      asked += 1;
    }
  }
  const tokens = callers.flatMap(({ token, key }) => [token, key].filter((text) => text !== undefined));
  const signatures = tokens.flatMap((token) => token.split(".").slice(1));
  return {
    asked,
    secrets: [...tokens, ...signatures, "QUERYSECRET", "COOKIESECRET", systems.registryToken, systems.previousRegistryToken],
  };
}

/** The log as a file, and what was done with it. */
function logFile(systems: Systems): string {
  const file = join(systems.sallyport.folder, "decisions.log");
  writeFileSync(
    file,
    systems.sallyport
      .log()
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(""),
  );
  return file;
}

function run({ environment }: Systems, ...argv: readonly string[]): Promise<Answer> {
  return answerOf(argv, { environment: { ADMIN_TOKEN: "x".repeat(24), ...environment } });
}

t.test("the log of a live gateway, replayed: nothing against its own policy, the edits against another, and no secret in it", async (t) => {
  const systems = await startSystems(t, { files: ALL });
  const { asked, secrets } = await traffic(t, systems);
  const file = logFile(systems);
  const text = readFileSync(file, "utf8");
  t.ok(asked > 900, `${asked} requests`);
  t.same(
    secrets.filter((secret) => text.includes(secret)),
    [],
    "no credential, cookie or value of a query",
  );
  t.notMatch(text, /"username":"sam"|ivy/, "nor a user's name");

  const own = join(systems.sallyport.folder, "sallyport.yaml");
  const same = await run(systems, "replay", file, "--policy", own, "--old", own, "--json");
  const report = JSON.parse(same.out) as { compared: number; same: number; unknown: unknown[]; apart: { reason: string; count: number }[] };
  t.same([same.code, report.unknown], [0, []]);
  t.equal(report.same, report.compared);
  t.equal(report.compared + report.apart.reduce((sum, { count }) => sum + count, 0), asked, "every request is accounted for");
  t.same(
    report.apart.map(({ reason }) => reason),
    ["refused before any rule was asked"],
  );

  const candidate = join(systems.sallyport.folder, "candidate");
  writeCandidate(candidate, { ...ALL, ...CANDIDATE });
  const other = await run(systems, "replay", file, "--policy", candidate, "--old", own);
  t.equal(other.code, 1);
  t.match(other.out, /^The old policy decides \d+ of them as recorded\.\n/);
  t.match(
    other.out,
    /\nWould let more through: \d+\n! GET \/jobs\/\{job_id\} \(pie\): machines, scope streamline\/admin|\n! GET \/jobs\/\{job_id\} \(pie\)/,
  );
  t.match(other.out, /INSUFFICIENT_SCOPE → allow {2}\d+× \([0-9a-z-]+\)/);
  t.match(
    other.out,
    /\nWould let less through: \d+\n- GET \/clients\/\{client_id\}\/domains\/\{domain_id\}\/service\/\{service_id\} \(pie\)/,
  );
  t.match(other.out, /allow → INSUFFICIENT_SCOPE {2}1× /);
  t.same(
    other.out.split("\n").filter((line) => line.length > 80),
    [],
    "in 80 columns",
  );
  t.equal((await run(systems, "replay", file, "--policy", candidate, "--fail-on", "widening")).code, 1);
  const narrower = await run(systems, "replay", file, "--policy", own, "--old", candidate, "--fail-on", "widening");
  t.equal(narrower.code, 1, "the old policy does not decide as recorded");

  const unset = await answerOf(["replay", file, "--policy", own], { environment: {} });
  t.equal(unset.code, 2);
  t.match(unset.err, /variables that are not set here: .*PIE_ISSUER/);
});

t.test("a refusal is explained by its id, from the log and from the admin door", async (t) => {
  const systems = await startSystems(t, { files: REFUSALS });
  const { machine } = pieCallers(systems);
  const refused = await systems.ask("GET /v2/clients/acme?page=QUERYSECRET", machine("sealink", ["streamline/client_read"]));
  const id = String(refused.headers["x-decision-id"]);
  const own = join(systems.sallyport.folder, "sallyport.yaml");
  const fromLog = await run(systems, "explain", "--decision", id, "--decisions", logFile(systems), "--config", own);
  t.equal(fromLog.code, 1);
  t.match(fromLog.out, `Decision ${id}, `);
  t.match(fromLog.out, "GET /v2/clients/acme: 403 TENANT_MISMATCH");
  t.match(fromLog.out, "asked by a caller of `machines`");
  t.match(fromLog.out, "the request names acme, the caller's: sealink");
  t.match(fromLog.out, "- name the caller's own tenant `sealink` in the path");
  t.match(fromLog.out, "Of the query only names are recorded");
  t.notMatch(fromLog.out, "QUERYSECRET");
  t.notMatch(fromLog.out, "here they say");

  const token = systems.sallyport.adminToken;
  const environment = { ...systems.environment, SALLYPORT_ADMIN_TOKEN: token };
  const asked = ["explain", "--decision", id, "--admin", systems.sallyport.adminUrl, "--config", own];
  const fromDoor = await answerOf([...asked, "--json"], { environment: { ADMIN_TOKEN: token, ...environment } });
  t.equal(fromDoor.code, 1, fromDoor.err);
  t.match(JSON.parse(fromDoor.out), { code: "TENANT_MISMATCH", recorded: { decision: id, code: "TENANT_MISMATCH", status: 403 } });
  t.match(await answerOf(asked, { environment: { ...environment, ADMIN_TOKEN: token, SALLYPORT_ADMIN_TOKEN: "wrong" } }), {
    code: 2,
    err: /answered 401/,
  });
  t.match(await run(systems, "explain", "--decision", id, "--config", own), { code: 2, err: /--decisions FILE/ });
  const nowhere = await run(systems, "explain", "--decision", "000000000000-0", "--decisions", logFile(systems), "--config", own);
  t.match(nowhere, { code: 1, out: "", err: /does not have a decision 000000000000-0/ });
});

t.test("a shadow policy decides every request, is obeyed by none, and what it would change is counted, logged and summed up", async (t) => {
  const systems = await startSystems(t, { shadow: CANDIDATE });
  const { asked, secrets } = await traffic(t, systems);
  const { sallyport } = systems;
  t.equal((await systems.ask("GET /v2/jobs/j1", pieCallers(systems).machine("sealink", [SCOPES[1]!]))).verdict, "INSUFFICIENT_SCOPE");
  t.match(
    sallyport.log().find(({ msg }) => msg === "serving"),
    { shadowPolicy: /^[0-9a-f]{12}$/ },
    "also where nothing would differ",
  );
  const differing = sallyport.log().filter(({ shadow }) => shadow !== undefined);
  t.ok(differing.length >= 10 && differing.length < asked / 10, `${differing.length} differ`);
  t.same(
    secrets.filter((secret) => JSON.stringify(differing).includes(secret)),
    [],
  );
  const metrics = await (await fetch(`${sallyport.adminUrl}/metrics`)).text();
  const counted = (result: string) =>
    [...metrics.matchAll(new RegExp(`^sallyport_shadow_decisions_total\\{.*result="${result}"\\} (\\d+)`, "gm"))].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    );
  t.equal(counted("wider") + counted("narrower"), differing.length);
  t.equal(counted("same") + counted("wider") + counted("narrower") + counted("apart"), asked + 1);
  t.equal(counted("unknown") + counted("failed"), 0);

  const { code, out } = await run(systems, "shadow", "report", logFile(systems));
  t.equal(code, 1);
  t.match(out, /^\d+ decisions would have been otherwise by the shadow policy\n[0-9a-f]{12}\.\n/);
  t.match(out, /! GET \/jobs\/\{job_id\} \(pie\): machines, scope streamline\/write_models\n {4}INSUFFICIENT_SCOPE → allow {2}\d+× \(/);
  t.same(
    out.split("\n").filter((line) => line.length > 80),
    [],
  );
});

t.test("a shadow policy that cannot be read any more costs the gateway nothing, and is taken up again when it can", async (t) => {
  const systems = await startSystems(t, { shadow: {} });
  const { sallyport } = systems;
  const file = join(sallyport.folder, "shadow/services/pie.yaml");
  const good = readFileSync(file, "utf8");
  const metric = async (line: RegExp) => line.test(await (await fetch(`${sallyport.adminUrl}/metrics`)).text());
  writeFileSync(file, good.replace("GET /health: public", "GET /health: pubic"));
  t.equal((await sallyport.running.reload()).kind, "unchanged", "the policy in force is as it was");
  await until(() => metric(/^sallyport_shadow_policy_reloads_total\{result="rejected"\} 1$/m));
  t.match(sallyport.log().find(({ msg }) => String(msg).startsWith("shadow policy rejected"))?.["diagnostics"], [/pubic/]);
  t.equal((await systems.ask("GET /v2/health")).verdict, "allow");
  writeFileSync(file, good.replace("GET /health: public", "GET /health: { access: authenticated, tenant: unchecked }"));
  await sallyport.running.reload();
  t.equal((await systems.ask("GET /v2/health")).verdict, "allow", "the enforced policy counts");
  const differing = () => sallyport.log().find(({ shadow }) => shadow !== undefined);
  await until(() => differing() !== undefined);
  t.match(differing(), { outcome: "allow", shadow: { effect: "narrower", before: "allow", after: "TOKEN_MISSING", caller: "nobody" } });
});
