/**
 * `/POOLID/try`: a small app that signs a person in by code and PKCE, as any app would, and shows the tokens.
 * It is there for each web client that has `/try/callback` among its redirect addresses.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { returnTo } from "./authorization.ts";
import { cookie, queryOf, readParameters } from "./form.ts";
import { messagePage, tokensPage } from "./pages.ts";
import type { Client } from "./pool-options.ts";
import type { PoolServer } from "./pool-server.ts";
import { sha256 } from "./secrets.ts";
import { sendPage } from "./sign-in.ts";
import { Tickets } from "./tickets.ts";
import { randomSecret } from "../random.ts";

const CALLBACK = "/try/callback";
const ATTEMPT_COOKIE = "attempt";
const ATTEMPT_LIFETIME_MS = 10 * 60 * 1000;

/** What the app keeps while the person is away signing in; its name is the cookie and the `state`. */
interface Attempt {
  readonly client: Client;
  readonly verifier: string;
}

export function tryPage(app: FastifyInstance, server: PoolServer): void {
  const client = server.pool.clients.find(({ redirectUris }) => redirectUris.includes(CALLBACK));
  if (!client) return;
  const attempts = new Tickets<Attempt>(server.clock, ATTEMPT_LIFETIME_MS);
  app.get("/try", (_request, reply) => begin(server, client, attempts, reply));
  app.get(CALLBACK, (request, reply) => finish(server, attempts, request, reply));
}

function begin(server: PoolServer, client: Client, attempts: Tickets<Attempt>, reply: FastifyReply): FastifyReply {
  const { pool, clock } = server;
  const verifier = randomSecret(clock.randomBytes) + randomSecret(clock.randomBytes);
  const state = attempts.issue({ client, verifier });
  reply.header("set-cookie", `${ATTEMPT_COOKIE}=${state}; Path=/${pool.id}/try; HttpOnly; SameSite=Lax`);
  return reply.redirect(
    returnTo(`${pool.address}/oauth2/authorize`, {
      response_type: "code",
      client_id: client.id,
      redirect_uri: pool.address + CALLBACK,
      scope: client.scopes.join(" "),
      state,
      code_challenge: sha256(verifier).toString("base64url"),
      code_challenge_method: "S256",
    }),
  );
}

function finish({ pool, codes }: PoolServer, attempts: Tickets<Attempt>, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const parameters = readParameters(queryOf(request.url));
  const state = parameters?.get("state");
  const attempt = state !== undefined && state === cookie(request.headers.cookie, ATTEMPT_COOKIE) ? attempts.take(state) : undefined;
  if (!attempt) return sendPage(reply.code(400), messagePage("This sign-in was not begun here", `Begin again at /${pool.id}/try.`));
  const redirectUri = pool.address + CALLBACK;
  const redeemed = codes.redeem({
    code: parameters?.get("code") ?? "",
    clientId: attempt.client.id,
    redirectUri,
    verifier: attempt.verifier,
  });
  if (redeemed.kind === "refused") return sendPage(reply.code(400), messagePage("The sign-in failed", redeemed.reason));
  return sendPage(reply, tokensPage(pool, redeemed.tokens));
}
