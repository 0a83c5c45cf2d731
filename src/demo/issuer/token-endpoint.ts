/** `POST /POOLID/oauth2/token`: client credentials, authorization code, refresh (RFC 6749 §4.1.3, §4.4.2, §6). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { authenticateClient } from "./client-authentication.ts";
import { readParameters, readScopes, type Parameters } from "./form.ts";
import type { Client } from "./pool-options.ts";
import type { PoolServer } from "./pool-server.ts";

/** RFC 6749 §5.1. */
interface TokenBody {
  readonly access_token: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
  readonly expires_in: number;
  readonly token_type: "Bearer";
}

/** RFC 6749 §5.2. */
type TokenError =
  "invalid_request" | "invalid_client" | "invalid_grant" | "unauthorized_client" | "unsupported_grant_type" | "invalid_scope";

type TokenAnswer =
  | { readonly kind: "granted"; readonly body: TokenBody }
  | { readonly kind: "refused"; readonly error: TokenError; readonly description: string };

type Grant = (server: PoolServer, client: Client, parameters: Parameters) => TokenAnswer;

const GRANTS: ReadonlyMap<string, Grant> = new Map([
  ["client_credentials", clientCredentials],
  ["authorization_code", authorizationCode],
  ["refresh_token", refresh],
]);

export function tokenEndpoint(app: FastifyInstance, server: PoolServer): void {
  app.post("/oauth2/token", (request, reply) => send(reply, answer(server, request)));
}

function answer(server: PoolServer, request: FastifyRequest): TokenAnswer {
  if (typeof request.body !== "string") return refused("invalid_request", "the body is application/x-www-form-urlencoded");
  const parameters = readParameters(request.body);
  if (!parameters) return refused("invalid_request", "a parameter is repeated");
  const asking = authenticateClient(server.pool, request.headers.authorization, parameters);
  if (asking.kind === "ambiguous") return refused("invalid_request", "the client shows its secret in two places");
  if (asking.kind === "unknown") return refused("invalid_client", "unknown client or wrong secret");
  const grant = GRANTS.get(parameters.get("grant_type") ?? "");
  return grant
    ? grant(server, asking.client, parameters)
    : refused("unsupported_grant_type", `grant_type is one of ${[...GRANTS.keys()].join(", ")}`);
}

function clientCredentials({ pool }: PoolServer, client: Client, parameters: Parameters): TokenAnswer {
  if (client.kind !== "machine") return refused("unauthorized_client", "this client signs people in");
  const scopes = readScopes(parameters.get("scope"), client.scopes);
  if (!scopes) return refused("invalid_scope", "the client may not have one of these scopes");
  return granted({
    access_token: pool.machineToken({ clientId: client.id, scopes }),
    expires_in: pool.lifetimes.access,
    token_type: "Bearer",
  });
}

function authorizationCode({ pool, codes }: PoolServer, client: Client, parameters: Parameters): TokenAnswer {
  if (client.kind !== "web") return refused("unauthorized_client", "this client does not sign people in");
  const [code, redirectUri, verifier] = ["code", "redirect_uri", "code_verifier"].map((name) => parameters.get(name));
  if (!code || !redirectUri || !verifier) return refused("invalid_request", "code, redirect_uri and code_verifier are needed");
  const redeemed = codes.redeem({ code, redirectUri, verifier, clientId: client.id });
  if (redeemed.kind === "refused") return refused("invalid_grant", redeemed.reason);
  const { idToken, accessToken, refreshToken } = redeemed.tokens;
  return granted({
    ...idTokenFor(redeemed.signIn.scopes, idToken),
    access_token: accessToken,
    refresh_token: refreshToken,
    expires_in: pool.lifetimes.access,
    token_type: "Bearer",
  });
}

/** As at Cognito, the refresh token stays the same and is not sent again. */
function refresh({ pool }: PoolServer, client: Client, parameters: Parameters): TokenAnswer {
  const token = parameters.get("refresh_token");
  if (!token) return refused("invalid_request", "refresh_token is needed");
  const grant = pool.refreshTokens.find(token);
  if (!grant || grant.clientId !== client.id)
    return refused("invalid_grant", "the refresh token is unknown, has ended or is another client's");
  const scopes = readScopes(parameters.get("scope"), grant.signIn.scopes);
  if (!scopes) return refused("invalid_scope", "a refresh cannot widen the scopes");
  const { idToken, accessToken } = pool.tokensOf({ ...grant.signIn, scopes }, client.id);
  return granted({ ...idTokenFor(scopes, idToken), access_token: accessToken, expires_in: pool.lifetimes.access, token_type: "Bearer" });
}

/** An ID token is given to those who ask for `openid` only. */
function idTokenFor(scopes: readonly string[], idToken: string): { id_token?: string } {
  return scopes.includes("openid") ? { id_token: idToken } : {};
}

function send(reply: FastifyReply, outcome: TokenAnswer): FastifyReply {
  reply.headers({ "cache-control": "no-store", pragma: "no-cache" });
  if (outcome.kind === "granted") return reply.send(outcome.body);
  const unknownClient = outcome.error === "invalid_client";
  if (unknownClient) reply.header("www-authenticate", 'Basic realm="token endpoint", charset="UTF-8"');
  return reply.code(unknownClient ? 401 : 400).send({ error: outcome.error, error_description: outcome.description });
}

function granted(body: TokenBody): TokenAnswer {
  return { kind: "granted", body };
}

function refused(error: TokenError, description: string): TokenAnswer {
  return { kind: "refused", error, description };
}
