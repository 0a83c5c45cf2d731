/** StackFlow behind the shipped table: its refusals, and what roles and machine scopes open, over real sockets. */
import t from "tap";
import { askedRows, routesIn, routesOf, type Row } from "./grid.ts";
import { coded, READ, ROLES, stackflowCallers, WRITE } from "./stackflow-callers.ts";
import { APP_CLIENT, MACHINE_CLIENT, startSystems, type Carried } from "./systems.ts";

const systems = await startSystems(t);
const { ask, clocks, sallyport, flowPool } = systems;
const { person, machine } = stackflowCallers(systems);

const VALUES = { id: "INC0001234" };
const LEGEND = { x: "allow", ".": "INSUFFICIENT_ROLE" };

t.test("each of the five refusals has its code, its status and the id of its decision", async (t) => {
  const accessToken = flowPool.personTokens({
    username: "ivy",
    clientId: APP_CLIENT,
    custom: { role: "super_admin", tenant_id: "t1" },
  }).accessToken;
  const refusals: readonly [line: string, carried: Carried, status: number, code: string, error: string][] = [
    ["GET /prod/api/incidents", {}, 401, "TOKEN_MISSING", "A credential is required"],
    [
      "GET /prod/api/incidents",
      person("viewer", "t1", { issuedAt: clocks.epochMs - 7_200_000 }),
      401,
      "TOKEN_EXPIRED",
      "The token has expired",
    ],
    ["GET /prod/api/incidents", { token: accessToken }, 403, "WRONG_TOKEN_TYPE", "This kind of token is not accepted here"],
    ["POST /prod/api/incidents", person("viewer"), 403, "INSUFFICIENT_ROLE", "The caller's role does not allow this operation"],
    ["GET /prod/api/incidents?tenant_id=t2", person("viewer"), 403, "TENANT_MISMATCH", "The request is about another tenant"],
  ];
  for (const [line, carried, status, code, error] of refusals) {
    const answer = await ask(line, carried);
    t.same(coded(answer), { status, error, code, sameId: true, rest: {} }, code);
    t.equal(answer.headers["content-type"], "application/json; charset=utf-8");
    t.equal(answer.headers["www-authenticate"] !== undefined, status === 401);
    t.match(sallyport.decision(String(answer.headers["x-decision-id"])), { code, status, service: "stackflow", outcome: "deny" });
  }
});

t.test("the first thing that is wrong is told: broken, ended, of the wrong kind, role, tenant", async (t) => {
  const { accessToken } = flowPool.personTokens({
    username: "ivy",
    clientId: APP_CLIENT,
    lifetimeSeconds: 1,
    issuedAt: clocks.epochMs - 5000,
  });
  t.equal((await ask("GET /prod/api/incidents", { token: `${accessToken.slice(0, -8)}AAAAAAAA` })).verdict, "TOKEN_INVALID");
  t.equal((await ask("GET /prod/api/incidents", { token: accessToken })).verdict, "TOKEN_EXPIRED");
  t.equal((await ask("POST /prod/api/incidents?tenant_id=t2", person("viewer"))).verdict, "INSUFFICIENT_ROLE");
  t.equal((await ask("GET /prod/api/unknown")).verdict, "ROUTE_NOT_FOUND");
});

t.test("a good token that nobody here takes: 403 WRONG_TOKEN_TYPE", async (t) => {
  const strangers: readonly [why: string, carried: Carried][] = [
    ["an ID token for another app", person("super_admin", "t1", { clientId: "other-web" })],
    ["a machine that is not listed", { token: flowPool.machineToken({ clientId: "other-integration", scopes: [READ] }) }],
    [
      "the listed machine's name on a person's token",
      { token: flowPool.personTokens({ username: "ivy", clientId: MACHINE_CLIENT }).accessToken },
    ],
  ];
  for (const [why, carried] of strangers) t.equal((await ask("GET /prod/api/incidents", carried)).verdict, "WRONG_TOKEN_TYPE", why);
  const elsewhere = systems.piePool.machineToken({ clientId: MACHINE_CLIENT, scopes: [READ] });
  t.equal((await ask("GET /prod/api/incidents", { token: elsewhere })).verdict, "TOKEN_INVALID", "another issuer's is not even good");
});

