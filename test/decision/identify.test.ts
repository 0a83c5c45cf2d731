import t from "tap";
import type { Account, KeyRecord, Proof } from "../../src/contract/caller.ts";
import { tokenProof } from "../../src/pipeline/authenticate/proofs.ts";
import { decisionOf, NOW, policyOf, tokenOf, wordOf } from "./policy.ts";

const ISS = "https://issuer.example/pool";
const policy = policyOf({
  app: `upstream: { url: http://127.0.0.1:9 }
roles:
  reader: [read]
  writer: [read, write]
  boss: ["*"]
authenticators:
  machines:
    jwt: { issuer: ${ISS}, use: access, caller: machine, clients: [robot, crane] }
    scopes: { app/read: [read], app/write: [read, write], app/all: ["*"] }
    tenant: { claim: client_id, alias: { robot: t1 } }
    crossTenant: { scope: app/all }
  people:
    jwt: { issuer: ${ISS}, use: access, caller: person, clients: any }
    groups: { admin: ["*"], "client:{tenant}": [read], "client:{tenant}:writers": [write] }
    tenant: { group: "client:{tenant}" }
    crossTenant: { group: admin }
  staff:
    jwt: { issuer: ${ISS}, use: id, audience: [web] }
    role: { claim: custom:role }
    tenant: { claim: custom:tenant }
  secret:
    bearer: [{ id: shared, value: a-shared-secret-of-some-length, access: [read], until: 2026-11-21T13:00:00Z }]
  key:
    apiKey: { header: x-api-key, prefix: app }
    scopes: { read-only: [read], everything: ["*"] }
    tenant: account
tenant: { path: tenant, query: tenant, header: x-tenant }
routes:
  GET /open: public
  GET /any: { access: authenticated, tenant: unchecked }
  GET /things: { access: read, tenant: unchecked }
  POST /things: { access: write, tenant: unchecked }
  GET /t/{tenant}: read
  PUT /t/{tenant}: write
  GET /both: { access: { allOf: [read, write] }, tenant: unchecked }
  GET /either: { access: { anyOf: [write, other] }, tenant: unchecked }
  GET /all-tenants: { access: read, tenant: crossTenantOnly }
  GET /machines-only: { access: read, tenant: unchecked, authenticators: [machines] }
  GET /near: { access: public, from: [10.0.0.0/8] }
`,
});

const machine = (clientId: string, scope: unknown, more: object = {}): Proof =>
  tokenOf(ISS, { sub: clientId, client_id: clientId, token_use: "access", scope, ...more });
const person = (groups: unknown, more: object = {}): Proof =>
  tokenOf(ISS, { sub: "u-1", username: "ivy", client_id: "web", token_use: "access", "cognito:groups": groups, ...more });
const staff = (role: unknown, tenant: unknown, more: object = {}): Proof =>
  tokenOf(ISS, {
    sub: "u-2",
    "cognito:username": "max",
    aud: "web",
    token_use: "id",
    "custom:role": role,
    "custom:tenant": tenant,
    ...more,
  });
const keyOf = (scopes: readonly string[], account: Partial<Account> = {}, more: Partial<KeyRecord> = {}): Proof => ({
  kind: "key",
  authenticator: "key",
  key: {
    id: "k1",
    service: "app",
    scopes,
    digest: new Uint8Array(32),
    createdAt: 0,
    account: { service: "app", id: "bot", kind: "service", role: "writer", tenant: "t1", enabled: true, ...account },
    ...more,
  },
});

const said = (request: string, proof?: Proof, now?: number): string => {
  const [method = "", target = ""] = request.split(" ");
  return wordOf(decisionOf(policy, { method, target }, proof, now));
};

t.test("a machine may do what its scopes say, whole and case-sensitive", async (t) => {
  t.equal(said("GET /things", machine("robot", "app/read")), "allow GET /things");
  t.equal(said("POST /things", machine("robot", "app/read")), "INSUFFICIENT_SCOPE");
  for (const scope of ["APP/READ", "app/readx", "xapp/read", "app/read\tapp/write", "", "app"])
    t.equal(said("GET /things", machine("robot", scope)), "INSUFFICIENT_SCOPE", scope);
  t.equal(said("POST /things", machine("robot", "other app/write  more")), "allow POST /things");
  t.equal(said("GET /things", machine("robot", undefined)), "INSUFFICIENT_SCOPE");
});

