/**
 * Rotating a pool's keys by hand: `POST /POOLID/keys` adds one, `DELETE /POOLID/keys/KID` takes one out.
 * Cognito has no such doors; here a machine client of the pool may use them, with its secret by HTTP Basic.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { authenticateClient } from "./client-authentication.ts";
import type { PoolServer } from "./pool-server.ts";

export function keyDoors(app: FastifyInstance, { pool }: PoolServer): void {
  const refuseStrangers = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const asking = authenticateClient(pool, request.headers.authorization, new Map());
    if (asking.kind === "client" && asking.client.kind === "machine") return undefined;
    return reply.code(401).header("www-authenticate", 'Basic realm="keys", charset="UTF-8"').send({ error: "invalid_client" });
  };
  app.post("/keys", { onRequest: refuseStrangers }, async (_request, reply) => reply.code(201).send({ kid: await pool.keys.rotate() }));
  app.delete<{ Params: { kid: string } }>("/keys/:kid", { onRequest: refuseStrangers }, (request, reply) => {
    const retired = pool.keys.retire(request.params.kid);
    return reply.code(retired ? 200 : 404).send({ retired });
  });
}
