/** The end of a connection that can carry no more: a request body was not read to its end, or an answer cannot be made whole. */
import type { Socket } from "node:net";
import type { Exchange } from "./exchange.ts";

/** How long the client has to read the answer and hang up. */
const LINGER_MS = 1_000;

const closing = new WeakSet<Socket>();

/**
 * For whoever listens to a request's errors, and may stop listening before its end. When a connection breaks off, Node asks
 * whether anybody listens, and tells a turn later: if nobody does by then, the whole process ends.
 */
export function outliveErrors({ request }: Pick<Exchange, "request">): void {
  request.on("error", ignored);
}

function ignored(): void {}

/** True while bytes of the request's body are still to come. */
export function hasUnreadBody({ request }: Exchange): boolean {
  return !request.complete && (request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0);
}

/**
 * True where an answer is the connection's last: a body was not read to its end, or was never asked for, or nothing tells
 * an older client where the answer ends. Node closes behind such an answer too, but goes on to read requests.
 */
export function endsConnection(exchange: Exchange, hasLength: boolean): boolean {
  return hasUnreadBody(exchange) || exchange.expectsContinue || (!hasLength && exchange.request.httpVersionMinor === 0);
}

/**
 * Makes the answer, which must not have begun, the connection's last. The rest of the body is thrown away unparsed,
 * so that none of it is ever taken for a request, and for a moment only: closing at once would reset the connection
 * under a client that is still sending, and the answer would be lost (RFC 9112 section 9.6).
 */
export function closeAfterAnswer({ request, response }: Exchange): void {
  const { socket } = request;
  closing.add(socket);
  response.shouldKeepAlive = false;
  // Node's server calls this after the last answer of a connection.
  socket.destroySoon = () => hangUp(socket);
}

/**
 * Ends the connection at this answer, which has begun and can never be whole: at once, or when its turn comes behind other
 * answers of the connection. Node itself would wait for the rest of it then, for ever.
 */
export function breakOff({ request, response }: Pick<Exchange, "request" | "response">): void {
  closing.add(request.socket);
  if (response.socket === null) response.once("socket", (socket: Socket) => socket.destroy());
  response.destroy();
}

/** True once the connection's last answer is settled: no request that comes behind it counts. */
export function isClosing(socket: Socket): boolean {
  return closing.has(socket);
}

/**
 * Leaves in the system's hands what a connection still sends, until it is hung up.
 * Not at once: Node's parser goes on to read behind each request that it has read.
 */
export function readNoMore(socket: Socket): void {
  setImmediate(() => {
    if (!socket.writableEnded) socket.pause();
  });
}

/** Ends a connection once what was written is out; the client has a moment to read it, and what it still sends is thrown away. */
export function hangUp(socket: Socket): void {
  socket.end();
  for (const event of ["data", "end", "readable"]) socket.removeAllListeners(event);
  const cut = () => socket.destroy();
  const timer = setTimeout(cut, LINGER_MS).unref();
  socket.once("close", () => clearTimeout(timer));
  socket.on("data", () => {}).once("end", cut);
  socket.resume();
}
