/** StackFlow behind the shipped table: whose data a request is about, and what StackFlow is told of the caller. */
import t, { type Test } from "tap";
import { READ, ROLES, stackflowCallers, stackflowKeys } from "./stackflow-callers.ts";
import { MACHINE_CLIENT, shippedWith, startSystems, type Carried, type Outcome } from "./systems.ts";

/** No shipped route names a tenant in its path: one that does is added. */
const WITH_TENANT_IN_PATH = shippedWith(
  "services/stackflow.yaml",
  "  GET /health: public\n",
  "  GET /health: public\n  GET /tenants/{tenant_id}/incidents: read\n",
);

const systems = await startSystems(t, { files: WITH_TENANT_IN_PATH });
const { ask, flowPool } = systems;
const { person, machine } = stackflowCallers(systems);
const { office, accountWith, keyOf } = stackflowKeys(t, systems);

const PREFIXES = ["/prod/api", "/prod/api/v1"];

/** What the upstream was told, each header in one spelling and once. */
function told(t: Test, { reached }: Outcome): object {
  const names = (reached?.rawHeaders ?? [])
    .filter((_text, index) => index % 2 === 0)
    .map((name) => name.toLowerCase().replaceAll(/[_.]/g, "-"));
  t.equal(new Set(names).size, names.length, "no header twice, in whatever spelling");
  t.notOk(reached?.headers.authorization ?? reached?.headers["x-api-key"]);
  const { "x-tenant-id": tenant, "x-user-id": subject, "x-user-role": role } = reached?.headers ?? {};
  return { tenant, subject, role };
}

t.test("a tenant named in path, query or header must be the caller's, and only the caller's is told to StackFlow", async (t) => {
  const t1 = { "x-tenant-id": "t1" };
  const t2 = { "x-tenant-id": "t2" };
  const requests: readonly [target: string, headers: Record<string, string | string[]>, verdict: string][] = [
    ["/incidents", {}, "allow"],
    ["/tenants/t1/incidents", {}, "allow"],
    ["/tenants/t2/incidents", {}, "TENANT_MISMATCH"],
    ["/tenants/T1/incidents", {}, "TENANT_MISMATCH"],
    ["/tenants/%741/incidents", {}, "allow"],
    ["/incidents?tenant_id=t1", {}, "allow"],
    ["/incidents?tenant_id=%741", {}, "allow"],
    ["/incidents?tenant_id=t2", {}, "TENANT_MISMATCH"],
    ["/incidents?tenant_id=T1", {}, "TENANT_MISMATCH"],
    ["/incidents?tenant_id=", {}, "TENANT_MISMATCH"],
    ["/incidents?tenant_id", {}, "TENANT_MISMATCH"],
    ["/incidents?tenant_id=*", {}, "TENANT_MISMATCH"],
    ["/incidents?tenant_id=t1,t2", {}, "TENANT_MISMATCH"],
    ["/incidents?tenant_id=t1&tenant_id=t1", {}, "allow"],
    ["/incidents?tenant_id=t1&tenant_id=t2", {}, "TENANT_MISMATCH"],
    ["/incidents?tenant_id=t2&tenant_id=t1", {}, "TENANT_MISMATCH"],
    ["/incidents?tenant%5Fid=t2", {}, "TENANT_MISMATCH"],
    ["/incidents?TENANT_ID=t2", {}, "TENANT_MISMATCH"],
    ["/incidents?tenant_id[]=t2", {}, "TENANT_MISMATCH"],
    ["/incidents?page=1;tenant_id=t2", {}, "TENANT_MISMATCH"],
    ["/incidents", t1, "allow"],
    ["/incidents", t2, "TENANT_MISMATCH"],
    ["/incidents", { "X-TENANT-ID": "t2" }, "TENANT_MISMATCH"],
    ["/incidents", { "x-tenant-id": "t1, t2" }, "TENANT_MISMATCH"],
    ["/incidents", { "x-tenant-id": "" }, "TENANT_MISMATCH"],
    ["/incidents", { "x-tenant-id": ["t1", "t1"] }, "allow"],
    ["/incidents", { "x-tenant-id": ["t1", "t2"] }, "TENANT_MISMATCH"],
    ["/tenants/t1/incidents?tenant_id=t1", t1, "allow"],
    ["/tenants/t2/incidents?tenant_id=t1", t1, "TENANT_MISMATCH"],
    ["/tenants/t1/incidents?tenant_id=t2", t1, "TENANT_MISMATCH"],
    ["/tenants/t1/incidents?tenant_id=t1", t2, "TENANT_MISMATCH"],
    ["/tenants/t2/incidents?tenant_id=t2", t2, "TENANT_MISMATCH"],
    ["/incidents", { X_Tenant_Id: "t2", "x.tenant.id": "t2", "x-tenant_id": "t2", "X-Tenant": "t2" }, "allow"],
    ["/incidents", { ...t1, X_Tenant_Id: "t2", "X.TENANT.ID": "t2" }, "allow"],
  ];
  const account = accountWith("viewer");
  const callers: readonly [who: string, carried: Carried, identity: object][] = [
    ["a person", person("viewer"), { tenant: "t1", subject: flowPool.person("ivy")?.sub, role: "viewer" }],
    ["the machine", machine(READ), { tenant: "t1", subject: MACHINE_CLIENT, role: "service_account" }],
    ["a key", keyOf(account, "admin"), { tenant: "t1", subject: account.id, role: "viewer" }],
  ];
  for (const [who, carried, identity] of callers) {
    for (const [index, [target, headers, verdict]] of requests.entries()) {
      const outcome = await ask(`GET ${PREFIXES[index % 2]}${target}`, { ...carried, headers });
      t.equal(outcome.verdict, verdict, `${who}: ${target} ${JSON.stringify(headers)}`);
      if (verdict === "allow") t.same(told(t, outcome), identity);
    }
  }
});

