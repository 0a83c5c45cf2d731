/** PIE V2 behind the shipped table: whose data machines and people may ask for, and what PIE is told of them. */
import t from "tap";
import { askedRows, routesIn, routesOf, type Row } from "./grid.ts";
import { ADMIN, CLIENT_READ, LEGEND, pieCallers, SCOPES, VALUES } from "./pie-callers.ts";
import { shippedWith, startSystems, type Carried } from "./systems.ts";

const systems = await startSystems(t);
const { ask, piePool, sallyport } = systems;
const { machine, person } = pieCallers(systems);

/**
 * Columns: the person in `client:sealink` on her own tenant; the same on acme's data (paths without tenant are open all the same);
 * the group `admin` on acme's; a person without groups.
 */
const BY_PERSON: readonly Row[] = [
  ["xxxx", "GET /health"],
  ["xxx.", "GET /models"],
  ["..x.", "POST /models"],
  ["xxx.", "GET /models/{model_id}"],
  ["..x.", "POST /models/{model_id}/new_version"],
  ["..x.", "POST /models/{model_id}/versions/{version}/new_status"],
  ["..x.", "POST /models/{model_id}/versions/{version}/train"],
  ["xxx.", "POST /models/{model_id}/versions/{version}/infer"],
  ["..x.", "POST /models/{model_id}/versions/{version}/jobs/{job_id}/complete"],
  ["..x.", "POST /models/{model_id}/event-subscriptions"],
  ["xxx.", "GET /jobs/{job_id}"],
  ["ttx.", "GET /clients"],
  ["xtx.", "GET /clients/{client_id}"],
  ["..x.", "POST /clients/{client_id}/domains"],
  ["xtx.", "GET /clients/{client_id}/domains/{domain_id}"],
  ["..x.", "POST /clients/{client_id}/domains/{domain_id}/features"],
  ["xtx.", "GET /clients/{client_id}/domains/{domain_id}/service/{service_id}"],
  ["..x.", "POST /clients/{client_id}/domains/{domain_id}/service/init"],
  ["..x.", "POST /clients/{client_id}/domains/{domain_id}/assignments"],
  ["..x.", "PUT /clients/{client_id}/domains/{domain_id}/assignments/{key}"],
  ["..x.", "PUT /clients/{client_id}/domains/{domain_id}/service/{service_id}/assignments/{key}"],
  ["xtx.", "POST /clients/{client_id}/domains/{domain_id}/service/{service_id}/assignments/{key}/jobs"],
];

t.test("the table of expectations has every route of PIE", async (t) => {
  t.same(routesIn(BY_PERSON), routesOf(sallyport, "pie"));
});

t.test("a machine of sealink asks for acme: 403 TENANT_MISMATCH, found in the log by its decision id", async (t) => {
  const sealink = machine(
    "sealink",
    SCOPES.filter((scope) => scope !== ADMIN),
  );
  const answer = await ask("GET /v2/clients/acme/domains/south_australia", sealink);
  t.equal(answer.status, 403);
  t.equal(answer.body, '{"success":false,"message":"The request is about another tenant"}');
  t.match(sallyport.decision(String(answer.headers["x-decision-id"])), {
    outcome: "deny",
    code: "TENANT_MISMATCH",
    status: 403,
    service: "pie",
    route: "GET /clients/{client_id}/domains/{domain_id}",
    path: "/v2/clients/acme/domains/south_australia",
    caller: { subject: "sealink", kind: "machine", authenticator: "machines" },
  });
  t.notMatch(JSON.stringify(sallyport.log()), sealink.token ?? "", "the token is in no line of the log");
  for (const [, route] of BY_PERSON.filter(([, name]) => name.includes("{client_id}"))) {
    const [row] = await askedRows([["", route]], {
      ask,
      columns: [sealink],
      prefix: "/v2",
      values: { ...VALUES, client_id: "acme" },
      legend: LEGEND,
    });
    t.equal(row?.[0], "t", route);
  }
});

