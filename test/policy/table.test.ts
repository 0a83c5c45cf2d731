/** The compiled table answers as DESIGN section 3 says: host, prefix, method, pattern. */
import t from "tap";
import type { RequestFacts } from "../../src/contract/decision.ts";
import { match } from "../../src/decision/match.ts";
import { canonicalPath } from "../../src/decision/path.ts";
import { type Files, load, policyOf } from "./fixtures.ts";

function service(name: string, rest: string): string {
  return `version: 1\nservice: ${name}\nupstream: { url: "http://${name}" }\n${rest}`;
}

/** `SERVICE ROUTE {params}` for each request of the table. */
function matcher(t: Parameters<typeof load>[0], files: Files): (request: string, host?: string) => string {
  const policy = policyOf(load(t, files));
  return (request, host = "any.example") => {
    const [method = "", target = ""] = request.split(" ");
    const path = canonicalPath(target);
    if (path.kind === "invalid") return path.reason;
    const facts: RequestFacts = { method, path: path.path, query: "", host, address: "192.0.2.1", websocket: false, header: () => [] };
    const found = match(policy, facts);
    if (found.kind === "none") return found.mount ? `none in ${found.mount.service.name}` : "none";
    const params = [...found.params, ...(found.hostTenant === undefined ? [] : [["@host", found.hostTenant] as const])];
    return [found.route.service.name, found.route.name, ...params.map(([key, value]) => `${key}=${value}`)].join(" ");
  };
}

t.test("the most specific pattern wins, whatever the order in the file", async (t) => {
  const lines = ["GET /a/{x...}", "GET /a/{x}", "GET /a/b", "GET /a/{x}/c", "GET /a/b/{y}", "GET /", "GET /a/b/", "POST /a/{x}"];
  for (const order of [lines, lines.toReversed()]) {
    const of = matcher(t, { "services/s.yaml": service("s", `routes:\n${order.map((line) => `  ${line}: public\n`).join("")}`) });
    t.equal(of("GET /a/b"), "s GET /a/b");
    t.equal(of("GET /a/z"), "s GET /a/{x} x=z");
    t.equal(of("GET /a/z/c"), "s GET /a/{x}/c x=z");
    t.equal(of("GET /a/b/c"), "s GET /a/b/{y} y=c");
    t.equal(of("GET /a/z/d/e"), "s GET /a/{x...} x=z/d/e");
    t.equal(of("GET /a/b/"), "s GET /a/b/");
    t.equal(of("GET /a/z/"), "s GET /a/{x...} x=z/", "a slash at the end is significant");
    t.equal(of("GET /"), "s GET /");
    t.equal(of("HEAD /a/b"), "s GET /a/b");
    t.equal(of("POST /a/b"), "s POST /a/{x} x=b");
    t.equal(of("GET /A/b"), "none in s");
  }
});

t.test("`GET /` under a prefix is the prefix with a slash", async (t) => {
  const of = matcher(t, { "services/s.yaml": service("s", "prefix: /v2\nroutes:\n  GET /: public\n") });
  t.equal(of("GET /v2/"), "s GET /");
  t.equal(of("GET /v2"), "none in s");
});

t.test("the longest prefix wins whole segment by segment, and nothing falls through", async (t) => {
  const of = matcher(t, {
    "services/a.yaml": service("a", "routes:\n  GET /{x...}: public\n"),
    "services/b.yaml": service("b", "prefix: [/v1, /v1/x/y]\nroutes:\n  GET /only: public\n"),
    "services/c.yaml": service("c", "prefix: /v1/x\nroutes:\n  GET /only: public\n"),
  });
  t.equal(of("GET /v1/only"), "b GET /only");
  t.equal(of("GET /v1/other"), "none in b");
  t.equal(of("GET /v1/x/only"), "c GET /only");
  t.equal(of("GET /v1/x/y/only"), "b GET /only");
  t.equal(of("GET /v11/only"), "a GET /{x...} x=v11/only");
});

t.test("an exact host comes before a pattern, and both before services without hosts", async (t) => {
  const route = "routes:\n  GET /x: public\n";
  const of = matcher(t, {
    "services/a.yaml": service("a", `hosts: [api.example.com]\n${route}`),
    "services/b.yaml": service("b", `hosts: ["{tenant}.example.com"]\n${route}`),
    "services/c.yaml": service("c", route),
  });
  t.equal(of("GET /x", "api.example.com"), "a GET /x");
  t.equal(of("GET /x", "acme.example.com"), "b GET /x @host=acme");
  t.equal(of("GET /x", "a.b.example.com"), "c GET /x");
});

t.test("an unknown host has nothing when every service names hosts", async (t) => {
  const of = matcher(t, { "services/a.yaml": service("a", "hosts: [api.example.com]\nroutes:\n  GET /x: public\n") });
  t.equal(of("GET /x", "other.example.com"), "none");
});

t.test("literals may hold what a path may hold", async (t) => {
  const of = matcher(t, { "services/s.yaml": service("s", 'routes:\n  "GET /café/a b/v1:predict/(x)": public\n') });
  t.equal(of("GET /caf%C3%A9/a%20b/v1:predict/(x)"), "s GET /café/a b/v1:predict/(x)");
});
