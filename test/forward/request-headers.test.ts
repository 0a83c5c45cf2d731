import t from "tap";
import { ask, openGateway, openRecorder, PERSON, sendRaw, valuesOf } from "./harness.ts";

const FORGED = [
  "X-User-Id",
  "X-User-Roles",
  "X-Tenant-Id",
  "X-Permissions",
  "X-Roles",
  "X-Auth-Subject",
  "X-Auth-Anything",
  "X-Amzn-Oidc-Data",
  "X-Remote-User",
  "Remote-User",
  "X-Forwarded-User",
  "X-Forwarded-Email",
  "X-Forwarded-Groups",
  "X-Consumer-Username",
  "X-Credential-Identifier",
  "X-Authenticated-Userid",
  "Impersonate-User",
  "X-Internal",
  "X-Internal-Token",
  "X-Gateway-Secret",
  "X-Middleware-Subrequest",
  "X-Forwarded-Port",
  "X-Forwarded-Prefix",
  "X-Forwarded-Uri",
  "X-Forwarded-Server",
  "Forwarded",
  "X-Real-IP",
  "True-Client-IP",
  "CF-Connecting-IP",
  "X-Client-IP",
  "X-Cluster-Client-IP",
  "Fastly-Client-IP",
  "Via",
  "X-HTTP-Method-Override",
  "X-HTTP-Method",
  "X-Method-Override",
  "X-Original-URL",
  "X-Rewrite-URL",
  "X-Original-Host",
  "X-Original-Method",
  "X-Original-URI",
  "Authorization",
  "Cookie",
  "X-Api-Key",
  "X-Staff-Number",
  "Proxy-Authorization",
  "Proxy-Connection",
  "HTTP2-Settings",
  "Keep-Alive",
  "TE",
  "Trailer",
];

/** By which well-known proxies and platforms tell a service who calls, from where, or what to do. */
const TOLD_BY_OTHERS: Readonly<Record<string, readonly string[]>> = {
  "Grafana, Gitea": ["X-WEBAUTH-USER", "X-WEBAUTH-EMAIL", "X-WEBAUTH-GROUPS", "X-WEBAUTH-ROLE", "X-Grafana-User", "X-Grafana-Id"],
  "Loki, Mimir, Tempo, Thanos": ["X-Scope-OrgID", "THANOS-TENANT"],
  authentik: ["X-authentik-username", "X-authentik-groups", "X-authentik-jwt", "X-authentik-meta-app"],
  Authelia: ["Remote-Groups", "Remote-Email", "Remote-Name"],
  Tailscale: ["Tailscale-User-Login", "Tailscale-User-Name", "Tailscale-App-Capabilities"],
  Vouch: ["X-Vouch-User", "X-Vouch-IdP-Claims-Email"],
  Pomerium: ["X-Pomerium-Jwt-Assertion", "X-Pomerium-Claim-Email"],
  "oauth2-proxy": ["X-Auth-Request-User", "X-Auth-Request-Groups", "X-Forwarded-Preferred-Username", "GAP-Auth", "GAP-Signature"],
  Caddy: ["X-Token-User-Email", "X-Token-User-Roles", "X-Token-Subject"],
  Kong: ["X-Consumer-ID", "X-Consumer-Groups", "X-Credential-Username", "X-Anonymous-Consumer", "X-Authenticated-Scope", "X-Userinfo"],
  "Envoy, Istio, Linkerd": [
    "X-Envoy-External-Address",
    "X-Forwarded-Client-Cert",
    "X-Jwt-Payload",
    "X-Jwt-Claim-Sub",
    "X-Istio-Attributes",
    "L5d-Client-Id",
    "L5d-Dst-Override",
  ],
  WSO2: ["X-JWT-Assertion"],
  "client certificates": [
    "X-SSL-Client-S-DN",
    "SSL_CLIENT_VERIFY",
    "X-Client-Verify",
    "X-Client-DN",
    "X-Client-Certificate",
    "X-TLS-Client-Subject",
    "X-Amzn-Mtls-Clientcert-Subject",
    "X-ARR-ClientCert",
    "X-ARR-SSL",
    "WL-Proxy-Client-Cert",
    "$WSCC",
  ],
  "application servers": ["WL-Proxy-Client-IP", "$WSRU", "$WSRA"],
  AWS: ["X-Amzn-Oidc-Identity", "X-Amz-Cognito-Identity-Id", "X-Amzn-Cognito-Sub", "X-Amzn-Request-Context", "X-Amzn-Lambda-Context"],
  Google: [
    "X-Goog-Authenticated-User-Email",
    "X-Goog-IAP-JWT-Assertion",
    "X-AppEngine-User-Email",
    "X-AppEngine-Inbound-AppId",
    "X-Endpoint-API-UserInfo",
    "X-Apigateway-Api-Userinfo",
  ],
  Azure: ["X-MS-CLIENT-PRINCIPAL", "X-MS-CLIENT-PRINCIPAL-NAME", "X-MS-TOKEN-AAD-ID-TOKEN", "X-MS-AUTH-TOKEN", "DISGUISED-HOST"],
  Cloudflare: ["Cf-Access-Authenticated-User-Email", "Cf-Access-Jwt-Assertion", "CF-Visitor"],
  "OpenSearch, Elasticsearch": [
    "X-Proxy-User",
    "X-Proxy-Roles",
    "opensearch_security_impersonate_as",
    "opendistro_security_impersonate_as",
    "es-security-runas-user",
  ],
  "single sign-on of companies": [
    "SM_USER",
    "SMUSER",
    "iv-user",
    "iv-groups",
    "OAM_REMOTE_USER",
    "Shib-Identity-Provider",
    "eppn",
    "CAS-User",
  ],
  "Apache modules": ["OIDC_CLAIM_sub", "MELLON_NAME_ID"],
  others: ["X-Rh-Identity", "X-Sandstorm-User-Id", "X-Identity-Status", "Teleport-Jwt-Assertion", "Auth-User", "X-Userid", "X-Is-Admin"],
  forwarding: ["X-Forwarded", "X-ForwardedFor", "Forwarded-For", "X-Forward-For", "X-Azure-ClientIP", "Fly-Client-IP", "Front-End-Https"],
  "what a server is to do": ["X-Sendfile-Type", "X-Accel-Mapping", "X-Accel-Redirect", "X-HTTP-DestinationURL", "X-WAWS-Unencoded-URL"],
};