t.test("a tenant is compared whole and in its own letters, after decoding once", async (t) => {
  const sealink = machine("sealink", [CLIENT_READ]);
  const verdicts: readonly [path: string, verdict: string][] = [
    ["/v2/clients/sealink", "allow"],
    ["/v2/clients/%73ealink", "allow"],
    ["/v2/clients/SEALINK", "TENANT_MISMATCH"],
    ["/v2/clients/sea", "TENANT_MISMATCH"],
    ["/v2/clients/sealink2", "TENANT_MISMATCH"],
    ["/v2/clients/sealink%20", "TENANT_MISMATCH"],
    ["/v2/clients/*", "TENANT_MISMATCH"],
    ["/v2/clients/sealink%2Facme", "REQUEST_INVALID"],
    ["/v2/clients/%2573ealink", "REQUEST_INVALID"],
    ["/v2/clients/acme/../sealink", "REQUEST_INVALID"],
  ];
  for (const [path, verdict] of verdicts) t.equal((await ask(`GET ${path}`, sealink)).verdict, verdict, path);
  t.equal((await ask("GET /v2/clients/%73ealink", sealink)).reached?.url, "/v2/clients/sealink", "what was decided is what is forwarded");
});

t.test("streamline/admin may cross tenants, any other scope may not", async (t) => {
  const operations = machine("pie-operations", [ADMIN]);
  for (const path of ["/v2/clients", "/v2/clients/sealink", "/v2/clients/acme", "/v2/clients/acme/domains/south_australia"]) {
    t.equal((await ask(`GET ${path}`, operations)).verdict, "allow", path);
  }
  t.equal((await ask("GET /v2/clients/acme", machine("pie-operations", [CLIENT_READ]))).verdict, "TENANT_MISMATCH");
  for (const path of ["/v2/clients/*", "/v2/clients/a%20b", "/v2/clients/a,b"]) {
    t.equal((await ask(`GET ${path}`, operations)).verdict, "TENANT_MISMATCH", `${path} names no tenant at all`);
  }
});

t.test("a person in client:sealink has her own tenant only; the group admin has everything", async (t) => {
  const sealink = person(["client:sealink"]);
  const asking = { ask, prefix: "/v2", values: VALUES, legend: LEGEND };
  const own = await askedRows(BY_PERSON, { ...asking, columns: [sealink] });
  const acme = await askedRows(BY_PERSON, {
    ...asking,
    columns: [sealink, person(["admin"]), person([])],
    values: { ...VALUES, client_id: "acme" },
  });
  t.same(
    own.map(([marks, route], index) => [marks + acme[index]?.[0], route]),
    BY_PERSON,
  );
});

t.test("a group counts whole: client:sea is not sealink", async (t) => {
  const verdicts: readonly [groups: readonly string[], verdict: string][] = [
    [["client:sealink"], "allow"],
    [["client:acme", "client:sealink"], "allow"],
    [["client:sea"], "TENANT_MISMATCH"],
    [["client:sealink2"], "TENANT_MISMATCH"],
    [["client:Sealink"], "TENANT_MISMATCH"],
    [["client:sea", "client:link"], "TENANT_MISMATCH"],
    [["CLIENT:sealink"], "INSUFFICIENT_SCOPE"],
    [["xclient:sealink"], "INSUFFICIENT_SCOPE"],
    [["client:"], "INSUFFICIENT_SCOPE"],
    [["client:*"], "INSUFFICIENT_SCOPE"],
    [["client:sealink "], "INSUFFICIENT_SCOPE"],
    [["client:{tenant}"], "INSUFFICIENT_SCOPE"],
    [["client:sealink,client:acme"], "INSUFFICIENT_SCOPE"],
    [["sealink"], "INSUFFICIENT_SCOPE"],
    [["Admin"], "INSUFFICIENT_SCOPE"],
    [["admin "], "INSUFFICIENT_SCOPE"],
    [["admins"], "INSUFFICIENT_SCOPE"],
  ];
  for (const [groups, verdict] of verdicts)
    t.equal((await ask("GET /v2/clients/sealink", person(groups))).verdict, verdict, groups.join(" and "));
  t.equal((await ask("GET /v2/clients/sea", person(["client:sealink"]))).verdict, "TENANT_MISMATCH", "nor the other way round");
});

