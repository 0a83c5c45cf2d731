/** Class 2.8, R6, R7 and R9 to R12: who is counted, for how long, and what is said of it. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { WebSocket, WebSocketServer } from "ws";
import { bearer, ISS, startGate, type Gate } from "./gate.ts";
import { limited, MINUTE_MS, newKey, statuses, times, tokenOfMachine, TRUSTING } from "./limited-gate.ts";

t.test("R6 a caller counts by what was proved, never by a header, and by the address where nobody was", async (t) => {
  const gate = await startGate(t, limited("caller"));
  const lies = ["x-user-id", "x-auth-subject", "x-api-key2", "x-tenant-id", "x-consumer-id", "x-forwarded-user"];
  const calls = lies.map((name, index) => () => gate.ask("GET /a", { ...bearer(tokenOfMachine(gate, "m1")), [name]: `other${index}` }));
  t.same(await statuses(calls), [200, 200, 200, 429, 429, 429], "new tokens of one subject are one caller");
  t.equal((await gate.ask("GET /a", bearer(tokenOfMachine(gate, "m2")))).status, 200, "another subject is another");
  const [first, second] = [newKey(gate, "robot"), newKey(gate, "robot")];
  t.same(
    await statuses([first, second, first, second].map((key) => () => gate.ask("GET /a", { "x-api-key": key }))),
    [200, 200, 200, 429],
    "two keys of one account are one caller",
  );
  const open = await startGate(t, {
    services: { shop: "routes:\n  GET /open: { access: public, limits: { few: { by: caller, rate: 2/minute } } }\n" },
  });
  const nobody = times(4, (index) => () => open.ask("GET /open", bearer(`x${index}`)));
  t.same(await statuses(nobody), [200, 200, 429, 429], "credentials that nobody reads make nobody another one");
});

t.test("R6 switching between credentials does not lift the limit by address", async (t) => {
  const both = "limits: { all: { by: address, rate: 6/minute } }\n";
  const { services } = limited("caller");
  const gate = await startGate(t, { services: { shop: services["shop"]!.replace("routes:", `${both}routes:`) } });
  const key = newKey(gate, "robot");
  const ways = [
    () => gate.ask("GET /a", bearer(tokenOfMachine(gate, "m1"))),
    () => gate.ask("GET /a", { "x-api-key": key }),
    () => gate.ask("GET /open"),
  ];
  t.same(await statuses(times(9, (index) => ways[index % 3]!)), [200, 200, 200, 200, 200, 200, 429, 429, 429]);
});

t.test("R6 a tenant's budget is its own callers' alone", async (t) => {
  const gate = await startGate(t, limited("tenant"));
  const asked = (client: string, tenant: string) => () => gate.ask(`GET /a?tenant=${tenant}`, bearer(tokenOfMachine(gate, client)));
  t.same(await statuses(times(4, () => asked("mallory", "acme"))), [403, 403, 403, 429], "naming another's tenant spends one's own");
  t.same(await statuses(times(4, () => asked("acme", "acme"))), [200, 200, 200, 429]);
});

t.test("R7 two subjects never run together into one", async (t) => {
  const secrets = { "2x": randomBytes(24).toString("hex"), x: randomBytes(24).toString("hex") };
  const shape = {
    gateway: TRUSTING,
    environment: { A: secrets["2x"], B: secrets.x },
    services: {
      shop: `authenticators: { secret: { bearer: [{ id: 2x, value: "\${A}", access: [r] }, { id: x, value: "\${B}", access: [r] }] } }\nroutes:\n  GET /a: { access: authenticated, limits: { one: { by: caller, rate: 1/minute } } }\n`,
    },
  };
  const gate = await startGate(t, shape);
  const asked = (address: string, secret: string) => () => gate.ask("GET /a", { ...bearer(secret), "x-forwarded-for": address });
  t.same(await statuses([asked("1.1.1.1", secrets["2x"]), asked("1.1.1.12", secrets.x)]), [200, 200], "1.1.1.1 + 2x is not 1.1.1.12 + x");
  t.same(await statuses([asked("1.1.1.1", secrets["2x"]), asked("1.1.1.12", secrets.x)]), [429, 429], "and each is spent");
  t.same(await statuses([asked("1.1.1.1", secrets.x)]), [200], "a shared secret counts with the address");
  const tokens = await startGate(t, limited("caller"));
  const subjects = ["a b", "a", "b", "address 127.0.0.1", `token ${ISS} a`];
  for (const subject of subjects)
    t.same(
      await statuses(times(4, () => () => tokens.ask("GET /a", bearer(tokenOfMachine(tokens, subject))))),
      [200, 200, 200, 429],
      JSON.stringify(subject),
    );
});

t.test("R9 never more than N in any window of that length, and no jump of the wall clock changes that", async (t) => {
  const gate = await startGate(t, limited("address"));
  const { clocks } = gate;
  const asked = (): Promise<{ readonly status: number }> => gate.ask("GET /open");
  clocks.pass(MINUTE_MS - 1);
  t.same(await statuses(times(3, () => asked)), [200, 200, 200], "just before a minute is full");
  clocks.pass(1);
  t.equal((await asked()).status, 429, "the next minute brings no second budget");
  clocks.epochMs += 24 * 60 * MINUTE_MS;
  t.equal((await asked()).status, 429, "nor does the wall clock's next day");
  clocks.epochMs -= 48 * 60 * MINUTE_MS;
  t.equal((await asked()).status, 429);
  clocks.monotonicMs += MINUTE_MS - 2;
  t.equal((await asked()).status, 429, "a millisecond before");
  clocks.monotonicMs += 1;
  t.same(await statuses(times(4, () => asked)), [200, 200, 200, 429], "and a whole minute after, three more");
});

t.test("R10 counters in memory count within one process: two gateways have two budgets, as the reference says", async (t) => {
  const [one, two] = [await startGate(t, limited("address")), await startGate(t, limited("address"))];
  t.same(await statuses(times(4, () => () => one.ask("GET /open"))), [200, 200, 200, 429]);
  t.same(await statuses(times(4, () => () => two.ask("GET /open"))), [200, 200, 200, 429]);
});

t.test("R11 a refusal says when to come back, can be read by the page, and never reaches the upstream", async (t) => {
  const origin = "https://app.example";
  const { services } = limited("address");
  const gate = await startGate(t, { services: { shop: `cors: { origins: ["${origin}"] }\n${services["shop"]}` } });
  const asked = () => gate.ask("GET /open", { origin });
  const fields = ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after"] as const;
  const told = async (): Promise<unknown> => {
    const { status, headers } = await asked();
    for (const field of fields.slice(0, 3)) t.equal(headers[`x-${field}`], headers[field]);
    return [status, ...fields.map((field) => headers[field]), headers["access-control-allow-origin"]];
  };
  t.same(await told(), [200, "3", "2", "60", undefined, origin]);
  gate.clocks.pass(10_000);
  t.same(await told(), [200, "3", "1", "60", undefined, origin]);
  t.same(await told(), [200, "3", "0", "60", undefined, origin]);
  gate.clocks.pass(500);
  t.same(await told(), [429, "3", "0", "60", "50", origin]);
  gate.clocks.pass(49_499);
  t.equal((await asked()).status, 429);
  gate.clocks.pass(501);
  t.equal((await asked()).status, 200, "whoever waits that long is served");
});

t.test("R12 a WebSocket's handshake counts as the request that it is", async (t) => {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  t.teardown(() => server.close());
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const services = {
    shop: `upstream: { url: "${url}" }\nroutes:\n  GET /socket: { access: public, websocket: true, limits: { few: { by: address, rate: 2/minute } } }\n`,
  };
  const gate = await startGate(t, { services });
  t.same([await handshake(t, gate), await handshake(t, gate), await handshake(t, gate)], [101, 101, 429]);
});

async function handshake(t: Test, gate: Gate): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${gate.port}/socket`);
  t.teardown(() => socket.terminate());
  return new Promise((resolve) => {
    socket.on("open", () => resolve(101));
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    socket.on("error", () => undefined);
  });
}