/** Look like one of these, and are the client's to choose. */
const CLIENTS_OWN = [
  "X-Access-Token",
  "X-Account-Id",
  "X-Amz-Date",
  "X-Amz-Meta-Owner",
  "X-Amz-Target",
  "X-Amzn-Trace-Id",
  "X-B3-TraceId",
  "X-Client-Info",
  "X-Client-Version",
  "X-Cloud-Trace-Context",
  "X-Csrf-Token",
  "X-Goog-Api-Client",
  "X-Goog-User-Project",
  "X-Grafana-Org-Id",
  "X-Hasura-Role",
  "X-Ms-Blob-Type",
  "X-Ms-Date",
  "X-Ms-Version",
  "X-Org-Id",
  "X-Project-Id",
  "X-Requested-With",
  "X-Vault-Token",
];

function spellings(name: string): string[] {
  return [name, name.toUpperCase(), name.toLowerCase(), ...["_", ".", "~", "!", "|"].map((sign) => name.replaceAll("-", sign))];
}

t.test("H1 H2 H4 M1: no forged, forwarding, override or credential header reaches the upstream, in any spelling", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, {
    origin: upstream.origin,
    stripped: ["X-Api-Key", "x-staff-number"],
    caller: PERSON,
    tenant: "acme",
  });
  for (const name of [...FORGED, ...Object.values(TOLD_BY_OTHERS).flat()]) {
    for (const spelling of new Set(spellings(name))) {
      const answer = await sendRaw(gateway.port, `GET /a HTTP/1.1\r\nHost: gw\r\n${spelling}: forged\r\nConnection: close\r\n\r\n`);
      t.match(answer, /^HTTP\/1\.1 200 /, spelling);
      const { rawHeaders } = upstream.take();
      t.notOk(rawHeaders.includes("forged"), `${spelling} is dropped`);
    }
  }
});