t.test("claims of the wrong type make the token invalid", async (t) => {
  for (const scope of [["app/read"], 1, null, {}]) t.equal(said("GET /things", machine("robot", scope)), "TOKEN_INVALID");
  for (const groups of ["admin", [1], [["admin"]], { admin: true }]) t.equal(said("GET /things", person(groups)), "TOKEN_INVALID");
  for (const role of [["boss"], 1, {}]) t.equal(said("GET /things", staff(role, "t1")), "TOKEN_INVALID");
  for (const sub of [undefined, "", 1, ["robot"]]) t.equal(said("GET /things", machine("robot", "app/read", { sub })), "TOKEN_INVALID");
});

t.test("token_use, client and audience choose the authenticator, or none", async (t) => {
  t.equal(said("GET /things", machine("stranger", "app/read")), "WRONG_TOKEN_TYPE");
  t.equal(said("GET /things", staff("reader", "t1", { aud: "other" })), "WRONG_TOKEN_TYPE");
  t.equal(said("GET /things", staff("reader", "t1", { aud: ["web", "evil"] })), "TOKEN_INVALID", "a list is no audience");
  t.equal(said("GET /things", staff("reader", "t1", { aud: undefined })), "TOKEN_INVALID");
  t.equal(said("GET /things", machine("robot", "app/read", { token_use: "refresh" })), "WRONG_TOKEN_TYPE");
  for (const use of [undefined, ["access"], 1, ""])
    t.equal(said("GET /things", machine("robot", "app/read", { token_use: use })), "TOKEN_INVALID");
  t.equal(said("GET /machines-only", machine("robot", "app/read")), "allow GET /machines-only");
  t.equal(said("GET /machines-only", person(["client:t1"])), "WRONG_TOKEN_TYPE", "a good token that does not count on the route");
  const foreign = { sub: "robot", client_id: "robot", token_use: "access", scope: "app/read" };
  t.equal(said("GET /things", tokenOf("https://issuer.example/other", foreign)), "TOKEN_INVALID", "another issuer");
  t.equal(said("GET /things", tokenOf(`${ISS}/`, foreign)), "TOKEN_INVALID", "the same issuer in other words");
});

t.test("what a service made of a shared proof holds for no other service, no other instant and no copy", async (t) => {
  const other = policyOf({
    app: `upstream: { url: http://127.0.0.1:9 }
authenticators:
  machines:
    jwt: { issuer: ${ISS}, use: access, caller: machine, clients: [robot] }
    scopes: { app/read: [write] }
routes:
  GET /things: read
`,
  });
  const plain = machine("robot", "app/read") as Extract<Proof, { kind: "jwt" }>;
  const shared = tokenProof(plain.iss, plain.claims);
  for (let round = 0; round < 2; round++) {
    t.equal(said("GET /things", shared), "allow GET /things");
    t.equal(wordOf(decisionOf(other, { method: "GET", target: "/things" }, shared)), "INSUFFICIENT_SCOPE");
    t.equal(said("GET /things", shared, NOW + 3_540_000), "TOKEN_EXPIRED");
    t.equal(said("GET /things", { ...shared, claims: { ...plain.claims, scope: "none" } }), "INSUFFICIENT_SCOPE");
  }
});

t.test("scopes count for machines, groups for people", async (t) => {
  t.equal(said("POST /things", person([], { scope: "app/all app/write" })), "INSUFFICIENT_SCOPE");
  t.equal(said("GET /things", machine("robot", "", { "cognito:groups": ["admin"] })), "INSUFFICIENT_SCOPE");
  t.equal(said("GET /things", machine("robot", "app/read", { username: "" })), "WRONG_TOKEN_TYPE", "neither a person nor a machine");
});

t.test("one authenticator for both kinds still counts scopes for machines and groups for people alone", async (t) => {
  const mixed = policyOf({
    app: `upstream: { url: http://127.0.0.1:9 }
authenticators:
  all:
    jwt: { issuer: ${ISS}, use: access, clients: any }
    scopes: { app/read: [read] }
    groups: { readers: [read] }
routes:
  GET /things: read
`,
  });
  const at = (proof: Proof): string => wordOf(decisionOf(mixed, { target: "/things" }, proof));
  t.equal(at(machine("robot", "app/read")), "allow GET /things");
  t.equal(at(person(["readers"])), "allow GET /things");
  t.equal(at(person([], { scope: "app/read" })), "INSUFFICIENT_SCOPE");
  t.equal(at(machine("robot", "", { "cognito:groups": ["readers"] })), "INSUFFICIENT_SCOPE");
});

