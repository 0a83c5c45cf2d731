/** Of the requests of connections that break off. */
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import t from "tap";
import { DoorRequest } from "../../src/pipeline/door-request.ts";
import { outliveErrors } from "../../src/pipeline/unread-body.ts";

t.test("an error of a request that nobody reads any more ends nothing", async (t) => {
  const server = createServer({ IncomingMessage: DoorRequest });
  t.teardown(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nbo");
  const [request] = (await once(server, "request")) as [DoorRequest];
  const reader = (): void => void t.fail("its reader has left");
  request.on("error", reader);
  outliveErrors({ request });
  const closed = new Promise((resolve) => request.on("close", resolve));
  // Node asks in the next tick whether anybody listens, and tells in the one behind it.
  request.on("aborted", () => process.nextTick(() => process.nextTick(() => request.off("error", reader))));
  client.destroy();
  await closed;
  t.match(request.errored, { code: "ECONNRESET" });
});
