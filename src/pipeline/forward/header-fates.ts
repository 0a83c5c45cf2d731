/** Which of a client's headers never reach an upstream, whatever the policy says. Names as `headerKey` gives them. */

/** RFC 9110 section 7.6.1, and what the two legs' own framing and handshakes use. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "content-length",
  "expect",
  "host",
];

/** Where a request came from, and by which name and scheme: told anew by the gateway. */
const FORWARDING = [
  "forwarded",
  "via",
  "true-client-ip",
  "x-client-ip",
  "x-cluster-client-ip",
  "x-originating-ip",
  "x-forward-for",
  "x-proxyuser-ip",
  "client-ip",
  "x-host",
  "disguised-host",
  "front-end-https",
  "x-scheme",
  "x-url-scheme",
  // content networks and clouds
  "fastly-client-ip",
  "fly-client-ip",
  "akamai-client-ip",
  "incap-client-ip",
  "x-sucuri-clientip",
  "x-azure-clientip",
  "x-azure-socketip",
  "x-nf-client-connection-ip",
  "do-connecting-ip",
  "cloudfront-viewer-address",
  "cf-visitor",
];

/** By which some servers let a request change its own method, target or way through them. */
const OVERRIDES = [
  "x-http-method",
  "x-http-method-override",
  "x-method-override",
  "x-http-destinationurl",
  "x-waws-unencoded-url",
  "x-middleware-subrequest",
  "x-sendfile-type",
];

/** By which a proxy, or a platform, tells who is calling, where no prefix covers it. */
const IDENTITY = [
  "remote-user",
  "auth-user",
  "x-user",
  "x-userid",
  "x-username",
  "x-userinfo",
  "x-email",
  "x-subject",
  "x-principal",
  "x-tenant",
  "x-tenantid",
  "x-role",
  "x-roles",
  "x-group",
  "x-groups",
  "x-scope",
  "x-scopes",
  "x-permissions",
  "x-admin",
  "x-is-admin",
  "client-cert",
  "client-cert-chain",
  // names of a client certificate, as front ends of application servers tell them
  "x-client-dn",
  "x-client-cn",
  "x-client-s-dn",
  "x-client-subject-dn",
  "x-client-issuer-dn",
  "x-client-verify",
  // Kong, APISIX, WSO2, and examples for Istio
  "x-anonymous-consumer",
  "x-id-token",
  "x-jwt-assertion",
  "x-jwt-payload",
  "x-istio-attributes",
  // tenants of Loki, Mimir, Tempo and Thanos; users as Grafana tells them
  "x-scope-orgid",
  "thanos-tenant",
  "x-grafana-user",
  "x-grafana-id",
  // what stands for another user in Elasticsearch and OpenSearch
  "es-security-runas-user",
  "opensearch-security-impersonate-as",
  "opendistro-security-impersonate-as",
  // events of API Gateway and load balancers, as adapters for functions hand them on
  "x-amzn-request-context",
  "x-amzn-lambda-context",
  // WebSEAL, SiteMinder, CAS, Shibboleth, Keystone, YunoHost, Teleport, Snowflake, Red Hat
  "iv-user",
  "iv-user-l",
  "iv-groups",
  "iv-creds",
  "iv-remote-address",
  "smuser",
  "cas-user",
  "eppn",
  "persistent-id",
  "x-identity-status",
  "x-service-identity-status",
  "x-service-roles",
  "ynh-user",
  "teleport-jwt-assertion",
  "sf-context-current-user",
  "x-rh-identity",
];

/** Credentials; they pass only where the service says so. */
const CREDENTIALS = ["authorization", "cookie", "x-amz-security-token"];

const PREFIXES = [
  "proxy-",
  "sec-websocket-",
  // `X-Forwarded` alone too
  "x-forwarded",
  "forwarded-",
  "x-real-",
  "cf-connecting-",
  "x-vercel-forwarded-",
  "x-original-",
  "x-rewrite-",
  "x-accel-",
  "remote-",
  "x-remote-",
  "x-user-",
  "x-tenant-",
  "x-auth-",
  "x-authenticated-",
  "x-principal-",
  "impersonate-",
  "x-internal",
  "x-gateway-",
  // client certificates
  "x-client-cert",
  "x-tls-client-",
  "x-mtls-",
  "x-ssl-",
  "ssl-client-",
  "x-amzn-mtls-",
  "x-arr-",
  "wl-proxy-",
  // WebSphere's plug-in: `$WSRU` is the user
  "-ws",
  // clouds
  "x-amzn-oidc-",
  "x-amzn-cognito-",
  "x-amz-cognito-",
  "x-goog-authenticated-user-",
  "x-goog-iap-",
  "x-appengine-",
  "x-endpoint-api-",
  "x-apigateway-api-",
  "x-ms-client-principal",
  "x-ms-token-",
  "x-ms-auth-",
  "cf-access-",
  // gateways and meshes: Kong, Envoy, Linkerd, Istio's examples
  "x-consumer-",
  "x-credential-",
  "x-envoy-",
  "l5d-",
  "x-jwt-claim",
  // proxies that sign people in: authentik, Grafana's and Gitea's, Tailscale, Vouch, Pomerium, oauth2-proxy, Caddy's, OpenSearch's, Sandstorm
  "x-authentik-",
  "x-webauth-",
  "tailscale-",
  "x-vouch-",
  "x-pomerium-",
  "gap-",
  "x-token-user-",
  "x-token-subject",
  "x-proxy-",
  "x-sandstorm-",
  // Shibboleth, SiteMinder, Oracle, mod_auth_openidc, mod_auth_mellon
  "shib-",
  "sm-",
  "oam-",
  "oidc-",
  "mellon-",
];

const NAMES: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...FORWARDING, ...OVERRIDES, ...IDENTITY, ...CREDENTIALS]);

/** True when a client's header of this key is never passed on as it stands. */
export function isReserved(key: string): boolean {
  return NAMES.has(key) || PREFIXES.some((prefix) => key.startsWith(prefix));
}

/** Headers of an upstream's answer that end at the gateway. Lower case. */
const ANSWER_NAMES: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "te",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "server",
  "x-powered-by",
  "x-decision-id",
]);
const ANSWER_PREFIXES = ["proxy-", "access-control-"];

/** True when an upstream's header of this lower-case name is never passed on to the client. */
export function isReservedInAnswer(name: string): boolean {
  return ANSWER_NAMES.has(name) || ANSWER_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Keys of the headers that a `Connection` header names; undefined when it names none (RFC 9110 section 7.6.1). */
export function connectionNames(connection: string | undefined, keyOf: (name: string) => string): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return undefined;
  return new Set(connection.split(",").map((name) => keyOf(name.trim())));
}
