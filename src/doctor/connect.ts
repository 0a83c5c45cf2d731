/** Opens a connection and closes it again: nothing is sent but what TLS itself sends. */
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { codeOf } from "./network-words.ts";

export type Connected =
  | { readonly kind: "connected"; readonly tls?: PeerCertificate }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

export interface PeerCertificate {
  /** When the server's certificate ends, epoch milliseconds. */
  readonly end: number;
  /** Code of what is wrong with it; undefined where it was verified. */
  readonly fault?: string;
}

/** `origin` is http or https; over https the certificate is judged as the gateway judges it. */
export function connectOnce(origin: string, timeoutMs: number): Promise<Connected> {
  const url = new URL(origin);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  return url.protocol === "https:"
    ? overTls(host, port, timeoutMs)
    : untilOpen(connect({ host, port }), "connect", timeoutMs, () => ({ kind: "connected" }));
}

function overTls(host: string, port: number, timeoutMs: number): Promise<Connected> {
  const servername = isIP(host) === 0 ? { servername: host } : {};
  // The handshake goes on for the sake of the finding; nothing is ever sent over a connection that was not verified.
  const socket = connectTls({ host, port, ...servername, ALPNProtocols: ["http/1.1"], rejectUnauthorized: false });
  return untilOpen(socket, "secureConnect", timeoutMs, () => ({ kind: "connected", tls: certificateOf(socket) }));
}

function certificateOf(socket: TLSSocket): PeerCertificate {
  const end = Date.parse(socket.getPeerCertificate().valid_to);
  // Typed as an error, and an error's code in fact.
  const fault = socket.authorized ? undefined : String(socket.authorizationError);
  return { end, ...(fault !== undefined && { fault }) };
}

function untilOpen(socket: Socket, event: string, timeoutMs: number, opened: () => Connected): Promise<Connected> {
  return new Promise((settle) => {
    const leave = (outcome: Connected): void => {
      clearTimeout(timer);
      socket.destroy();
      settle(outcome);
    };
    const timer = setTimeout(() => leave({ kind: "failed", code: "ETIMEDOUT", message: "" }), timeoutMs);
    socket.once(event, () => leave(opened()));
    socket.on("error", (error) => leave({ kind: "failed", code: codeOf(error), message: error.message }));
    socket.once("close", () => leave({ kind: "failed", code: "ECONNRESET", message: "" }));
  });
}
