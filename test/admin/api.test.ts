import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { startAdminDoor } from "../../src/admin/door.ts";
import type { Reloaded, Sources } from "../../src/admin/sources.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { bearer, call, NOW, REFUSAL, SERVING, sourcesWith } from "./fixtures/door.ts";
import { bearerAuthenticator, jwtAuthenticator, policyOf, secret, serviceWith } from "./fixtures/policy.ts";

const TOKEN = randomBytes(24).toString("base64url");
const SERVICE_SECRET = randomBytes(24).toString("base64url");
const HERE = { host: "127.0.0.1", port: 0 };
const PATHS = [
  "/",
  "/metrics",
  "/health/live",
  "/health/ready",
  "/api/status",
  "/api/policy",
  "/api/decisions",
  `/api/decisions/${REFUSAL.decision}`,
];

async function open(t: Test, sources: Sources): Promise<number> {
  const door = await startAdminDoor(HERE, sources);
  t.teardown(() => door.close());
  return door.port;
}

async function read(port: number, path: string) {
  const { status, body } = await call(port, path, { headers: bearer(TOKEN) });
  return { status, json: JSON.parse(body) };
}

function wholePolicy() {
  const writes = { name: "writes", place: "pie", by: "caller", count: 60, windowMs: 60_000, methods: new Set(["POST"]) } as const;
  const pie = serviceWith({
    prefixes: ["/v2", "/v3"],
    origin: "https://operator:hunter2@pie.internal:8443",
    authenticators: [jwtAuthenticator("people", "https://issuer.example/pool"), bearerAuthenticator("token", SERVICE_SECRET)],
    routes: [
      { pattern: "/health", rule: "public", line: 40 },
      { method: "POST", pattern: "/clients/{client_id}/domains", rule: "domains.write", line: 44, callerLimits: [writes] },
    ],
  });
  return policyOf([pie], [secret("ops", TOKEN)]);
}

t.test(
  "status tells phase, revision, last reload with diagnostics, issuers and key store; ready shows the same without a token",
  async (t) => {
    const issuer = {
      iss: "https://issuer.example",
      jwks: "https://issuer.example/keys",
      usable: true,
      ageMs: 12_345,
      keyCount: 2,
      fetchCount: 4,
      lastError: "no answer",
    };
    const lastReload = { at: NOW - 1000, kind: "rejected", diagnostics: ["services/pie.yaml:3:1: unknown key `rotes`"] } as const;
    const status = () => ({ ...SERVING, lastReload, issuers: [issuer], keyStoreTrouble: "database is locked" });
    const port = await open(t, sourcesWith({ token: TOKEN, status }));
    const expected = {
      status: "ready",
      phase: "serving",
      revision: "3f9c1e07ab42",
      startedAt: "2026-11-02T09:28:30.000Z",
      uptimeSeconds: 90,
      lastReload: { at: "2026-11-02T09:29:59.000Z", kind: "rejected", diagnostics: lastReload.diagnostics },
      issuers: [{ iss: "https://issuer.example", usable: true, keyCount: 2, ageSeconds: 12, lastError: "no answer" }],
      keyStore: { usable: false, trouble: "database is locked" },
    };
    t.same(await read(port, "/api/status"), { status: 200, json: expected });
    const ready = await call(port, "/health/ready");
    t.equal(ready.status, 200);
    t.same(JSON.parse(ready.body), expected);
  },
);

t.test("ready is 503 while draining, with the detail", async (t) => {
  const port = await open(t, sourcesWith({ status: () => ({ ...SERVING, phase: "draining" }) }));
  const { status, body } = await call(port, "/health/ready");
  t.equal(status, 503);
  t.match(JSON.parse(body), { status: "draining", phase: "draining" });
});

t.test("metrics are those of the gateway", async (t) => {
  const port = await open(t, { ...sourcesWith({}), metrics: createMetrics() });
  const { status, headers, body } = await call(port, "/metrics");
  t.equal(status, 200);
  t.match(headers["content-type"], "text/plain");
  t.match(body, "sallyport_requests_open 0");
});

t.test("the policy is shown as tables: who may call what, by which line", async (t) => {
  const policy = wholePolicy();
  const port = await open(t, sourcesWith({ policy: () => policy }));
  const { json } = await read(port, "/api/policy");
  t.equal(json.revision, "3f9c1e07ab42");
  const [pie] = json.services;
  t.match(pie, {
    name: "pie",
    prefixes: ["/v2", "/v3"],
    hosts: ["api.example.com"],
    upstream: { origin: "https://pie.internal:8443", verifyTls: true },
  });
  t.same(pie.authenticators, [
    { name: "people", kind: "jwt", issuer: "https://issuer.example/pool" },
    { name: "token", kind: "bearer", secrets: [{ id: "current" }] },
  ]);
  const failures = { name: "failures", place: "gateway", by: "address", of: "failures", count: 30, windowMs: 60_000 };
  t.same(pie.routes, [
    {
      method: "GET",
      paths: ["/v2/health", "/v3/health"],
      access: "public",
      authenticators: [],
      limits: [failures],
      websocket: false,
      source: { file: "services/pie.yaml", line: 40 },
    },
    {
      method: "POST",
      paths: ["/v2/clients/{client_id}/domains", "/v3/clients/{client_id}/domains"],
      access: "domains.write",
      authenticators: ["people", "token"],
      tenant: "match",
      limits: [{ name: "writes", place: "pie", by: "caller", of: "requests", count: 60, windowMs: 60_000, methods: ["POST"] }, failures],
      websocket: false,
      source: { file: "services/pie.yaml", line: 44 },
    },
  ]);
});

