/**
 * Handshakes of WebSockets. What carries them is loaded when a policy has such routes, or with the first handshake that comes
 * all the same: most gateways never see one.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { fastify, type FastifyInstance } from "fastify";
import type { RoutedRequest } from "./app.ts";
import { NO_SCHEMAS } from "./contract/no-schemas.ts";
import type { Policy } from "./contract/policy.ts";
import type { WebSocketDeps } from "./pipeline/forward/websocket.ts";
import type { Arriving } from "./pipeline/walk.ts";

export interface UpgradeParts extends WebSocketDeps {
  /** Takes a handshake through the pipeline; `allowed` carries it on. */
  readonly take: (arriving: Arriving, allowed: () => void) => void;
  /** Told why nothing can carry a handshake. */
  readonly failed: (cause: unknown) => void;
}

/** Whether a route of the policy lets upgrades through. */
export function hasWebSockets({ services }: Policy): boolean {
  return services.some(({ routes }) => routes.some(({ websocket }) => websocket));
}

export class Upgrades {
  readonly #parts: UpgradeParts;
  #carrier: FastifyInstance | undefined;
  #loading: Promise<FastifyInstance> | undefined;

  constructor(parts: UpgradeParts) {
    this.#parts = parts;
  }

  /** Resolves when handshakes can be carried. */
  async load(): Promise<void> {
    this.#carrier = await (this.#loading ??= buildCarrier(this.#parts));
  }

  /** Takes all upgrades of this server. */
  follow(server: Server): void {
    server.on("upgrade", (request, socket, head) => {
      // Node has let go of the connection, and of a handshake that is refused nobody else listens to errors.
      socket.on("error", () => socket.destroy());
      if (this.#carrier) this.#carrier.server.emit("upgrade", request, socket, head);
      else void this.#late(request, socket, head);
    });
  }

  async close(): Promise<void> {
    await (await this.#loading)?.close();
  }

  async #late(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      await this.load();
      this.#carrier?.server.emit("upgrade", request, socket, head);
    } catch (cause) {
      this.#parts.failed(cause);
      socket.destroy();
    }
  }
}

/** An instance whose server never listens: it is handed the connections of the front door. */
async function buildCarrier(parts: UpgradeParts): Promise<FastifyInstance> {
  const { registerWebSockets } = await import("./pipeline/forward/websocket.ts");
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    rewriteUrl: () => "/",
    schemaController: NO_SCHEMAS,
  });
  app.addHook("onRequest", ({ raw }, reply, goOn) => {
    const request = raw as RoutedRequest;
    parts.take({ request, response: reply.raw, target: request.originalUrl, upgrade: true, early: false }, () => goOn());
  });
  registerWebSockets(app, parts);
  await app.ready();
  return app;
}
