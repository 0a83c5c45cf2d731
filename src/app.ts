/** The framework's instance: one wildcard route, and a server of which every request comes to the pipeline. */
import type { RequestListener } from "node:http";
import type { Socket } from "node:net";
import { fastify, type FastifyInstance } from "fastify";
import { METHODS } from "./contract/node-http.ts";
import { NO_SCHEMAS } from "./contract/no-schemas.ts";
import { createDoorServer, type DoorSecurity } from "./front-door.ts";
import type { DoorRequest } from "./pipeline/door-request.ts";

/** A request as it comes out of the router: with the target that was sent. */
export type RoutedRequest = DoorRequest & { readonly originalUrl: string };

/** What never comes to a route of the instance: methods that its router does not know, and what the parser refused. */
interface StrayListeners {
  readonly unrouted: RequestListener<typeof DoorRequest>;
  readonly mayUpgrade: (request: DoorRequest) => boolean;
  readonly unparsed: (error: Error, socket: Socket) => void;
}

/** Those of RTSP, which the parser knows too, are none. */
const ROUTED_METHODS: ReadonlySet<string> = new Set(METHODS);

/** How long heads and idle connections may take is the policy's to say. */
const HTTP = {
  requestTimeout: 0,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16_384,
  insecureHTTPParser: false,
  // A request without a body has nothing to stream.
  optimizeEmptyRequests: true,
  // The edge stage refuses a request without Host itself, so that it is answered, logged and counted as any other.
  requireHostHeader: false,
};

/** The router sees one path only: what a client sent as target is read by the edge stage and nowhere else. */
export function createApp(security: DoorSecurity | undefined, { unrouted, unparsed, mayUpgrade }: StrayListeners): FastifyInstance {
  const app = fastify({
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    bodyLimit: Number.MAX_SAFE_INTEGER,
    rewriteUrl: () => "/",
    schemaController: NO_SCHEMAS,
    serverFactory: (route) =>
      createDoorServer({ ...HTTP, shouldUpgradeCallback: mayUpgrade }, security, (request, response) => {
        if (ROUTED_METHODS.has(request.method ?? "")) route(request, response);
        else unrouted(request, response);
      }),
    clientErrorHandler: unparsed,
  });
  for (const method of METHODS) if (!app.supportedMethods.includes(method)) app.addHttpMethod(method);
  app.route({ method: app.supportedMethods, url: "/", handler: neverReached });
  return app;
}

/** Each request is taken before the framework comes to a handler. */
function neverReached(): never {
  throw new Error("a request that no walk took");
}

/** Anything else that asks for an upgrade (h2c) is an ordinary request, and its Upgrade field goes no further. */
export function isWebSocketHandshake(request: DoorRequest): boolean {
  const upgrade = request.headers.upgrade;
  return (
    request.method === "GET" && upgrade !== undefined && upgrade.toLowerCase() === "websocket" && asksForUpgrade(request.headers.connection)
  );
}

function asksForUpgrade(connection: string | undefined): boolean {
  return (
    connection !== undefined &&
    connection
      .toLowerCase()
      .split(",")
      .some((option) => option.trim() === "upgrade")
  );
}
