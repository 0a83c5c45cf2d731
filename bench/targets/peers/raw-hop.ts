/** The least that a hop of node:http and undici can be: every header passes, nothing is checked. */
import { createServer, type ServerResponse } from "node:http";
import { Pool, type Dispatcher } from "undici";
import type { PeerSetting } from "../node-peers.ts";

const { port, upstream } = JSON.parse(process.argv[2] ?? "") as PeerSetting;
const pool = new Pool(upstream, { pipelining: 1 });

createServer((request, response) => {
  const hasBody = request.headers["content-length"] !== undefined || request.headers["transfer-encoding"] !== undefined;
  pool.dispatch(
    {
      path: request.url ?? "/",
      method: request.method as Dispatcher.HttpMethod,
      headers: request.rawHeaders,
      body: hasBody ? request : null,
    },
    handlerOf(response),
  );
}).listen(port, "127.0.0.1", 8192);

function handlerOf(response: ServerResponse): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller) {
      response.once("close", () => response.writableFinished || controller.abort(new Error("the client left")));
    },
    onResponseStart(_controller, status, headers, statusText) {
      response.writeHead(status, statusText ?? "", headers);
    },
    onResponseData(controller, chunk) {
      if (response.write(chunk)) return;
      controller.pause();
      response.once("drain", () => controller.resume());
    },
    onResponseEnd() {
      response.end();
    },
    onResponseError() {
      response.destroy();
    },
  };
}
