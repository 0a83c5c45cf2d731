/** HAProxy with `jwt_verify` and the same rules, as its documentation writes them. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SCOPE } from "../stage/issuer.ts";
import { GATEWAY_CORE } from "../stage/machine.ts";
import { answering, freePort, startPinned } from "../stage/pinned.ts";
import { ORIGIN, type Stage } from "../stage/stage.ts";
import type { Target } from "./target.ts";

export const haproxy: Target = {
  name: "haproxy",
  answers: "by policy",
  start: async (stage) => {
    const port = await freePort();
    const config = join(stage.folder, "haproxy.cfg");
    writeFileSync(join(stage.folder, "issuer.pem"), stage.issuer.publicPem);
    writeFileSync(config, configOf(stage, port));
    const program = startPinned({ core: GATEWAY_CORE, command: "haproxy", arguments: ["-db", "-f", config] });
    await answering(port);
    return { ...program, port };
  },
};

/**
 * Algorithm, issuer, expiry, kind, scope, tenant in the path, one counter by subject, CORS headers. It verifies the signature of
 * every request anew: 2.6 has no cache for that. The claims are decoded once, which costs a tenth less than `jwt_payload_query` for
 * each of them.
 */
function configOf({ folder, issuer, upstream }: Stage, port: number): string {
  return `global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  option forwardfor
  http-reuse always
frontend door
  bind 127.0.0.1:${port} backlog 8192
  stick-table type string len 64 size 1m expire 2m store http_req_rate(60s)
  http-request set-var(txn.token) http_auth_bearer
  http-request deny deny_status 401 unless { var(txn.token) -m found }
  http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
  http-request deny deny_status 401 unless { var(txn.token),jwt_verify(txn.alg,"${join(folder, "issuer.pem")}") 1 }
  http-request set-var(txn.claims) var(txn.token),word(2,.),ub64dec
  http-request set-var(txn.iss) var(txn.claims),json_query('$.iss')
  http-request deny deny_status 401 unless { var(txn.iss) -m str ${issuer.iss} }
  http-request set-var(txn.now) date()
  http-request set-var(txn.exp) var(txn.claims),json_query('$.exp','int')
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 1 }
  http-request set-var(txn.use) var(txn.claims),json_query('$.token_use')
  http-request deny deny_status 403 unless { var(txn.use) -m str access }
  http-request set-var(txn.sub) var(txn.claims),json_query('$.sub')
  http-request set-var(txn.client) var(txn.claims),json_query('$.client_id')
  http-request track-sc0 var(txn.sub)
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 100000000 }
  http-request set-var(txn.scope) var(txn.claims),json_query('$.scope')
  http-request deny deny_status 403 unless { var(txn.scope) -m reg (^|\\ )${SCOPE}($|\\ ) }
  http-request set-var(txn.tenant) path,field(4,/)
  http-request deny deny_status 403 unless { var(txn.client),strcmp(txn.tenant) eq 0 }
  http-request set-var(txn.origin) req.hdr(origin)
  http-request del-header authorization
  http-request set-header x-auth-subject %[var(txn.sub)]
  http-request set-header x-auth-tenant %[var(txn.tenant)]
  http-response set-header access-control-allow-origin %[var(txn.origin)] if { var(txn.origin) -m str ${ORIGIN} }
  http-response set-header access-control-allow-credentials true if { var(txn.origin) -m str ${ORIGIN} }
  http-response set-header vary Origin
  default_backend service
backend service
  server one 127.0.0.1:${upstream.port}
`;
}
