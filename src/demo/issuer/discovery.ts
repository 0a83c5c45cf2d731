/** What a pool tells about itself: discovery, key set, and a person's own data. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { userInfo, type TokenClaims } from "./claims.ts";
import type { PoolServer } from "./pool-server.ts";
import type { Pool } from "./pool.ts";

export function discovery(app: FastifyInstance, server: PoolServer): void {
  const { pool } = server;
  app.get("/.well-known/openid-configuration", () => configuration(pool));
  app.get("/.well-known/jwks.json", (_request, reply) => reply.header("cache-control", "public, max-age=60").send(pool.keys.publicKeys()));
  app.get("/oauth2/userInfo", (request, reply) => personInfo(server, request, reply));
}

/** OpenID Connect Discovery §3, with the members that Cognito gives. */
function configuration({ iss, address, jwks }: Pool): object {
  return {
    authorization_endpoint: `${address}/oauth2/authorize`,
    code_challenge_methods_supported: ["S256"],
    end_session_endpoint: `${address}/logout`,
    grant_types_supported: ["authorization_code", "client_credentials", "refresh_token"],
    id_token_signing_alg_values_supported: ["RS256"],
    issuer: iss,
    jwks_uri: jwks,
    response_types_supported: ["code"],
    scopes_supported: ["openid", "email", "profile"],
    subject_types_supported: ["public"],
    token_endpoint: `${address}/oauth2/token`,
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
    userinfo_endpoint: `${address}/oauth2/userInfo`,
  };
}

function personInfo(server: PoolServer, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const claims = accessClaims(server, request.headers.authorization);
  const person = server.pool.people.find(({ sub }) => sub === claims?.["sub"]);
  reply.header("cache-control", "no-store");
  if (person) return reply.send(userInfo(person));
  // RFC 6750 §3.1.
  return reply.code(401).header("www-authenticate", 'Bearer error="invalid_token"').send({ error: "invalid_token" });
}

/** Claims of a live access token that was given for `openid`. */
function accessClaims({ pool, clock }: PoolServer, authorization: string | undefined): TokenClaims | undefined {
  const token = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  const claims = token === undefined ? undefined : pool.keys.read(token);
  if (!claims || claims["token_use"] !== "access" || typeof claims["scope"] !== "string") return undefined;
  const live = typeof claims["exp"] === "number" && claims["exp"] * 1000 > clock.now();
  return live && claims["scope"].split(" ").includes("openid") ? claims : undefined;
}