t.test("a host pattern is shown with its placeholder", async (t) => {
  const pie = serviceWith({ prefixes: [""] });
  const table = {
    mount: { service: pie, prefix: "", prefixLength: 0, hostPlaceholder: "tenant", methods: new Map() },
    next: new Map(),
    looseNext: new Map(),
  };
  const policy = { ...policyOf([pie], [secret("ops", TOKEN)]), hosts: { exact: new Map(), suffix: new Map([["example.com", table]]) } };
  const port = await open(t, sourcesWith({ policy: () => policy }));
  t.same((await read(port, "/api/policy")).json.services[0].hosts, ["{tenant}.example.com"]);
});

t.test("recent refusals are listed, newest first and no more than a person reads", async (t) => {
  const many = Array.from({ length: 250 }, (_, index) => ({ ...REFUSAL, decision: `d-${index}` }));
  const port = await open(t, sourcesWith({ token: TOKEN, decisions: many }));
  const { json } = await read(port, "/api/decisions");
  t.equal(json.decisions.length, 200);
  t.equal(json.decisions[0].decision, "d-0");
});

t.test("a decision is found by its id, and an unknown id is 404", async (t) => {
  const port = await open(t, sourcesWith({ token: TOKEN, decisions: [REFUSAL] }));
  t.same(await read(port, `/api/decisions/${REFUSAL.decision}`), { status: 200, json: REFUSAL });
  for (const id of ["unknown", "__proto__", "%2e%2e%2fstatus", REFUSAL.decision.toUpperCase()]) {
    t.match(await read(port, `/api/decisions/${id}`), { status: 404, json: { code: "NOT_FOUND" } }, id);
  }
});

t.test("a reload tells what became of it", async (t) => {
  let outcome: Reloaded = { kind: "loaded", diagnostics: [] };
  const port = await open(t, sourcesWith({ token: TOKEN, reload: () => Promise.resolve(outcome) }));
  const reload = async () => {
    const { status, body } = await call(port, "/api/reload", { method: "POST", headers: bearer(TOKEN) });
    return { status, json: JSON.parse(body) };
  };
  t.same(await reload(), { status: 200, json: { kind: "loaded", revision: "3f9c1e07ab42", diagnostics: [] } });
  outcome = { kind: "unchanged", diagnostics: [] };
  t.match(await reload(), { status: 200, json: { kind: "unchanged" } });
  outcome = { kind: "rejected", diagnostics: ["sallyport.yaml:1:1: no"] };
  t.match(await reload(), { status: 422, json: { kind: "rejected", diagnostics: ["sallyport.yaml:1:1: no"] } });
});

t.test("a body sent along is not read", async (t) => {
  const port = await open(t, sourcesWith({ token: TOKEN }));
  const headers = { ...bearer(TOKEN), "content-type": "application/json", "content-length": "0" };
  t.equal((await call(port, "/api/reload", { method: "POST", headers })).status, 200);
});

t.test("a fault is told to the log, and only that there was one to the client", async (t) => {
  const faults: unknown[] = [];
  const fault = new Error("the innermost secret of /srv/sallyport");
  const fail = () => {
    throw fault;
  };
  const port = await open(t, sourcesWith({ token: TOKEN, reload: fail, onFault: (error) => faults.push(error) }));
  const { status, body } = await call(port, "/api/reload", { method: "POST", headers: bearer(TOKEN) });
  t.equal(status, 500);
  t.same(JSON.parse(body), { type: "about:blank", title: "The admin door failed", status: 500, code: "INTERNAL_ERROR" });
  t.same(faults, [fault]);
});

t.test("no answer echoes its input", async (t) => {
  const port = await open(t, sourcesWith({ token: TOKEN }));
  for (const path of ["/marker-in-path", "/%zz-marker", `/api/decisions/marker${"x".repeat(200)}`, "/api/decisions/marker"]) {
    const answer = await call(port, path, { headers: { ...bearer(TOKEN), "x-other": "marker" } });
    t.ok(answer.status >= 400, path.slice(0, 40));
    t.notMatch(answer.body + JSON.stringify(answer.headers), "marker");
  }
});

t.test("no answer holds a secret, or the digest of one", async (t) => {
  const policy = wholePolicy();
  const port = await open(t, sourcesWith({ policy: () => policy, decisions: [REFUSAL] }));
  const secrets = [TOKEN, SERVICE_SECRET].flatMap((value) => {
    const { digest } = secret("", value);
    return [value, ...(["hex", "base64", "base64url"] as const).map((form) => Buffer.from(digest).toString(form)), [...digest].join()];
  });
  for (const path of PATHS) {
    const { status, body, headers } = await call(port, path, { headers: bearer(TOKEN) });
    t.equal(status, 200, path);
    const answer = body + JSON.stringify(headers);
    t.same(
      secrets.filter((text) => answer.includes(text)),
      [],
      path,
    );
    t.notMatch(answer, /hunter2|operator:/);
  }
});