t.test("a person's token gains nothing from its client_id or its scopes", async (t) => {
  const groupless = person([], { clientId: "sealink", claims: { scope: SCOPES.join(" ") } });
  t.equal((await ask("GET /v2/models", groupless)).verdict, "INSUFFICIENT_SCOPE", "no permission from scopes");
  t.equal((await ask("GET /v2/clients/sealink", groupless)).verdict, "INSUFFICIENT_SCOPE");
  const ofAcme = person(["client:acme"], { clientId: "sealink", claims: { scope: ADMIN } });
  t.equal(
    (await ask("GET /v2/clients/sealink", ofAcme)).verdict,
    "TENANT_MISMATCH",
    "no tenant from client_id, and admin's scope crosses none",
  );
  t.equal((await ask("GET /v2/clients", ofAcme)).verdict, "TENANT_MISMATCH");
  t.equal((await ask("POST /v2/models", ofAcme)).verdict, "INSUFFICIENT_SCOPE");
  t.match((await ask("GET /v2/clients/acme", ofAcme)).reached?.headers, { "x-auth-kind": "person", "x-auth-tenant": "acme" });
});

t.test("a machine's token gains nothing from groups", async (t) => {
  const claims = { "cognito:groups": ["admin", "client:acme"] };
  t.equal((await ask("GET /v2/clients/acme", machine("sealink", [CLIENT_READ], { claims }))).verdict, "TENANT_MISMATCH");
  t.equal((await ask("GET /v2/clients", machine("sealink", [CLIENT_READ], { claims }))).verdict, "TENANT_MISMATCH");
  t.equal((await ask("GET /v2/models", machine("sealink", [CLIENT_READ], { claims }))).verdict, "INSUFFICIENT_SCOPE");
  t.equal((await ask("GET /v2/models", machine("sealink", [], { claims }))).verdict, "INSUFFICIENT_SCOPE");
});

t.test("PIE is told who asks, for which tenant and with what permissions, and never the token", async (t) => {
  const lies = {
    "x-auth-subject": "root",
    "X-Auth-Tenant": "acme",
    x_auth_tenant: "acme",
    "x.auth.permissions": "*",
    "X-Auth-Kind": "person",
    cookie: "session=1",
  };
  const told = async (line: string, carried: Carried) => {
    const { reached } = await ask(line, { ...carried, headers: lies });
    const raw = (reached?.rawHeaders ?? []).map((text) => text.toLowerCase());
    const named = (reached?.rawHeaders ?? [])
      .filter((_text, index) => index % 2 === 0)
      .map((name) => name.toLowerCase().replaceAll(/[_.]/g, "-"));
    t.equal(new Set(named).size, named.length, "each header once, in one spelling");
    t.notOk(
      raw.some((text) => text.includes(carried.token ?? "")),
      "the token is in no header",
    );
    t.notOk(reached?.headers.authorization ?? reached?.headers.cookie);
    const {
      "x-auth-subject": subject,
      "x-auth-kind": kind,
      "x-auth-tenant": tenant,
      "x-auth-permissions": permissions,
    } = reached?.headers ?? {};
    return { subject, kind, tenant, permissions };
  };
  const { sub } = piePool.person("sam") ?? {};
  t.same(await told("GET /v2/clients/sealink", machine("sealink", [CLIENT_READ])), {
    subject: "sealink",
    kind: "machine",
    tenant: "sealink",
    permissions: "clients.read,domains.read,services.read",
  });
  t.same(await told("GET /v2/models", machine("sealink", ["streamline/read_models"])), {
    subject: "sealink",
    kind: "machine",
    tenant: "sealink",
    permissions: "jobs.read,models.read,versions.read",
  });
  t.same(await told("GET /v2/clients/acme", machine("pie-operations", [ADMIN])), {
    subject: "pie-operations",
    kind: "machine",
    tenant: "acme",
    permissions: "*",
  });
  t.same(await told("GET /v2/clients/sealink", person(["client:sealink"])), {
    subject: sub,
    kind: "person",
    tenant: "sealink",
    permissions: "clients.read,domains.read,inference.run,jobs.read,models.read,services.read,versions.read",
  });
  t.same(await told("GET /v2/clients", person(["admin"])), { subject: sub, kind: "person", tenant: undefined, permissions: "*" });
});

