/** What `explain` proposes turns the outcome round, over generated policies and requests; where something would, it finds something. */
import fc from "fast-check";
import t from "tap";
import { type Credential, credentialOf, NOBODY } from "../../src/assurance/credential.ts";
import { flipsOf } from "../../src/assurance/explain/flip.ts";
import { type Inquiry, judge } from "../../src/assurance/inquiry.ts";
import type { Policy } from "../../src/contract/policy.ts";
import type { CallerSketch, RequestSketch } from "../../src/contract/policy-tests.ts";
import { scopeClaim } from "../../src/decision/claims.ts";
import { policyOf } from "../decision/policy.ts";

const NOW = Date.parse("2026-12-01T12:00:00Z");
const PERMISSIONS = ["a.read", "a.write", "b.read", "b.write"];
const SCOPES = ["one", "two", "three"];
const ROLES = ["low", "high"];
const TENANTS = ["t1", "t2"];

const grants: fc.Arbitrary<string[]> = fc.oneof(
  { weight: 3, arbitrary: fc.subarray(PERMISSIONS) },
  { weight: 1, arbitrary: fc.constant<string[]>(["*"]) },
);
const accesses = fc.oneof(
  fc.constantFrom("public", "authenticated", "denied", ...PERMISSIONS),
  fc.record({ allOf: fc.subarray(PERMISSIONS, { minLength: 2 }) }),
  fc.record({ anyOf: fc.subarray(PERMISSIONS, { minLength: 2 }) }),
);
const rule = fc.record(
  {
    access: accesses,
    authenticators: fc.subarray(["machines", "people", "key"], { minLength: 1 }),
    from: fc.constantFrom(["10.0.0.0/8"], ["192.0.2.0/24"]),
    query: fc.constant({ deny: ["debug"] }),
    tenant: fc.constantFrom("unchecked", "crossTenantOnly"),
  },
  { requiredKeys: ["access"] },
);

interface Made {
  readonly scopes: Record<string, string[]>;
  readonly roles: Record<string, string[]>;
  readonly rules: readonly object[];
  readonly cors: boolean;
  readonly required: boolean;
  readonly clients: "any" | string[];
}

const ROUTES = ["GET /things", "POST /things", "GET /things/{id}", "GET /tenants/{tenant}/things", "DELETE /tenants/{tenant}/things/{id}"];

const made: fc.Arbitrary<Made> = fc.record({
  scopes: fc.record({ one: grants, two: grants, three: grants }),
  roles: fc.record({ low: grants, high: grants }),
  rules: fc.array(rule, { minLength: ROUTES.length, maxLength: ROUTES.length }),
  cors: fc.boolean(),
  required: fc.boolean(),
  clients: fc.constantFrom("any" as const, ["t1"]),
});

/** JSON is YAML. A rule that cannot stand on its route is made one that can. */
function policyFrom({ scopes, roles, rules, cors, required, clients }: Made): Policy {
  const routes = ROUTES.map((name, index) => [name, fitting(name, rules[index]!)]);
  const file = {
    upstream: { url: "http://shop.example" },
    roles,
    authenticators: {
      machines: {
        jwt: { issuer: "https://issuer.example", use: "access", caller: "machine", clients },
        scopes,
        tenant: { claim: "client_id" },
        crossTenant: { scope: "three" },
      },
      people: {
        jwt: { issuer: "https://issuer.example", use: "id", audience: ["app"] },
        role: { claim: "role" },
        tenant: { claim: "tenant" },
      },
      key: { apiKey: { header: "x-api-key", prefix: "shop" }, scopes, tenant: "account" },
    },
    tenant: { path: "tenant", header: "x-tenant", query: "tenant", required },
    ...(cors && { cors: { origins: ["https://app.example"], otherOrigins: "refuse" } }),
    routes: Object.fromEntries(routes),
  };
  const lines = Object.entries(file).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return policyOf({ shop: `${lines.join("\n")}\n` });
}

function fitting(name: string, wanted: object): object | string {
  const { access, authenticators, tenant } = wanted as { access: unknown; authenticators?: string[]; tenant?: string };
  if (access === "denied") return "denied";
  if (access === "public") return name.includes("{tenant}") ? "authenticated" : "public";
  const nobody = tenant === "crossTenantOnly" && authenticators?.includes("machines") === false;
  return nobody ? { ...wanted, authenticators: ["machines"] } : wanted;
}

const rarely = fc.integer({ min: 0, max: 5 }).map((number) => number === 0);

