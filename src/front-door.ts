/** The front door's server: HTTP/1.1 as `node:http` reads it, plain or over TLS. */
import type { RequestListener, Server, ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { Server as TlsServer, type SecureContextOptions, type TLSSocket } from "node:tls";
import { createServer } from "./contract/node-http.ts";
import type { DoorTls } from "./contract/policy.ts";
import { DoorRequest } from "./pipeline/door-request.ts";
import type { DoorCertificate } from "./policy/certificate-files.ts";

/** What makes a door one of TLS. */
export interface DoorSecurity {
  readonly tls: DoorTls;
  readonly certificate: DoorCertificate;
}

/** Why a handshake failed, in one of a few words, and in OpenSSL's. */
export interface FailedHandshake {
  readonly reason: "closed" | "timeout" | "certificate" | "protocol";
  readonly detail: string;
  readonly address: string | undefined;
}

/** No version but HTTP/1.1 is offered: see docs/decisions/0005-http2.md. */
const PROTOCOLS = ["http/1.1"];
/** As long as a request's head may take. */
const HANDSHAKE_MS = 10_000;

/** `http` holds for requests over TLS too. */
export type HttpOptions = Omit<ServerOptions<typeof DoorRequest>, "IncomingMessage">;

/** A server that does not listen yet. */
export function createDoorServer(
  options: HttpOptions,
  security: DoorSecurity | undefined,
  listener: RequestListener<typeof DoorRequest>,
): Server<typeof DoorRequest> {
  const http = { ...options, IncomingMessage: DoorRequest };
  if (!security) return createServer(http, listener);
  const { clients } = security.tls;
  return createTlsServer(
    {
      ...http,
      ...contextOf(security),
      ALPNProtocols: PROTOCOLS,
      handshakeTimeout: HANDSHAKE_MS,
      requestCert: clients !== undefined,
      rejectUnauthorized: clients?.required === true,
    },
    listener,
  );
}

/** Handshakes that begin from now on are given this certificate; connections that are open stay as they are. */
export function useCertificate(server: Server, security: DoorSecurity): void {
  if (server instanceof TlsServer) server.setSecureContext(contextOf(security));
}

/** Tells of each handshake that came to nothing. */
export function onFailedHandshake(server: Server, tell: (failed: FailedHandshake) => void): void {
  server.on("tlsClientError", (error: Error & { readonly code?: string }, socket: TLSSocket) => {
    // Typed as an error, and an error code in fact.
    const distrusted = socket.authorizationError as unknown;
    const detail = typeof distrusted === "string" ? distrusted : (error.code ?? error.name);
    tell({ reason: typeof distrusted === "string" ? "certificate" : reasonOf(detail), detail, address: socket.remoteAddress });
  });
}

function contextOf({ tls, certificate: { cert, key, clientCa } }: DoorSecurity): SecureContextOptions {
  return { cert, key, minVersion: tls.minVersion, ...(clientCa !== undefined && { ca: clientCa }) };
}

function reasonOf(code: string): FailedHandshake["reason"] {
  if (code === "ECONNRESET" || code === "EPIPE") return "closed";
  if (code === "ERR_TLS_HANDSHAKE_TIMEOUT") return "timeout";
  return code === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE" ? "certificate" : "protocol";
}