t.test("headers that are the client's to choose arrive, however much they look like a proxy's", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin, caller: PERSON });
  const headers = CLIENTS_OWN.flatMap((name) => [name, "chosen"]);
  await sendRaw(
    gateway.port,
    `GET /a HTTP/1.1\r\nHost: gw\r\n${CLIENTS_OWN.map((name) => `${name}: chosen\r\n`).join("")}Connection: close\r\n\r\n`,
  );
  const { rawHeaders } = upstream.take();
  t.strictSame(rawHeaders.slice(rawHeaders.indexOf(CLIENTS_OWN[0]!), rawHeaders.indexOf(CLIENTS_OWN.at(-1)!) + 2), headers);
});

t.test("H1: on a route without caller no identity header arrives at all", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin, route: { access: { kind: "public" } } });
  await ask(gateway.port, "/a", { headers: { "x-auth-subject": "root", "x-auth-tenant": "other", authorization: "Bearer x" } });
  const { headers } = upstream.take();
  t.strictSame(
    Object.keys(headers).sort(),
    ["connection", "host", "traceparent", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"].sort(),
  );
});

t.test("the caller and the tenant are told under the service's own names, sorted and once", async (t) => {
  const upstream = await openRecorder(t);
  const caller = { ...PERSON, role: "editor", tenantPermissions: new Map([["acme", new Set(["things.own"])]]) };
  const identity = { subject: "x-user-id", kind: "x-user-kind", tenant: "x-tenant-id", permissions: "x-perms", role: "x-user-role" };
  const gateway = await openGateway(t, {
    origin: upstream.origin,
    upstream: { identity },
    stripped: Object.values(identity),
    caller,
    tenant: "acme",
  });
  await ask(gateway.port, "/a", { headers: { x_perms: "*", "x-user-id": "root" } });
  const { rawHeaders } = upstream.take();
  t.strictSame(valuesOf(rawHeaders, "x-user-id"), ["alice"]);
  t.strictSame(valuesOf(rawHeaders, "x-user-kind"), ["person"]);
  t.strictSame(valuesOf(rawHeaders, "x-tenant-id"), ["acme"]);
  t.strictSame(valuesOf(rawHeaders, "x-perms"), ["things.own,things.read,things.write"]);
  t.strictSame(valuesOf(rawHeaders, "x-user-role"), ["editor"]);
  t.strictSame(valuesOf(rawHeaders, "x_perms"), []);
});

t.test("a subject cannot break out of its header, and two subjects never look alike", async (t) => {
  const upstream = await openRecorder(t);
  const told = async (subject: string) => {
    const gateway = await openGateway(t, { origin: upstream.origin, caller: { ...PERSON, subject } });
    await ask(gateway.port, "/a");
    return upstream.take().headers["x-auth-subject"];
  };
  t.equal(await told("eve\r\nx-auth-tenant: other"), "eve%0D%0Ax-auth-tenant:%20other");
  t.equal(await told("Zoë"), "Zo%C3%AB");
  t.equal(await told("a%20b"), "a%2520b");
  t.equal(await told("a b"), "a%20b");
  t.equal(await told("\ud800"), undefined, "what has no UTF-8 form is not told");
});

t.test("H3: Connection removes the client's own headers and none of the gateway's", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin, caller: PERSON, tenant: "acme" });
  const body = "12345";
  const named =
    "x-auth-subject, x-auth-tenant, content-length, host, transfer-encoding, x-forwarded-for, x-request-id, traceparent, X-Mine, close";
  await sendRaw(
    gateway.port,
    `POST /a HTTP/1.1\r\nHost: gw\r\nX-Mine: 1\r\nX-Other: 2\r\nContent-Length: 5\r\nConnection: ${named}\r\n\r\n${body}`,
  );
  const { headers, body: received } = upstream.take();
  t.match(headers, {
    "x-auth-subject": "alice",
    "x-auth-tenant": "acme",
    "x-forwarded-for": "127.0.0.1",
    "x-request-id": "decision-1",
    "x-other": "2",
    "content-length": "5",
    host: upstream.origin.slice(7),
  });
  t.notOk("x-mine" in headers);
  t.equal(String(received), body);
});

