/** The policy that is shipped loads without an environment, and compiles to what its comments say. */
import { join } from "node:path";
import t from "tap";
import type { JwtAuthenticator } from "../../src/contract/authenticators.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import { policyOf, routeOf } from "./fixtures.ts";

const configPath = join(import.meta.dirname, "../../config/sallyport.yaml");
const policy = policyOf(loadPolicy({ configPath, environment: {}, offline: true }));
const [registry, pie, stackflow] = policy.services;

t.test("it has the three services with all their routes", async (t) => {
  t.same(
    policy.services.map((service) => [service.name, service.prefixes, service.routes.length]),
    [
      ["model-registry", [""], 15],
      ["pie", ["/v2"], 22],
      ["stackflow", ["/prod/api", "/prod/api/v1"], 29],
    ],
  );
});

t.test("it needs its variables to serve", async (t) => {
  const loaded = loadPolicy({ configPath, environment: {} });
  t.equal(loaded.kind, "invalid");
  const messages = loaded.kind === "invalid" ? loaded.diagnostics.map((one) => one.message) : [];
  for (const name of ["ADMIN_TOKEN", "PIE_URL", "PIE_ISSUER", "REGISTRY_AUTH_TOKEN", "STACKFLOW_MACHINE_TENANT"]) {
    t.ok(messages.includes(`\`${name}\` is not set, or empty`), name);
  }
  t.notOk(
    messages.some((message) => message.includes("PIE_JWKS")),
    "an optional variable is no mistake",
  );
});

t.test("PIE tells machines from people, and both from the same issuer's keys", async (t) => {
  const [machines, people] = pie!.authenticators as readonly JwtAuthenticator[];
  t.equal(machines!.issuer, people!.issuer, "one issuer, one set of keys");
  t.match(machines!.issuer, {
    iss: "https://pie-issuer.invalid",
    jwks: "https://pie-issuer.invalid/.well-known/jwks.json",
    algorithms: ["RS256"],
  });
  t.match(machines, { caller: "machine", use: "access", clients: "any", maxLifetimeMs: 86_400_000, groupsClaim: "cognito:groups" });
  t.same(machines!.crossTenant, { kind: "scope", value: "streamline/admin" });
  t.same(machines!.tenant, { kind: "claim", claim: "client_id" });
  t.same([...people!.groups.keys()], ["admin"]);
  t.match(people!.groupPatterns, [{ prefix: "client:", suffix: "" }]);
  t.same(people!.tenant, { kind: "group", prefix: "client:", suffix: "" });
});

t.test("PIE's routes name their tenant in the path, or say that it does not matter", async (t) => {
  t.equal(routeOf(pie!, "GET /clients/{client_id}").tenant, "match");
  t.equal(routeOf(pie!, "GET /models").tenant, "unchecked");
  t.equal(routeOf(pie!, "GET /clients").tenant, "crossTenantOnly");
  t.same(routeOf(pie!, "GET /health").access, { kind: "public" });
});

t.test("the registry's second token is there only when its variable is set", async (t) => {
  const bearer = registry!.authenticators[0]!;
  t.same(bearer.kind === "bearer" && bearer.secrets.map((secret) => secret.id), ["current"]);
  const environment = { REGISTRY_AUTH_TOKEN_PREVIOUS: "0123456789abcdef" };
  const both = policyOf(loadPolicy({ configPath, environment, offline: true })).services[0]!.authenticators[0]!;
  t.same(both.kind === "bearer" && both.secrets.map((secret) => [secret.id, secret.until]), [
    ["current", undefined],
    ["previous", Date.UTC(2027, 0, 31)],
  ]);
});

t.test("the registry answers in its own words", async (t) => {
  t.equal(registry!.errors.format, "detail");
  t.same(registry!.errors.overrides.get("TOKEN_INVALID"), { status: 403, message: "Invalid authentication credentials" });
  t.match(registry!.cors, {
    methods: ["GET", "POST", "PUT", "DELETE", "OPTIONS"],
    headers: ["content-type", "authorization"],
    otherOrigins: "refuse",
  });
});

t.test("StackFlow's limits add up by name, and a route's stands in for the service's", async (t) => {
  const names = (route: string) => routeOf(stackflow!, route).callerLimits.map((limit) => `${limit.name} ${limit.count} ${limit.place}`);
  t.same(names("GET /incidents"), ["all 300 stackflow"], "writes do not count on a GET");
  t.same(names("POST /incidents"), ["all 300 stackflow", "writes 60 stackflow"]);
  t.same(names("POST /incidents/bulk"), ["all 300 stackflow", "writes 60 stackflow", "bulk 10 stackflow POST /incidents/bulk"]);
  t.same(names("POST /cmdb/graph/query"), ["all 300 stackflow", "writes 120 stackflow POST /cmdb/graph/query"]);
  t.same(
    routeOf(stackflow!, "GET /incidents").failureLimits.map((limit) => [limit.name, limit.place, limit.windowMs]),
    [["failures", "gateway", 60_000]],
  );
});

t.test("every header by which a service is told an identity, or reads a key, is stripped", async (t) => {
  t.same([...policy.strippedHeaders].toSorted(), [
    "x-api-key",
    "x-auth-kind",
    "x-auth-permissions",
    "x-auth-subject",
    "x-auth-tenant",
    "x-tenant-id",
    "x-user-id",
    "x-user-role",
  ]);
});

t.test("the gateway's doors, stores and time-outs are those of the file", async (t) => {
  t.match(policy.gateway, {
    listen: { host: "0.0.0.0", port: 8080 },
    health: { host: "0.0.0.0", port: 8081 },
    admin: { host: "127.0.0.1", port: 9090, tokens: [{ id: "ops" }] },
    stores: {
      keys: { kind: "sqlite", path: "data/keys.db" },
      counters: { kind: "memory", perWorker: false },
      tokenCacheBytes: 64 * 1024 ** 2,
    },
    log: { level: "info", decisions: "refusals" },
    graceMs: 30_000,
  });
  t.same(routeOf(pie!, "GET /models").timeouts, { connectMs: 2000, headersMs: 30_000, idleMs: 60_000 });
  t.same(routeOf(pie!, "GET /models").body, { maxBytes: 5 * 1024 * 1024, explicit: false });
});