t.test("times are checked to the second, without leeway on exp", async (t) => {
  const exp = NOW / 1000 + 10;
  const token = machine("robot", "app/read", { exp });
  t.equal(said("GET /things", token, exp * 1000 - 1), "allow GET /things");
  t.equal(said("GET /things", token, exp * 1000), "TOKEN_EXPIRED");
  for (const bad of [undefined, null, "123", [exp], {}, true, exp + 0.5, 1e300, Infinity])
    t.equal(said("GET /things", machine("robot", "app/read", { exp: bad })), "TOKEN_INVALID", JSON.stringify(bad));
  t.equal(said("GET /things", machine("robot", "app/read", { exp: -1 })), "TOKEN_INVALID", "no lifetime");
  t.equal(said("GET /things", machine("robot", "app/read", { exp: NOW / 1000 - 60 + 86_401 })), "TOKEN_INVALID", "longer than a day");
  t.equal(said("GET /things", machine("robot", "app/read", { exp: NOW })), "TOKEN_INVALID", "milliseconds");
  t.equal(said("GET /things", machine("robot", "app/read", { iat: NOW / 1000 + 60 })), "allow GET /things");
  for (const iat of [NOW / 1000 + 61, undefined, "1", 1.5])
    t.equal(said("GET /things", machine("robot", "app/read", { iat })), "TOKEN_INVALID", String(iat));
  t.equal(said("GET /things", machine("robot", "app/read", { nbf: NOW / 1000 + 60 })), "allow GET /things");
  for (const nbf of [NOW / 1000 + 61, "1", null, 1e300])
    t.equal(said("GET /things", machine("robot", "app/read", { nbf })), "TOKEN_INVALID", String(nbf));
});

t.test("a role from a claim grants what the role has; an unknown or absent one nothing", async (t) => {
  t.equal(said("POST /things", staff("writer", "t1")), "allow POST /things");
  for (const role of ["reader", "WRITER", "none", undefined, "", "__proto__", "constructor"])
    t.equal(said("POST /things", staff(role, "t1")), "INSUFFICIENT_ROLE", String(role));
  t.equal(said("GET /either", staff("boss", "t1")), "allow GET /either", "* grants what nothing else names");
});

t.test("a key never exceeds its owner, nor its owner the key", async (t) => {
  t.equal(said("POST /things", keyOf(["everything"], { role: "writer" })), "allow POST /things");
  t.equal(said("POST /things", keyOf(["everything"], { role: "reader" })), "INSUFFICIENT_ROLE");
  t.equal(said("POST /things", keyOf(["read-only"], { role: "boss" })), "INSUFFICIENT_ROLE");
  t.equal(said("GET /things", keyOf(["read-only"], { role: "gone" })), "INSUFFICIENT_ROLE");
  t.equal(said("GET /things", keyOf(["unknown"])), "INSUFFICIENT_ROLE");
});

t.test("a key ends with its revocation, its expiry and its account, with one answer for all", async (t) => {
  t.equal(said("GET /things", keyOf(["read-only"], {}, { revokedAt: NOW + 1000 })), "KEY_INVALID");
  t.equal(said("GET /things", keyOf(["read-only"], {}, { expiresAt: NOW })), "KEY_INVALID");
  t.equal(said("GET /things", keyOf(["read-only"], {}, { expiresAt: NOW + 1 })), "allow GET /things");
  t.equal(said("GET /things", keyOf(["read-only"], { enabled: false })), "KEY_INVALID");
  t.equal(said("GET /things", keyOf(["read-only"], {}, { service: "elsewhere" })), "KEY_INVALID");
});

t.test("a secret grants its access until its end", async (t) => {
  const secret: Proof = { kind: "secret", authenticator: "secret", id: "shared" };
  t.equal(said("GET /things", secret), "allow GET /things");
  t.equal(said("POST /things", secret), "INSUFFICIENT_SCOPE");
  t.equal(said("GET /things", secret, Date.parse("2026-11-21T13:00:00Z")), "TOKEN_INVALID");
  t.equal(said("GET /things", { ...secret, id: "another" }), "TOKEN_INVALID");
});