t.test("end-to-end headers arrive in order, with their spelling and repeats", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin });
  await sendRaw(
    gateway.port,
    "GET /a HTTP/1.1\r\nHost: gw\r\nX-One: 1\r\naccept: a\r\nX-ONE: 2\r\nX-Bytes: \xe9\xff\r\nConnection: close\r\n\r\n",
  );
  const { rawHeaders } = upstream.take();
  const kept = rawHeaders.slice(rawHeaders.indexOf("X-One"), rawHeaders.indexOf("X-Bytes") + 2);
  t.strictSame(kept, ["X-One", "1", "accept", "a", "X-ONE", "2", "X-Bytes", "\xe9\xff"]);
});

t.test("the upstream is told the client's address, protocol and host, whatever the client says of them", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin });
  await ask(gateway.port, "/a", {
    headers: { host: "Api.Example.com:8443", "x-forwarded-for": "1.1.1.1", "x-forwarded-host": "evil", "x-forwarded-proto": "https" },
  });
  const { rawHeaders } = upstream.take();
  t.strictSame(valuesOf(rawHeaders, "x-forwarded-for"), ["127.0.0.1"]);
  t.strictSame(valuesOf(rawHeaders, "x-forwarded-proto"), ["http"]);
  t.strictSame(valuesOf(rawHeaders, "x-forwarded-host"), ["api.example.com:8443"]);
  t.strictSame(valuesOf(rawHeaders, "host"), [upstream.origin.slice(7)]);
});

t.test("a plain request id and a valid trace of the client's pass; others are replaced", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin });
  const told = async (headers: Record<string, string | string[]>) => {
    await ask(gateway.port, "/a", { headers });
    const { rawHeaders } = upstream.take();
    return ["x-request-id", "traceparent", "tracestate"].map((name) => valuesOf(rawHeaders, name).join("|"));
  };
  const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  t.strictSame(await told({ "x-request-id": "abc_1-2", traceparent: parent, tracestate: "a=1" }), ["abc_1-2", parent, "a=1"]);
  const [id, generated, state] = await told({
    "x-request-id": "a b",
    traceparent: `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
    tracestate: "a=1",
  });
  t.equal(id, "decision-1");
  t.match(generated, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  t.equal(state, "");
  const [twice] = await told({ "x-request-id": ["one", "two"] });
  t.equal(twice, "decision-1");
  const [, again] = await told({});
  t.not(again, generated);
});

t.test("credential and cookies pass only where the service says so, and never on a public route", async (t) => {
  const upstream = await openRecorder(t);
  const headers = { authorization: "Bearer a.b.c", "x-api-key": "k", cookie: "c=1" };
  const apiKey = { name: "key", kind: "apiKey", header: "x-api-key", prefix: "k" } as never;
  const sent = async (shape: object) => {
    const gateway = await openGateway(t, { origin: upstream.origin, stripped: ["x-api-key"], ...shape });
    await ask(gateway.port, "/a", { headers });
    const seen = upstream.take().headers;
    return Object.keys(headers).filter((name) => name in seen);
  };
  const forward = { credential: true, cookies: true };
  t.strictSame(await sent({}), []);
  t.strictSame(await sent({ upstream: { forward: { credential: false, cookies: true } } }), ["cookie"]);
  t.strictSame(
    await sent({ upstream: { forward }, service: { authenticators: [apiKey] } }),
    ["x-api-key", "cookie"],
    "only what the service reads",
  );
  t.strictSame(await sent({ upstream: { forward }, service: { authenticators: [apiKey, { kind: "jwt" }] } }), [
    "authorization",
    "x-api-key",
    "cookie",
  ]);
  t.strictSame(await sent({ upstream: { forward }, service: { authenticators: [apiKey] }, route: { access: { kind: "public" } } }), [
    "cookie",
  ]);
});

t.test("more spellings than are remembered change nothing", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin });
  for (let round = 0; round < 30; round++) {
    const junk = Array.from({ length: 50 }, (_item, index) => [`x-junk-${round}-${index}`, "1"]);
    await ask(gateway.port, "/a", { headers: { ...Object.fromEntries(junk), "X-User-Id": "root" } });
  }
  t.equal(upstream.seen.length, 30);
  t.notOk(upstream.seen.some(({ headers }) => "x-user-id" in headers));
  t.ok(upstream.seen.every(({ headers }, round) => headers[`x-junk-${round}-49`] === "1"));
});
