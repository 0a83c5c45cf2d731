/** What the three stand-in services have in common: JSON over HTTP on loopback, no authentication, and a witness. */
import type { AddressInfo } from "node:net";
import type { IncomingHttpHeaders } from "node:http";
import Fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import type { RandomBytes } from "../random.ts";

const LOOPBACK = "127.0.0.1";

export interface StandIn {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  close(): Promise<void>;
}

/** What a stand-in's routes are made with. */
export interface StandInWorld {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly randomBytes: RandomBytes;
}

/** What reached the service, in every answer that is an object: it shows what the gateway tells and what it keeps back. */
export interface Saw {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** A refusal of the service itself, told in its own format. */
export class StandInError extends Error {
  override readonly name = "StandInError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface StandInPlan {
  readonly routes: (app: FastifyInstance, world: StandInWorld) => void;
  /** Body of an error answer in the service's format. */
  readonly errorBody: (status: number, message: string) => JsonObject;
}

/** Starts one service, on 127.0.0.1 unless told otherwise; port 0 takes a free one. Rejects when the port is taken. */
export async function startStandIn(plan: StandInPlan, world: StandInWorld, port = 0, host = LOOPBACK): Promise<StandIn> {
  const app = Fastify({ forceCloseConnections: true });
  app.addHook("preSerialization", (request, _reply, payload, done) => done(null, witnessed(request, payload)));
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(plan.errorBody(404, "Not found")));
  app.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) => {
    const status = error instanceof StandInError ? error.status : (error.statusCode ?? 500);
    return reply.code(status).send(plan.errorBody(status, status < 500 ? error.message : "The stand-in failed"));
  });
  plan.routes(app, world);
  await app.listen({ host, port });
  return { url: `http://${LOOPBACK}:${(app.server.address() as AddressInfo).port}`, close: () => app.close() };
}

function witnessed(request: FastifyRequest, payload: unknown): unknown {
  if (typeof payload !== "object" || payload === null || Array.isArray(payload)) return payload;
  const saw: Saw = { method: request.method, path: request.url, headers: request.headers };
  return { ...payload, _saw: saw };
}

/** The JSON object that the request carries; an empty one where it carries none. */
export function bodyOf(request: FastifyRequest): JsonObject {
  const { body } = request;
  if (body === undefined || body === null) return {};
  if (typeof body !== "object" || Array.isArray(body)) throw new StandInError(400, "The body is a JSON object");
  return { ...body };
}

/** A member of a body that is a string; undefined where it is absent or something else. */
export function stringOf(body: JsonObject, name: string): string | undefined {
  const value = body[name];
  return typeof value === "string" ? value : undefined;
}

/** What was found, or the service's 404. */
export function found<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new StandInError(404, `${what} not found`);
  return value;
}