t.test("no role crosses tenants", async (t) => {
  for (const role of ROLES) t.equal((await ask("GET /prod/api/incidents?tenant_id=t2", person(role))).verdict, "TENANT_MISMATCH", role);
  t.equal((await ask("GET /prod/api/incidents?tenant_id=t2", person("viewer", "t2"))).verdict, "allow", "who is of t2 may ask for it");
});

t.test("a caller who has no tenant gets nowhere, named or not", async (t) => {
  const callers: readonly [who: string, carried: Carried][] = [
    ["no claim", person("super_admin", "", { custom: { role: "super_admin" } })],
    ["an empty claim", person("super_admin", "")],
    ["a claim that is no tenant", person("super_admin", "t1 t2")],
    ["a list", person("super_admin", "t1", { claims: { "custom:tenant_id": ["t1"] } })],
    ["a key whose account has none", keyOf(office.account({ service: "stackflow", id: "nowhere", role: "super_admin" }), "admin")],
  ];
  for (const [who, carried] of callers) {
    for (const target of ["/incidents", "/incidents?tenant_id=t1", "/tenants/t1/incidents"]) {
      t.equal((await ask(`GET /prod/api${target}`, carried)).verdict, "TENANT_MISMATCH", `${who}: ${target}`);
    }
  }
});

t.test("what a client says of itself never reaches StackFlow, in no spelling and on no route", async (t) => {
  const lies = {
    "x-user-id": "root",
    X_User_Id: "root",
    "x.user.id": "root",
    "X-User-Role": "super_admin",
    x_user_role: "super_admin",
    "x-user-email": "root@example.com",
    "x-auth-subject": "root",
    X_Auth_Permissions: "*",
    x_tenant_id: "t2",
    "x-forwarded-user": "root",
  };
  const known = await ask("GET /prod/api/incidents", { ...person("viewer"), headers: lies });
  t.same(told(t, known), { tenant: "t1", subject: flowPool.person("ivy")?.sub, role: "viewer" });
  t.notMatch(JSON.stringify(known.reached?.rawHeaders), /root|super_admin|t2/);
  const unknown = await ask("GET /prod/api/v1/health", { ...person("viewer"), headers: { ...lies, "x-tenant-id": "t1" } });
  t.same(told(t, unknown), { tenant: undefined, subject: undefined, role: undefined }, "on a public route nobody is named");
  t.notMatch(JSON.stringify(unknown.reached?.rawHeaders), /root|super_admin|t2/);
});