/**
 * Eight people by their role: viewer, itsm_agent, itsm_manager, cloud_admin, super_admin, service_account, a role that there is not,
 * none at all. Then the machine by its scopes: read, write, both, one that there is not, none.
 */
const BY_CALLER: readonly Row[] = [
  ["xxxxxxxxxxxxx", "GET /health"],
  ["xxxxxx..xxx..", "GET /incidents"],
  [".xxxxx...xx..", "POST /incidents"],
  [".xxxxx...xx..", "POST /incidents/bulk"],
  ["xxxxxx..xxx..", "GET /incidents/{id}"],
  [".xxxxx...xx..", "PATCH /incidents/{id}"],
  ["..x.x........", "DELETE /incidents/{id}"],
  ["xxxxxx..xxx..", "GET /incidents/{id}/notes"],
  [".xxxxx...xx..", "POST /incidents/{id}/notes"],
  ["xxxxxx..xxx..", "GET /changes"],
  [".xxxxx...xx..", "POST /changes"],
  ["xxxxxx..xxx..", "GET /changes/{id}"],
  [".xxxxx...xx..", "PATCH /changes/{id}"],
  ["xxxxxx..xxx..", "GET /changes/{id}/risk"],
  [".xxxxx...xx..", "POST /changes/{id}/submit-cab"],
  ["..x.x........", "POST /changes/{id}/approve"],
  ["..x.x........", "POST /changes/{id}/reject"],
  ["xxxxxx..xxx..", "GET /cmdb/cis"],
  ["..xxxx...xx..", "POST /cmdb/cis"],
  ["xxxxxx..xxx..", "GET /cmdb/cis/{id}"],
  ["..xxxx...xx..", "PATCH /cmdb/cis/{id}"],
  ["...xx........", "DELETE /cmdb/cis/{id}"],
  ["xxxxxx..xxx..", "GET /cmdb/cis/{id}/relationships"],
  ["..xxxx...xx..", "POST /cmdb/cis/{id}/relationships"],
  ["xxxxxx..xxx..", "GET /cmdb/search"],
  ["xxxxxx..xxx..", "POST /cmdb/graph/query"],
  [".xxxxx.......", "POST /ai/ask"],
  [".xxxxx.......", "POST /ai/analyze"],
  ["....x........", "POST /admin/users"],
];

t.test("the table of expectations has every route of StackFlow", async (t) => {
  t.same(routesIn(BY_CALLER), routesOf(sallyport, "stackflow"));
});

for (const prefix of ["/prod/api", "/prod/api/v1"]) {
  t.test(`six roles and the machine's scopes open exactly their routes, under ${prefix}`, async (t) => {
    const people = [...ROLES, "root"].map((role) => person(role));
    const roleless = person("viewer", "t1", { custom: { tenant_id: "t1" } });
    const machines = [machine(READ), machine(WRITE), machine(READ, WRITE), machine("stackflow/api.admin"), machine()];
    const columns = [...people, roleless, ...machines];
    t.same(await askedRows(BY_CALLER, { ask, columns, prefix, values: VALUES, legend: LEGEND }), BY_CALLER);
    t.equal(
      (await ask(`GET ${prefix}/changes/CHG01?a=b`, columns[0])).reached?.url,
      `${prefix}/changes/CHG01?a=b`,
      "the path stays as it is",
    );
  });
}

t.test("a role counts whole and in its own letters", async (t) => {
  for (const role of ["Super_Admin", "super_admin ", "super", "super_admin,viewer", "*", "", "__proto__", "constructor"]) {
    t.equal((await ask("GET /prod/api/incidents", person(role))).verdict, "INSUFFICIENT_ROLE", JSON.stringify(role));
  }
  const list = person("viewer", "t1", { claims: { "custom:role": ["super_admin"] } });
  t.equal((await ask("GET /prod/api/incidents", list)).verdict, "TOKEN_INVALID", "a list is no role");
});

t.test("a person's ID token gains nothing from scopes, the machine nothing from a role", async (t) => {
  t.equal((await ask("POST /prod/api/incidents", person("viewer", "t1", { claims: { scope: WRITE } }))).verdict, "INSUFFICIENT_ROLE");
  const claims = { "custom:role": "super_admin" };
  const token = flowPool.machineToken({ clientId: MACHINE_CLIENT, scopes: [READ], claims });
  t.equal((await ask("POST /prod/api/incidents", { token })).verdict, "INSUFFICIENT_ROLE");
});
