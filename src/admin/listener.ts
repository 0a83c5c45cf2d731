/** The HTTP listener under both doors: small requests, short patience, no words of the framework's own. */
import type { AddressInfo } from "node:net";
import { fastify, type FastifyInstance, type FastifyReply } from "fastify";
import { NO_SCHEMAS } from "../contract/no-schemas.ts";
import type { Door } from "../contract/policy.ts";
import type { RunningDoor } from "./sources.ts";

const REQUEST_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 10_000;

/** A listener that reads no body. `refuse` answers targets that are no plain path. */
export function createListener(refuse: (reply: FastifyReply) => FastifyReply): FastifyInstance {
  const app = fastify({
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: IDLE_TIMEOUT_MS,
    forceCloseConnections: true,
    schemaController: NO_SCHEMAS,
    frameworkErrors: (_error, _request, reply) => void refuse(reply),
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
      else socket.destroy();
    },
  });
  // The router would read an absolute-form target as its path, and `*` as the root (RFC 9112 section 3.2).
  app.addHook("onRequest", async (request, reply) => {
    if (!request.originalUrl.startsWith("/")) return refuse(reply);
  });
  // No call has a body; one that is sent all the same stays unread, whatever its type.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null, undefined));
  return app;
}

/** Rejects when the port cannot be had; then nothing stays open. */
export async function openDoor(app: FastifyInstance, door: Door): Promise<RunningDoor> {
  try {
    await app.listen({ host: door.host, port: door.port });
  } catch (error) {
    await app.close();
    throw error;
  }
  const { port } = app.server.address() as AddressInfo;
  return { port, close: () => app.close() };
}