t.test("with an alias table only the clients in it have a tenant", async (t) => {
  const place = "      claim: client_id                # with";
  const aliased = await startSystems(t, {
    files: shippedWith("services/pie.yaml", place, `      alias: { 7fk2mobile: sealink }\n${place}`),
  });
  const client = (clientId: string, scopes: readonly string[]): Carried => ({ token: aliased.piePool.machineToken({ clientId, scopes }) });
  const verdict = async (path: string, carried: Carried) => (await aliased.ask(`GET ${path}`, carried)).verdict;
  const listed = client("7fk2mobile", [CLIENT_READ, "streamline/read_models"]);
  const unlisted = client("sealink", [CLIENT_READ, "streamline/read_models"]);
  t.equal(await verdict("/v2/clients/sealink", listed), "allow");
  t.equal(await verdict("/v2/clients/7fk2mobile", listed), "TENANT_MISMATCH", "its own name is no tenant");
  t.equal(await verdict("/v2/clients/acme", listed), "TENANT_MISMATCH");
  t.equal(await verdict("/v2/clients/sealink", unlisted), "TENANT_MISMATCH", "a client that is called like the tenant");
  t.equal((await aliased.ask("GET /v2/models", listed)).reached?.headers["x-auth-tenant"], "sealink");
  const tenantless = await aliased.ask("GET /v2/models", unlisted);
  t.same([tenantless.verdict, tenantless.reached?.headers["x-auth-tenant"]], ["allow", undefined]);
  t.equal(await verdict("/v2/clients/acme", client("pie-operations", [ADMIN])), "allow", "who may cross tenants needs none");
});

/** One authenticator for machines and people alike. */
const FOR_BOTH = `version: 1
service: pie
prefix: /v2
upstream: { url: "\${PIE_URL}" }
authenticators:
  anybody:
    jwt: { issuer: "\${PIE_ISSUER}", jwks: "\${PIE_JWKS}", use: access, clients: any }
    scopes: { ${CLIENT_READ}: [clients.read] }
    groups: { readers: [clients.read] }
    tenant: { claim: client_id }
    crossTenant: { group: admin }
tenant: { path: client_id }
routes:
  GET /clients/{client_id}: clients.read
`;

t.test("scopes and client_id count for machines alone and groups for people alone, even where one authenticator takes both", async (t) => {
  const both = await startSystems(t, { files: { "services/pie.yaml": FOR_BOTH } });
  const callers = pieCallers(both);
  const groups = (...names: string[]) => ({ claims: { "cognito:groups": names } });
  const verdicts: readonly [why: string, carried: Carried, verdict: string][] = [
    ["a machine by its scope, for its own tenant", callers.machine("sealink", [CLIENT_READ]), "allow"],
    ["another machine", callers.machine("acme", [CLIENT_READ]), "TENANT_MISMATCH"],
    ["a machine in a group that may cross tenants", callers.machine("acme", [CLIENT_READ], groups("admin")), "TENANT_MISMATCH"],
    ["a machine in a group that may read", callers.machine("sealink", [], groups("readers")), "INSUFFICIENT_SCOPE"],
    ["a person by her groups", callers.person(["readers", "admin"]), "allow"],
    ["a person signed in by the client of that name", callers.person(["readers"], { clientId: "sealink" }), "TENANT_MISMATCH"],
    ["a person with the scope", callers.person(["admin"], { scopes: [CLIENT_READ] }), "INSUFFICIENT_SCOPE"],
  ];
  for (const [why, carried, verdict] of verdicts) t.equal((await both.ask("GET /v2/clients/sealink", carried)).verdict, verdict, why);
});

t.test("what a group grants for its tenant holds for that tenant alone, even for a person who may cross tenants", async (t) => {
  const files = shippedWith("services/pie.yaml", "crossTenant: { group: admin }", "crossTenant: { group: auditors }");
  const audited = await startSystems(t, { files });
  const auditor = pieCallers(audited).person(["client:sealink", "auditors"]);
  t.equal((await audited.ask("GET /v2/clients/sealink", auditor)).verdict, "allow");
  t.equal((await audited.ask("GET /v2/clients/acme", auditor)).verdict, "INSUFFICIENT_SCOPE");
});
