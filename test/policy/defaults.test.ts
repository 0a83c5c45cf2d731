/** `defaults:` of the gateway file, blocks of a service, keys of a route: which one holds. */
import t from "tap";
import { GATEWAY, load, policyOf, routeOf, SHOP } from "./fixtures.ts";

const DEFAULTS = `${GATEWAY}defaults:
  body: { max: 1MB, types: [application/json] }
  timeouts: { connect: 1s, headers: 10s, idle: none, total: 1h }
  errors: { format: coded }
  cors: { origins: [https://a.example] }
  roles: { reader: [orders.read] }
  limits:
    address: { by: address, rate: 100/second }
    failures: { by: address, rate: 5/hour, of: failures }
    all: { by: caller, rate: 10/day }
`;

function shop(t: Parameters<typeof load>[0], text: string, gateway = DEFAULTS) {
  const policy = policyOf(load(t, { "sallyport.yaml": gateway, "services/shop.yaml": SHOP + text }));
  return { policy, service: policy.services[0]!, route: routeOf(policy.services[0]!, "GET /orders") };
}

t.test("without a word anywhere the built-in values hold", async (t) => {
  const { service, route } = shop(t, "routes:\n  GET /orders: orders.read\n", GATEWAY);
  t.same(route.timeouts, { connectMs: 2000, headersMs: 30_000, idleMs: 60_000 });
  t.same(route.body, { maxBytes: 5 * 1024 * 1024, explicit: false });
  t.same([service.errors.format, service.cors, service.addressLimits], ["problem", undefined, []]);
});

t.test("the gateway file's defaults hold where the service has no block of that name", async (t) => {
  const { service, route } = shop(t, "routes:\n  GET /orders: orders.read\n");
  t.same(route.timeouts, { connectMs: 1000, headersMs: 10_000, totalMs: 3_600_000 });
  t.same(route.body, { maxBytes: 1024 * 1024, types: ["application/json"], explicit: false });
  t.equal(service.errors.format, "coded");
  t.same([...service.cors!.origins], ["https://a.example"]);
  t.same([...service.roles.keys()], ["reader"]);
});

t.test("a service's block replaces the default whole", async (t) => {
  const { route } = shop(t, "body: { types: [text/plain] }\ntimeouts: { total: 5m }\nroutes:\n  GET /orders: orders.read\n");
  t.same(
    route.body,
    { maxBytes: 5 * 1024 * 1024, types: ["text/plain"], explicit: false },
    "the built-in bound, not the gateway's and not none",
  );
  t.same(route.timeouts, { connectMs: 2000, headersMs: 30_000, idleMs: 60_000, totalMs: 300_000 });
});

t.test("a route's body and time-outs replace single keys", async (t) => {
  const rule = "{ access: orders.read, body: { max: none }, timeouts: { idle: 1h } }";
  const { route } = shop(t, `routes:\n  GET /orders: ${rule}\n`);
  t.same(route.body, { types: ["application/json"], explicit: true });
  t.same(route.timeouts, { connectMs: 1000, headersMs: 10_000, idleMs: 3_600_000, totalMs: 3_600_000 });
});

t.test("limits add up by name, and the nearest of a name holds", async (t) => {
  const text = `limits:
  all: { by: caller, rate: 20/minute }
  burst: { by: address, rate: 3/second }
routes:
  GET /orders: { access: orders.read, limits: { burst: { by: address, rate: 1/second }, mine: { by: caller, rate: 2/hour } } }
  GET /items: orders.read
`;
  const { policy, service, route } = shop(t, text);
  const words = (limits: typeof route.callerLimits) =>
    limits.map((limit) => `${limit.name} ${limit.count}/${limit.windowMs} ${limit.place}`);
  t.same(words(route.addressLimits), ["address 100/1000 gateway", "burst 1/1000 shop GET /orders"]);
  t.same(words(route.callerLimits), ["all 20/60000 shop", "mine 2/3600000 shop GET /orders"]);
  t.same(words(route.failureLimits), ["failures 5/3600000 gateway"]);
  t.same(words(routeOf(service, "GET /items").addressLimits), ["address 100/1000 gateway", "burst 3/1000 shop"]);
  t.same(words(service.addressLimits), ["address 100/1000 gateway", "burst 3/1000 shop"], "for what matches no route of it");
  t.same(words(policy.addressLimits), ["address 100/1000 gateway"], "for what matches no service");
});

t.test("a limit that can never count on a route is not there", async (t) => {
  const text = `limits:
  writes: { by: caller, rate: 1/second, methods: [POST] }
  others: { by: caller, rate: 1/second, authenticators: [machines] }
routes:
  GET /orders: { access: orders.read, authenticators: [people] }
  POST /orders: orders.read
`;
  const machines = "  machines:\n    bearer: [{ id: one, value: 0123456789abcdef, access: [orders.read] }]\n";
  const { service } = shop(t, machines + text);
  t.same(
    routeOf(service, "GET /orders").callerLimits.map((limit) => limit.name),
    ["all"],
  );
  t.same(
    routeOf(service, "POST /orders").callerLimits.map((limit) => limit.name),
    ["all", "writes", "others"],
  );
});

t.test("an authenticator of the gateway file is taken by the word `shared`", async (t) => {
  const gateway = `${GATEWAY}authenticators:\n  staff:\n    jwt: { issuer: https://staff.example, audience: [a, b], use: id }\n    groups: { "team:{tenant}": [orders.read] }\n`;
  const { service } = shop(t, "  staff: shared\nroutes:\n  GET /orders: orders.read\n", gateway);
  t.match(service.authenticators[1], {
    name: "staff",
    kind: "jwt",
    issuer: { iss: "https://staff.example" },
    audience: new Set(["a", "b"]),
    hasGrants: true,
  });
});
