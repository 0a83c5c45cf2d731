/** What a live gateway meets outside: issuers of tokens, and an upstream that tells what reached it. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { ecKey, signToken } from "../../authenticate/fixtures/keys.ts";
import { keySetOf } from "../../authenticate/fixtures/issuer-server.ts";
import type { Outside } from "../generated/files.ts";

/** What reached the upstream: path and query, and all headers by lower-case name. */
export interface Heard {
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Answer header in which the upstream tells what it heard; an answer without it is the gateway's own. */
export const HEARD = "x-heard";

export interface World {
  readonly outside: Outside;
  /** A token with these claims, signed by a key of every issuer. */
  readonly sign: (claims: object) => string;
  readonly close: () => void;
}

export async function openWorld(): Promise<World> {
  const key = ecKey("k1");
  const keys = keySetOf(key);
  const [issuer, upstream] = [
    createServer((_request, response) => void response.setHeader("content-type", "application/json").end(keys)),
    createServer((request, response) => void request.resume().on("end", () => response.setHeader(HEARD, heardOf(request)).end())),
  ];
  const sockets = new WebSocketServer({ server: upstream });
  sockets.on("connection", (socket) => socket.on("error", () => {}));
  const [jwks, url] = [await listening(issuer), await listening(upstream)];
  return {
    outside: { upstream: url, jwks: () => jwks },
    sign: (claims) => signToken(key, claims),
    close: () => {
      for (const socket of sockets.clients) socket.terminate();
      for (const server of [issuer, upstream]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

function heardOf({ url = "", headers }: IncomingMessage): string {
  return encodeURIComponent(JSON.stringify({ target: url, headers }));
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
