/** Class 2.11, L6 and L7: what can be told from outside of what is there. */
import { randomBytes } from "node:crypto";
import t from "tap";
import { createClient, type SentHeaders } from "../journey/client.ts";
import { bearer, ISS, refusalOf, startGate } from "./gate.ts";
import { HEADER, rsa, tokenOf } from "./token-gate.ts";

const ADMIN_TOKEN = randomBytes(24).toString("base64url");
const SERVICE = `
authenticators: { machines: { jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", clients: any }, scopes: { all: [read] } } }
cors: { origins: ["https://app.example"] }
routes:
  GET /read: read
  GET /admin: admin
  GET /hidden: denied
`;
const gate = await startGate(t, { services: { shop: SERVICE }, environment: { ADMIN_TOKEN } });
const iat = Math.floor(gate.clocks.epochMs / 1000);
const good = tokenOf(HEADER, { iss: ISS, iat, exp: iat + 600, sub: "m", client_id: "m", scope: "all" }, rsa(gate.k1.privateKey));

t.test("L6 what is denied cannot be told from what does not exist; what is protected says so, as decided", async (t) => {
  const carried: readonly SentHeaders[] = [{}, bearer(good), bearer("bad"), { origin: "https://app.example" }];
  for (const method of ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]) {
    for (const headers of carried) {
      const [denied, unknown] = [await gate.ask(`${method} /hidden`, headers), await gate.ask(`${method} /absent`, headers)];
      t.equal(denied.status, 404);
      t.same(refusalOf(denied), refusalOf(unknown), `${method} ${JSON.stringify(Object.keys(headers))}`);
    }
  }
  const asks = { origin: "https://app.example", "access-control-request-method": "GET" };
  t.same(refusalOf(await gate.ask("OPTIONS /hidden", asks)), refusalOf(await gate.ask("OPTIONS /absent", asks)), "nor by a preflight");
  const lengths = [await gate.ask("GET /read"), await gate.ask("GET /admin")].map(refusalOf);
  t.same(lengths[0], lengths[1], "without a credential one protected route is like another");
});

t.test("L7 the public door has no metrics, health, API or debugging of the gateway's own, for no User-Agent", async (t) => {
  const paths = [
    "/metrics",
    "/health",
    "/healthz",
    "/health/live",
    "/health/ready",
    "/live",
    "/ready",
    "/api/status",
    "/api/policy",
    "/api/decisions",
    "/api/reload",
    "/debug",
    "/debug/pprof",
    "/debug/vars",
    "/status",
    "/admin/",
    "/.well-known/x",
    "/server-status",
    "/json",
    "/favicon.ico",
    "/",
  ];
  const agents = ["kube-probe/1.30", "ELB-HealthChecker/2.0", "GoogleHC/1.0", "Prometheus/2.50", "curl/8"];
  for (const path of paths) {
    const plain = refusalOf(await gate.ask(`GET ${path}`));
    t.match(plain, { status: 404 }, path);
    for (const agent of agents)
      t.same(refusalOf(await gate.ask(`GET ${path}`, { "user-agent": agent, ...bearer(ADMIN_TOKEN) })), plain, `${path} to ${agent}`);
  }
  for (const agent of agents) t.equal((await gate.ask("GET /read", { "user-agent": agent })).status, 401);
  t.equal((await gate.ask("GET /read", bearer(ADMIN_TOKEN))).verdict, "TOKEN_INVALID", "an admin token opens nothing here");
  const admin = createClient(t, gate.sallyport.adminUrl);
  for (const path of ["/", "/api/status", "/api/policy", "/api/decisions"])
    t.equal((await admin("GET", path, {})).status, 401, `${path} on the admin door`);
});
