/** The admin door: metrics, health with detail, the API and the page. */
import type { FastifyInstance, FastifyReply } from "fastify";
import type { Door } from "../contract/policy.ts";
import { createGuard } from "./guard.ts";
import { createListener, openDoor } from "./listener.ts";
import { policyView } from "./policy-view.ts";
import { readinessOf } from "./readiness.ts";
import { sendRefusal } from "./refusals.ts";
import type { RunningDoor, Sources } from "./sources.ts";
import { statusView } from "./status-view.ts";

const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** What a person looks through; any other one is found by its id. */
const MOST_DECISIONS = 200;

/** Listens for operators; the tokens are the policy's in force. Rejects when the port cannot be had. */
export async function startAdminDoor(door: Door, sources: Sources): Promise<RunningDoor> {
  const app = createListener((reply) => sendRefusal(reply.headers(HEADERS), "REQUEST_INVALID"));
  const guard = createGuard(door.host, sources);
  app.addHook("onRequest", async (request, reply) => {
    void reply.headers(HEADERS);
    const refused = guard(request);
    if (refused) return sendRefusal(reply, refused.code, refused.retryAfterMs);
    if (request.is404) return sendRefusal(reply, "NOT_FOUND");
  });
  app.setErrorHandler((error, _request, reply) => {
    sources.onFault(error);
    return sendRefusal(reply, "INTERNAL_ERROR");
  });
  serveOpen(app, sources);
  serveApi(app, sources);
  app.get("/", (_request, reply) => servePage(reply));
  return openDoor(app, door);
}

/** Without a token: see the guard. */
function serveOpen(app: FastifyInstance, sources: Sources): void {
  app.get("/metrics", async (_request, reply) => reply.type(sources.metrics.contentType).send(await sources.metrics.text()));
  app.get("/health/live", () => ({ status: "live" }));
  app.get("/health/ready", async (_request, reply) => reply.code(readinessOf(sources.phase()).code).send(await statusView(sources)));
}

function serveApi(app: FastifyInstance, sources: Sources): void {
  app.get("/api/status", () => statusView(sources));
  app.get("/api/policy", () => policyView(sources.policy()));
  app.get("/api/decisions", async () => ({ decisions: (await sources.decisions.recent()).slice(0, MOST_DECISIONS) }));
  app.get<{ Params: { id: string } }>("/api/decisions/:id", async (request, reply) => {
    return (await sources.decisions.find(request.params.id)) ?? sendRefusal(reply, "NOT_FOUND");
  });
  app.post("/api/reload", async (_request, reply) => {
    const { kind, diagnostics } = await sources.reload();
    return reply.code(kind === "rejected" ? 422 : 200).send({ kind, revision: sources.policy().revision, diagnostics });
  });
}

/** Loaded when somebody looks at it. */
async function servePage(reply: FastifyReply): Promise<FastifyReply> {
  const { PAGE } = await import("./page/page.ts");
  return reply.type("text/html; charset=utf-8").header("content-security-policy", PAGE.contentSecurityPolicy).send(PAGE.html);
}
