/** A client of the TLS front door that trusts the test's authority alone. */
import { request, type RequestOptions } from "node:https";
import type { Agent } from "node:https";
import type { TLSSocket } from "node:tls";
import { readAnswer, type Answer } from "../forward/harness.ts";
import type { Issued } from "./tls-files.ts";

export interface SecureAsk extends RequestOptions {
  readonly body?: string | Buffer;
  /** The client's own certificate. */
  readonly as?: Issued;
  /** Of an earlier connection, to be resumed. */
  readonly session?: Buffer;
}

/** How a client of `authority` reaches the port; the door's certificate is for `localhost`. */
export function towards(port: number, authority: Issued, as?: Issued) {
  const own = as && { cert: as.cert, key: as.key };
  return { host: "127.0.0.1", port, servername: "localhost", ca: authority.cert, ...own };
}

/** One request over a connection of its own unless an agent is given; rejects when the handshake fails or the answer is cut. */
export function askSecurely(
  port: number,
  authority: Issued,
  path: string,
  { body, as, agent = false, ...options }: SecureAsk = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...towards(port, authority, as), path, agent, ...options });
    sent.on("error", reject);
    sent.on("response", (response) => readAnswer(response).then(resolve, reject));
    sent.end(body);
  });
}

/** The serial number of the certificate that the door shows to a connection of this agent. */
export function serialSeen(port: number, authority: Issued, agent?: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...towards(port, authority), path: "/", agent: agent ?? false });
    sent.on("error", reject);
    sent.on("response", (response) => {
      const { serialNumber } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume().on("end", () => resolve(serialNumber));
    });
    sent.end();
  });
}