t.test("what could not be proved has its own code, in the order of stage 6", async (t) => {
  t.equal(said("GET /things"), "TOKEN_MISSING");
  t.equal(said("GET /things", { kind: "ambiguous", reason: "" }), "CREDENTIALS_AMBIGUOUS");
  t.equal(said("GET /things", { kind: "invalid", code: "KEY_INVALID", reason: "" }), "KEY_INVALID");
  t.equal(said("GET /things", { kind: "unavailable", reason: "" }), "AUTH_UNAVAILABLE");
  t.equal(said("GET /open", { kind: "invalid", code: "TOKEN_INVALID", reason: "" }), "allow GET /open", "public routes read no credential");
});

t.test("allOf wants all, anyOf one", async (t) => {
  t.equal(said("GET /both", machine("robot", "app/read")), "INSUFFICIENT_SCOPE");
  t.equal(said("GET /both", machine("robot", "app/write")), "allow GET /both");
  t.equal(said("GET /either", machine("robot", "app/read")), "INSUFFICIENT_SCOPE");
  t.equal(said("GET /either", machine("robot", "app/write")), "allow GET /either");
});

t.test("the tenant named must be the caller's", async (t) => {
  const read = machine("robot", "app/read");
  t.equal(said("GET /t/t1", read), "allow GET /t/{tenant}");
  for (const tenant of ["t2", "robot", "T1", "t1x", "t", "%74%32", "t1%20", "t1;x", "__proto__", "constructor", "undefined", "null", "*"])
    t.equal(said(`GET /t/${tenant}`, read), "TENANT_MISMATCH", tenant);
  t.equal(said("GET /t/%74%31", read), "allow GET /t/{tenant}", "after one decoding");
  t.equal(said("GET /t/crane", machine("crane", "app/read")), "TENANT_MISMATCH", "not in the alias table: no tenant");
  t.equal(said("GET /t/t2", machine("robot", "app/all")), "allow GET /t/{tenant}", "may cross tenants");
  t.equal(said("GET /t/a%20b", machine("robot", "app/all")), "TENANT_MISMATCH", "no tenant at all");
});

t.test("all places that name a tenant must agree, repeats included", async (t) => {
  const read = machine("robot", "app/all");
  const at = (target: string, headers: Record<string, readonly string[]> = {}): string =>
    wordOf(decisionOf(policy, { target, headers }, read));
  t.equal(at("/t/t1?tenant=t1", { "x-tenant": ["t1"] }), "allow GET /t/{tenant}");
  for (const query of [
    "tenant=t2",
    "tenant=t1&tenant=t2",
    "tenant=",
    "Tenant=t2",
    "tenant[]=t2",
    "[tenant]=t2",
    "%5Btenant%5D=t2",
    "?tenant=t2",
    "]tenant=t2",
    "tenant%5D=t2",
    "[[tenant]=t2",
    "%74enant=t2",
    "x=1;tenant=t2",
    "tenant=t1;tenant=t2",
  ])
    t.equal(at(`/t/t1?${query}`), "TENANT_MISMATCH", query);
  t.equal(at("/t/t1", { "x-tenant": ["t2"] }), "TENANT_MISMATCH");
  t.equal(at("/t/t1", { "x-tenant": ["t1", "t2"] }), "TENANT_MISMATCH");
  t.equal(at("/t/t1", { "x-tenant": ["t1, t2"] }), "TENANT_MISMATCH");
});

t.test("a group pattern's grants hold for its tenant alone", async (t) => {
  const ivy = person(["client:t1", "client:t2", "client:t2:writers"]);
  t.equal(said("GET /t/t1", ivy), "allow GET /t/{tenant}");
  t.equal(said("PUT /t/t2", ivy), "allow PUT /t/{tenant}");
  t.equal(said("PUT /t/t1", ivy), "INSUFFICIENT_SCOPE");
  t.equal(said("GET /t/t3", ivy), "TENANT_MISMATCH");
  for (const group of ["client:", "xclient:t1", "CLIENT:t1", "client:t1x", "client:t", "client"])
    t.equal(said("GET /t/t1", person([group, "client:t9"])), "TENANT_MISMATCH", group);
  t.equal(said("GET /t/anything", person(["admin"])), "allow GET /t/{tenant}");
});