const callers: fc.Arbitrary<CallerSketch | undefined> = fc.oneof(
  fc.constant(undefined),
  fc
    .record({
      tenant: fc.constantFrom(...TENANTS),
      scopes: fc.subarray(SCOPES),
      expired: rarely,
      use: fc.constantFrom("access", "access", "id"),
    })
    .map(({ tenant, scopes, expired, use }): CallerSketch => ({
      name: "machine",
      service: "shop",
      by: "machines",
      claims: { client_id: tenant, scope: scopes.join(" "), token_use: use },
      expired,
    })),
  fc
    .record({ tenant: fc.option(fc.constantFrom(...TENANTS)), role: fc.option(fc.constantFrom(...ROLES)) })
    .map(({ tenant, role }): CallerSketch => ({ name: "person", service: "shop", by: "people", claims: { tenant, role } })),
  fc
    .record({
      tenant: fc.constantFrom(...TENANTS),
      role: fc.constantFrom(...ROLES, "unknown"),
      scopes: fc.subarray(SCOPES),
      revoked: rarely,
      enabled: rarely.map((off) => !off),
    })
    .map(({ tenant, role, scopes, revoked, enabled }): CallerSketch => ({
      name: "key",
      service: "shop",
      by: "key",
      account: { tenant, role, enabled },
      scopes,
      revoked,
    })),
);

const MATCHING: readonly (readonly [string, string])[] = [
  ["GET", "/things"],
  ["POST", "/things"],
  ["OPTIONS", "/things"],
  ["GET", "/things/1"],
  ["GET", "/tenants/t1/things"],
  ["DELETE", "/tenants/t1/things/1"],
  ["DELETE", "/tenants/t2/things/1"],
];
const PATHS = ["/things", "/thing", "/things/", "/things//1", "/tenants/t1/../t2/things"];

const requests: fc.Arbitrary<RequestSketch> = fc
  .record({
    line: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...MATCHING) },
      { weight: 2, arbitrary: fc.tuple(fc.constantFrom("GET", "POST", "OPTIONS"), fc.constantFrom(...PATHS)) },
    ),
    query: fc.oneof(
      { weight: 4, arbitrary: fc.constant("") },
      { weight: 1, arbitrary: fc.constantFrom("?tenant=t1", "?tenant=t2", "?debug=1") },
    ),
    tenant: fc.option(fc.constantFrom(...TENANTS), { freq: 1 }),
    origin: fc.oneof(
      { weight: 6, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.constantFrom("https://app.example", "https://other.example") },
    ),
    preflight: fc.boolean(),
  })
  .map(({ line: [method, path], ...rest }) => ({ method, path, ...rest }))
  .map(({ method, path, query, tenant, origin, preflight }) => ({
    method,
    target: path + query,
    headers: new Map<string, readonly string[]>([
      ["host", ["gateway.example"]],
      ...(tenant === null ? [] : [["x-tenant", [tenant]] as const]),
      ...(origin === null ? [] : [["origin", [origin]] as const]),
      ...(preflight ? [["access-control-request-method", ["GET"]] as const] : []),
    ]),
    address: "192.0.2.1",
    websocket: false,
  }));

const policies = fc.sample(made, { numRuns: 60, seed: 20261121 }).map(policyFrom);
/** A policy by its number: a counter-example is printed, and a policy would fill pages. */
const situation = fc.record({ number: fc.nat({ max: policies.length - 1 }), request: requests, caller: callers });

function inquiryOf(policy: Policy, request: RequestSketch, caller: CallerSketch | undefined): Inquiry {
  return { request, credential: caller ? credentialOf(policy, caller, NOW) : NOBODY, now: NOW };
}

const isDenied = (policy: Policy, inquiry: Inquiry): boolean => judge(policy, inquiry).decision.outcome === "deny";

t.test("every change that is proposed turns the outcome round, and is one change", async () => {
  fc.assert(
    fc.property(situation, ({ number, request, caller }) => {
      const policy = policies[number]!;
      const inquiry = inquiryOf(policy, request, caller);
      const before = isDenied(policy, inquiry);
      for (const flip of flipsOf(policy, inquiry)) {
        const changed = [flip.policy !== policy, flip.inquiry.request !== inquiry.request, flip.inquiry.credential !== inquiry.credential];
        if (changed.filter(Boolean).length !== 1) throw new Error(`not one change: ${flip.words}`);
        if (isDenied(flip.policy, flip.inquiry) === before) throw new Error(`does not turn it round: ${flip.words}`);
      }
    }),
    { numRuns: 1500, seed: 1 },
  );
});

