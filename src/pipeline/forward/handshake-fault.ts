/** What a WebSocket handshake must look like (RFC 6455 sections 4.1 and 4.2.1). */
import type { IncomingMessage } from "node:http";

export const WEBSOCKET_VERSION = "13";

/** 16 bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;
/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Why nobody may open a WebSocket upon this; undefined when it is in order. */
export function handshakeFault({ httpVersion, headers }: IncomingMessage): string | undefined {
  if (httpVersion !== "1.1") return `a WebSocket handshake over HTTP/${httpVersion}`;
  if (headers["sec-websocket-version"] !== WEBSOCKET_VERSION) return "a WebSocket handshake of another version";
  if (!KEY.test(headers["sec-websocket-key"] ?? "")) return "a WebSocket handshake without a good key";
  return areProtocols(headers["sec-websocket-protocol"]) ? undefined : "a WebSocket handshake with malformed subprotocols";
}

/** Tokens, each once; several fields count as one list (section 11.3.4). */
function areProtocols(listed: string | undefined): boolean {
  if (listed === undefined) return true;
  const protocols = listed.split(",").map((protocol) => protocol.trim());
  return new Set(protocols).size === protocols.length && protocols.every((protocol) => TOKEN.test(protocol));
}
