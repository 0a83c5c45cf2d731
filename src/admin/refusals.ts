/** What the admin door answers when it does not do what was asked: fixed words, never the input. */
import type { FastifyReply } from "fastify";

const REFUSALS = {
  REQUEST_INVALID: { status: 400, title: "The request is malformed" },
  TOKEN_REQUIRED: { status: 401, title: "An admin token is required" },
  CROSS_SITE: { status: 403, title: "A change needs a bearer token or the header x-sallyport-admin: 1, and comes from this page" },
  NOT_FOUND: { status: 404, title: "There is nothing here" },
  HOST_NOT_ALLOWED: { status: 421, title: "Call this door by its IP address, localhost or the host name in its configuration" },
  RATE_LIMITED: { status: 429, title: "Too many wrong tokens" },
  INTERNAL_ERROR: { status: 500, title: "The admin door failed" },
} as const;

export type RefusalCode = keyof typeof REFUSALS;

/** RFC 7617 for browsers, RFC 6750 for programs. */
const CHALLENGES = ['Basic realm="sallyport admin", charset="UTF-8"', 'Bearer realm="sallyport admin"'];

/** Sends a problem (RFC 9457). `retryAfterMs` goes with RATE_LIMITED. */
export function sendRefusal(reply: FastifyReply, code: RefusalCode, retryAfterMs = 0): FastifyReply {
  const { status, title } = REFUSALS[code];
  if (status === 401) void reply.header("www-authenticate", CHALLENGES);
  if (status === 429) void reply.headers({ "retry-after": Math.max(1, Math.ceil(retryAfterMs / 1000)), connection: "close" });
  const body = JSON.stringify({ type: "about:blank", title, status, code });
  return reply.code(status).type("application/problem+json").send(body);
}