t.test("where one edit of request or caller lets a refused request through, one is proposed", async () => {
  fc.assert(
    fc.property(situation, ({ number, request, caller }) => {
      const policy = policies[number]!;
      const inquiry = inquiryOf(policy, request, caller);
      if (!isDenied(policy, inquiry)) return;
      const found = bruteForce(inquiry).find((edited) => !isDenied(policy, edited));
      if (found && flipsOf(policy, inquiry).length === 0)
        throw new Error(`missed: ${JSON.stringify([found.request, [...found.request.headers], found.credential])}`);
    }),
    { numRuns: 1500, seed: 2 },
  );
});

/** Single edits, made without any knowledge of what decides. */
function bruteForce(inquiry: Inquiry): readonly Inquiry[] {
  const { request } = inquiry;
  const headers = (name: string, value: string | undefined) => {
    const copy = new Map(request.headers);
    if (value === undefined) copy.delete(name);
    else copy.set(name, [value]);
    return { ...inquiry, request: { ...request, headers: copy } };
  };
  const target = (text: string) => ({ ...inquiry, request: { ...request, target: text } });
  return [
    ...["GET", "POST", "DELETE"].map((method) => ({ ...inquiry, request: { ...request, method } })),
    ...[undefined, ...TENANTS].map((tenant) => headers("x-tenant", tenant)),
    ...[undefined, "https://app.example"].map((origin) => headers("origin", origin)),
    ...TENANTS.map((tenant) => target(request.target.replace(/\/tenants\/t\d\//, `/tenants/${tenant}/`))),
    target(request.target.replace(/\?.*/, "")),
    { ...inquiry, request: { ...request, address: "10.0.0.1" } },
    ...credentials(inquiry.credential).map((credential) => ({ ...inquiry, credential })),
  ];
}

function credentials({ service, proof }: Credential): readonly Credential[] {
  if (proof.kind === "jwt") {
    const values: Record<string, readonly unknown[]> = {
      scope: SCOPES.map((scope) => [...(scopeClaim(proof.claims) ?? []), scope].join(" ").trim()),
      role: ROLES,
      tenant: TENANTS,
      token_use: ["access", "id"],
      aud: ["app"],
    };
    return Object.entries(values).flatMap(([name, list]) =>
      list.map((value) => ({ service, proof: { ...proof, claims: { ...proof.claims, [name]: value } } })),
    );
  }
  if (proof.kind !== "key") return [];
  const { key } = proof;
  return [
    ...SCOPES.map((scope) => ({ ...key, scopes: [...key.scopes, scope] })),
    ...ROLES.map((role) => ({ ...key, account: { ...key.account, role } })),
    ...TENANTS.map((tenant) => ({ ...key, account: { ...key.account, tenant } })),
    { ...key, account: { ...key.account, enabled: true } },
  ].map((changed) => ({ service, proof: { ...proof, key: changed } }));
}

t.test("the generated situations are refused and allowed in many ways, some of which no single change mends", async (t) => {
  const outcomes = new Map<string, number>();
  for (const { number, request, caller } of fc.sample(situation, { numRuns: 2000, seed: 3 })) {
    const policy = policies[number]!;
    const inquiry = inquiryOf(policy, request, caller);
    const { decision } = judge(policy, inquiry);
    const word = decision.outcome === "deny" ? decision.code : decision.outcome;
    outcomes.set(word, (outcomes.get(word) ?? 0) + 1);
    if (decision.outcome === "deny" && flipsOf(policy, inquiry).length === 0)
      outcomes.set(`none ${word}`, (outcomes.get(`none ${word}`) ?? 0) + 1);
  }
  for (const word of [
    "allow",
    "preflight",
    "INSUFFICIENT_ROLE",
    "INSUFFICIENT_SCOPE",
    "TENANT_MISMATCH",
    "TOKEN_MISSING",
    "TOKEN_EXPIRED",
    "KEY_INVALID",
    "WRONG_TOKEN_TYPE",
    "ORIGIN_NOT_ALLOWED",
    "ADDRESS_NOT_ALLOWED",
    "ROUTE_NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "REQUEST_INVALID",
  ]) {
    t.ok((outcomes.get(word) ?? 0) > 0, word);
  }
  t.comment(Object.fromEntries(outcomes));
});