t.test("the upstream is told the tenant that was named, else the only one, else none", async (t) => {
  const told = (target: string, proof: Proof): unknown => {
    const decision = decisionOf(policy, { target }, proof);
    return decision.outcome === "allow" ? decision.tenant : decision;
  };
  t.equal(told("/t/t1", person(["client:t1", "client:t2"])), "t1");
  t.equal(told("/things", machine("robot", "app/read")), "t1");
  t.equal(told("/things", person(["client:t1", "client:t2"])), undefined);
  t.equal(told("/things?tenant=t2", machine("robot", "app/read")), "t1", "unchecked: a foreign name is not told");
  t.equal(told("/things?tenant=t2", machine("robot", "app/all")), "t2");
});

t.test("crossTenantOnly asks for a caller who may cross tenants", async (t) => {
  t.equal(said("GET /all-tenants", machine("robot", "app/read")), "TENANT_MISMATCH");
  t.equal(said("GET /all-tenants", machine("robot", "app/all")), "allow GET /all-tenants");
});

t.test("stage 8 refuses in its order: address, permission, tenant", async (t) => {
  t.equal(wordOf(decisionOf(policy, { target: "/near", address: "192.0.2.1" })), "ADDRESS_NOT_ALLOWED");
  t.equal(wordOf(decisionOf(policy, { target: "/near", address: "10.1.2.3" })), "allow GET /near");
  t.equal(said("PUT /t/t2", machine("robot", "app/read")), "INSUFFICIENT_SCOPE");
  t.equal(said("PUT /t/t2", machine("robot", "app/write")), "TENANT_MISMATCH");
});

t.test("a tenant claim that is no tenant names none", async (t) => {
  for (const tenant of [undefined, null, 1, ["t1"], {}, "", "..", "a b", "x".repeat(129)])
    t.equal(said("GET /t/t1", staff("reader", tenant)), "TENANT_MISMATCH", JSON.stringify(tenant));
  t.equal(said("GET /t/t1", staff("reader", "t1")), "allow GET /t/{tenant}");
});

t.test("a group pattern's grant for one tenant opens nothing that another tenant is told of", async (t) => {
  const mixed = policyOf({
    app: `upstream: { url: http://127.0.0.1:9 }
authenticators:
  people:
    jwt: { issuer: ${ISS}, use: access, caller: person, clients: any }
    groups: { "viewer:{tenant}": [read], "admin:{tenant}": [read, write] }
    tenant: { group: "viewer:{tenant}" }
tenant: { query: tenant }
routes:
  POST /items: write
  POST /shared: { access: write, tenant: unchecked }
  GET /all: { access: { allOf: [read, write] }, tenant: unchecked }
`,
  });
  const proof = person(["viewer:acme", "admin:other"]);
  const at = (method: string, target: string) => decisionOf(mixed, { method, target }, proof);
  t.equal(wordOf(at("POST", "/items?tenant=acme")), "INSUFFICIENT_SCOPE");
  t.equal(wordOf(at("POST", "/items?tenant=other")), "TENANT_MISMATCH");
  t.equal(wordOf(at("POST", "/items")), "INSUFFICIENT_SCOPE", "leaving the tenant out gives no more than naming it");
  const shared = at("POST", "/shared");
  t.match(shared, { outcome: "allow" });
  t.equal(shared.outcome === "allow" && shared.tenant, undefined, "what was granted for another tenant is not told as this one's");
  const split = person(["viewer:acme", "writer:other"]);
  t.equal(wordOf(decisionOf(mixed, { target: "/all" }, split)), "INSUFFICIENT_SCOPE", "two tenants' grants never add up");
});

t.test("a query name counts however it is encoded", async (t) => {
  const at = (query: string): string => wordOf(decisionOf(policy, { target: `/t/t1?${query}` }, machine("robot", "app/all")));
  for (const query of ["tenant[%ff]=t2", "%74enant[%ff]=t2", "tenant%00=t2", "tenant%00x=t2", "%74enant%5B%ff]=t2"])
    t.equal(at(query), "TENANT_MISMATCH", query);
});
