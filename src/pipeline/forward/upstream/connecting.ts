/** Makes connections to an upstream: plain ones, and verified TLS. */
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Upstream } from "../../../contract/policy.ts";
import { type Connection } from "./connection.ts";
import { timedOut } from "./fault.ts";

/** Opens a socket for the connection, which is told how it went. */
export type Connect = (connection: Connection) => void;

export function connectorTo({ origin, verifyTls }: Upstream, connectMs: number | undefined): Connect {
  const { protocol, hostname, port } = new URL(origin);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  if (protocol === "https:") return tlsConnector(host, port === "" ? 443 : Number(port), verifyTls, connectMs);
  const place = { host, port: port === "" ? 80 : Number(port), noDelay: true };
  return (connection) => {
    const socket = connectPlain({ ...place, onread: connection.onread });
    connection.attach(socket);
    watch(connection, socket, "connect", connectMs);
  };
}

function tlsConnector(host: string, port: number, rejectUnauthorized: boolean, connectMs: number | undefined): Connect {
  const servername = isIP(host) === 0 ? host : "";
  let session: Buffer | undefined;
  return (connection) => {
    const resumed = session === undefined ? {} : { session };
    const socket: TLSSocket = connectTls({ host, port, servername, rejectUnauthorized, ALPNProtocols: ["http/1.1"], ...resumed });
    socket.setNoDelay();
    socket.on("session", (next: Buffer) => (session = next));
    // A session that no longer holds must not keep the next connection from being made.
    socket.once("error", () => (session = undefined));
    connection.attach(socket);
    watch(connection, socket, "secureConnect", connectMs);
  };
}

function watch(connection: Connection, socket: Socket, made: "connect" | "secureConnect", connectMs: number | undefined): void {
  const timer = connectMs === undefined ? undefined : setTimeout(() => connection.failed(timedOut("no connection in time")), connectMs);
  socket.once(made, () => {
    clearTimeout(timer);
    connection.ready();
  });
  socket.once("close", () => clearTimeout(timer));
}
