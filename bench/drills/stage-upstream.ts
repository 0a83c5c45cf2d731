/** The upstream of a drill, in a process of its own, so that what it costs does not count as the gateway's slowness. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

const LARGE_PIECES = 1024;
const piece = Buffer.alloc(64 * 1024);
/** Streams and WebSockets that are open. */
const open = new Set<object>();

/** `/events` keeps a stream open, `/large` sends 64 MB, `/count` says how much is open, anything else is `ok`; WebSockets stay open. */
const server = createServer((request, response) => {
  if (request.url === "/large") sendLarge(response, LARGE_PIECES);
  else if (request.url === "/events") keepOpen(response);
  else if (request.url === "/count") response.end(String(open.size));
  else request.resume().on("end", () => response.end("ok"));
});

new WebSocketServer({ server }).on("connection", (socket) => {
  open.add(socket);
  socket.on("error", () => {}).once("close", () => open.delete(socket));
});

function keepOpen(response: ServerResponse): void {
  open.add(response);
  response.once("close", () => open.delete(response));
  response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 0\n\n");
}

function sendLarge(response: ServerResponse, pieces: number): void {
  if (response.destroyed) return;
  if (pieces === 0) response.end();
  else if (response.write(piece)) setImmediate(sendLarge, response, pieces - 1);
  else response.once("drain", () => sendLarge(response, pieces - 1));
}

// Longer than any client of the drill lets a connection rest: none is closed under a request.
server.keepAliveTimeout = 60_000;
// Whoever started it is gone: so is the drill.
process.once("disconnect", () => process.exit());
server.listen(0, "127.0.0.1", 4096, () => process.send?.((server.address() as AddressInfo).port));
