/** What a connection keeps while nobody asks anything on it. */
import { Agent, get, type IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import { queryObjects } from "node:v8";
import t from "tap";
import { until } from "../journey/things.ts";
import { startGate } from "./gate.ts";

const CONNECTIONS = 20;

t.test("X1 an idle connection keeps nothing of the request that it carried last", async (t) => {
  const gate = await startGate(t, { services: { shop: "routes: { GET /open: public }\n" } });
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const asked = Array.from({ length: CONNECTIONS }, async () => {
    const [response] = (await once(get({ port: gate.port, path: "/open", agent }), "response")) as [IncomingMessage];
    await once(response.resume(), "end");
    return response.statusCode;
  });
  t.same(await Promise.all(asked), Array(CONNECTIONS).fill(200));
  t.equal(Object.values(agent.freeSockets).flat().length, CONNECTIONS, "all of them are open, and idle");
  let looks = 0;
  await until(() => queryObjects(ServerResponse) === 0 || ++looks === 50);
  t.equal(queryObjects(ServerResponse), 0);
});
