/** Writes a body in chunks (RFC 9112 section 7.1). */
import type { Socket } from "node:net";
import { whenWritten } from "./spent.ts";

export const LAST_CHUNK = "0\r\n\r\n";

/** What is written in this turn goes out as one. */
export function corkForThisTurn(socket: Socket): void {
  socket.cork();
  queueMicrotask(() => socket.uncork());
}

/** Of bytes that nobody else has. */
export function writeChunk(socket: Socket, bytes: Buffer): boolean {
  corkForThisTurn(socket);
  socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
  socket.write(bytes, whenWritten(bytes));
  return socket.write("\r\n", "latin1");
}
