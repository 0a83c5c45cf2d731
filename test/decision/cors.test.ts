import t from "tap";
import { corsHeaders } from "../../src/decision/cors.ts";
import { decisionOf, policyOf, wordOf } from "./policy.ts";

const ORIGIN = "https://app.example";
const service = (cors: string): string => `upstream: { url: http://127.0.0.1:9 }
${cors}
routes:
  GET /x: public
  DELETE /x: public
  PUT /x: denied
  GET /socket: { access: public, websocket: true }
`;
const strict = policyOf({
  app: service(
    `cors: { origins: ["${ORIGIN}"], methods: [GET, PUT], headers: [content-type], credentials: true, otherOrigins: refuse, maxAge: 10m, expose: [x-total] }`,
  ),
});
const mild = policyOf({ app: service(`cors: { origins: ["${ORIGIN}"] }`) });
const none = policyOf({ app: service("") });

const preflight = (origin: string, method: string, target = "/x") => ({
  target,
  method: "OPTIONS",
  headers: { origin, "access-control-request-method": method },
});

t.test("a preflight of a listed origin gets the static lists", async (t) => {
  const decision = decisionOf(strict, preflight(ORIGIN, "GET"));
  t.match(decision, { outcome: "preflight" });
  t.same(decision.outcome === "preflight" && decision.headers, {
    "access-control-allow-methods": "GET,PUT",
    "access-control-allow-headers": "content-type",
    "access-control-max-age": "600",
  });
});

t.test("methods default to the table's for the path, without denied ones; headers to none", async (t) => {
  const decision = decisionOf(mild, preflight(ORIGIN, "GET"));
  t.same(decision.outcome === "preflight" && decision.headers, { "access-control-allow-methods": "DELETE,GET,HEAD" });
});

t.test("a preflight of any other origin is refused, and one of an unknown path is not found", async (t) => {
  t.equal(wordOf(decisionOf(mild, preflight("https://evil.example", "GET"))), "ORIGIN_NOT_ALLOWED");
  t.equal(wordOf(decisionOf(mild, preflight("null", "GET"))), "ORIGIN_NOT_ALLOWED");
  t.equal(wordOf(decisionOf(mild, preflight(ORIGIN, "GET", "/y"))), "ROUTE_NOT_FOUND");
  t.equal(wordOf(decisionOf(mild, preflight(ORIGIN, "PATCH"))), "METHOD_NOT_ALLOWED");
  t.equal(wordOf(decisionOf(mild, preflight(ORIGIN, "PUT"))), "ROUTE_NOT_FOUND", "denied");
});

t.test("requests of other origins: refused where told to, else without headers", async (t) => {
  const foreign = { target: "/x", headers: { origin: "https://evil.example" } };
  t.equal(wordOf(decisionOf(strict, foreign)), "ORIGIN_NOT_ALLOWED");
  t.equal(wordOf(decisionOf(mild, foreign)), "allow GET /x");
  t.same(corsHeaders(mild.services[0], "https://evil.example"), { vary: "Origin" });
});

t.test("an origin counts only as the same bytes", async (t) => {
  const lookalikes = [
    "https://app.example:443",
    "HTTPS://app.example",
    "https://APP.example",
    "https://app.example/",
    "https://app.example.",
    "http://app.example",
    "https://app.example, https://app.example",
    "https://xapp.example",
    "",
  ];
  for (const origin of lookalikes) t.equal(wordOf(decisionOf(strict, { target: "/x", headers: { origin } })), "ORIGIN_NOT_ALLOWED", origin);
});

t.test("answers to a listed origin carry it, with credentials and exposed headers where told", async (t) => {
  t.same(corsHeaders(strict.services[0], ORIGIN), {
    "access-control-allow-origin": ORIGIN,
    "access-control-allow-credentials": "true",
    "access-control-expose-headers": "x-total",
    vary: "Origin",
  });
  t.same(corsHeaders(mild.services[0], undefined), { vary: "Origin" });
  t.equal(corsHeaders(none.services[0], ORIGIN), undefined);
});

t.test("without cors a preflight is an ordinary OPTIONS, and Origin is ignored", async (t) => {
  t.equal(wordOf(decisionOf(none, preflight(ORIGIN, "GET"))), "METHOD_NOT_ALLOWED");
  t.equal(wordOf(decisionOf(none, { target: "/x", headers: { origin: "https://evil.example" } })), "allow GET /x");
});

t.test("a WebSocket handshake of a page needs a listed origin", async (t) => {
  const handshake = (origin?: string) => ({ target: "/socket", websocket: true, headers: origin === undefined ? {} : { origin } });
  t.equal(wordOf(decisionOf(mild, handshake(ORIGIN))), "allow GET /socket");
  t.equal(wordOf(decisionOf(mild, handshake("https://evil.example"))), "ORIGIN_NOT_ALLOWED");
  t.equal(wordOf(decisionOf(none, handshake(ORIGIN))), "ORIGIN_NOT_ALLOWED");
  t.equal(wordOf(decisionOf(none, handshake())), "allow GET /socket", "no page");
  t.equal(wordOf(decisionOf(none, { target: "/x", websocket: true })), "ROUTE_NOT_FOUND", "no WebSocket route");
});
