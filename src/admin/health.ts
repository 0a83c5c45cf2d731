/** The health door: for kubelets and balancers, and so without any detail. */
import type { FastifyReply } from "fastify";
import type { Door } from "../contract/policy.ts";
import { createListener, openDoor } from "./listener.ts";
import { readinessOf } from "./readiness.ts";
import type { RunningDoor, Sources } from "./sources.ts";

/** Answers GET and HEAD on `/live` and `/ready`; 404 without a body to all else. Rejects when the port cannot be had. */
export async function startHealthDoor(door: Door, sources: Pick<Sources, "phase">): Promise<RunningDoor> {
  const app = createListener(notFound);
  app.addHook("onRequest", async (request, reply) => {
    void reply.header("cache-control", "no-store");
    if (request.is404) return notFound(reply);
  });
  app.setErrorHandler((_error, _request, reply) => reply.code(500).send());
  app.get("/live", () => ({ status: "live" }));
  app.get("/ready", (_request, reply) => {
    const { code, status } = readinessOf(sources.phase());
    return reply.code(code).send({ status });
  });
  return openDoor(app, door);
}

function notFound(reply: FastifyReply): FastifyReply {
  return reply.code(404).send();
}
