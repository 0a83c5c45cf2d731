/** The doors for people: `/oauth2/authorize`, `/login` and `/logout` of one pool. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { readAuthorization, returnTo, type Authorization } from "./authorization.ts";
import { cookie, queryOf, readParameters } from "./form.ts";
import { messagePage, signInPage, type Page } from "./pages.ts";
import type { Person } from "./pool-options.ts";
import type { PoolServer } from "./pool-server.ts";
import { sameSecret } from "./secrets.ts";
import { randomSecret } from "../random.ts";

const SESSION_COOKIE = "cognito";
const CSRF_COOKIE = "XSRF-TOKEN";

export function signIn(app: FastifyInstance, server: PoolServer): void {
  app.get("/oauth2/authorize", (request, reply) =>
    withAuthorization(server, request, reply, (asked) => authorize(server, asked, request, reply)),
  );
  app.get("/login", (request, reply) => withAuthorization(server, request, reply, (asked) => showForm(server, asked, request, reply)));
  app.post("/login", (request, reply) => withAuthorization(server, request, reply, (asked) => takeForm(server, asked, request, reply)));
  app.get("/logout", (request, reply) => signOut(server, request, reply));
}

/** Every door checks the request anew, so that none relies on the one before it. */
function withAuthorization(
  server: PoolServer,
  request: FastifyRequest,
  reply: FastifyReply,
  next: (asked: Authorization) => FastifyReply,
): FastifyReply {
  const verdict = readAuthorization(server.pool, queryOf(request.url));
  if (verdict.kind === "authorization") return next(verdict.authorization);
  if (verdict.kind === "returned") return reply.redirect(verdict.location);
  return sendPage(reply.code(400), messagePage("This sign-in cannot begin", verdict.reason));
}

function authorize(server: PoolServer, asked: Authorization, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const person = server.sessions.find(cookie(request.headers.cookie, SESSION_COOKIE) ?? "");
  if (person) return sendCode(server, asked, person, reply);
  return reply.redirect(`/${server.pool.id}/login?${queryOf(request.url)}`);
}

function showForm(server: PoolServer, asked: Authorization, request: FastifyRequest, reply: FastifyReply, failed?: string): FastifyReply {
  const csrf = randomSecret(server.clock.randomBytes);
  setCookie(server, reply, CSRF_COOKIE, csrf);
  const page = signInPage({ pool: server.pool, query: queryOf(request.url), csrf, failed });
  return sendPage(reply, page, new URL(asked.redirectUri).origin);
}

function takeForm(server: PoolServer, asked: Authorization, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const form = typeof request.body === "string" ? readParameters(request.body) : undefined;
  const csrf = cookie(request.headers.cookie, CSRF_COOKIE);
  if (!form || csrf === undefined || !sameSecret(form.get("_csrf") ?? "", csrf)) {
    return sendPage(reply.code(403), messagePage("This form has ended", "Begin the sign-in again."));
  }
  const username = form.get("username") ?? "";
  const person = server.pool.person(username);
  const proved = person && sameSecret(form.get("password") ?? "", person.password);
  if (!proved) return showForm(server, asked, request, reply.code(401), username);
  setCookie(server, reply, SESSION_COOKIE, server.sessions.issue(person));
  return sendCode(server, asked, person, reply);
}

function sendCode(server: PoolServer, asked: Authorization, person: Person, reply: FastifyReply): FastifyReply {
  const signedIn = server.pool.signIn(person, asked.scopes);
  const code = server.codes.issue({
    clientId: asked.client.id,
    redirectUri: asked.redirectUri,
    challenge: asked.challenge,
    signIn: asked.nonce === undefined ? signedIn : { ...signedIn, nonce: asked.nonce },
  });
  return reply.header("cache-control", "no-store").redirect(returnTo(asked.redirectUri, { code, state: asked.state }));
}

/** Ends the browser's session; leads on only to an address that is registered for the client. */
function signOut(server: PoolServer, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  server.sessions.take(cookie(request.headers.cookie, SESSION_COOKIE) ?? "");
  setCookie(server, reply, SESSION_COOKIE, "; Max-Age=0");
  const parameters = readParameters(queryOf(request.url));
  const client = server.pool.client(parameters?.get("client_id") ?? "");
  const next = client?.logoutUris.find((uri) => uri === parameters?.get("logout_uri"));
  return next === undefined
    ? sendPage(reply, messagePage("You are signed out", "Close this page, or sign in again."))
    : reply.redirect(next);
}

/** Cookies know no ports, so the path keeps those of a pool to the pool. */
function setCookie(server: PoolServer, reply: FastifyReply, name: string, value: string): void {
  reply.header("set-cookie", `${name}=${value}; Path=/${server.pool.id}; HttpOnly; SameSite=Lax`);
}

/** Sends a page that can load nothing, be framed by nobody, and post its form only here (and be sent on from here). */
export function sendPage(reply: FastifyReply, page: Page, formTarget = ""): FastifyReply {
  return reply
    .headers({
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "content-security-policy": `default-src 'none'; ${page.sources}; form-action 'self' ${formTarget}; base-uri 'none'; frame-ancestors 'none'`,
    })
    .send(page.html);
}
