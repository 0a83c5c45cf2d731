import t from "tap";
import { judge } from "./path-judge.ts";
import { runPathProperty } from "./path-property.ts";
import { decode, READINGS, removeDotSegments } from "./path-readings.ts";
import { tableOf, type ServiceSketch } from "./path-tables.ts";

const CASES = 5000;
const SEED = 20261121;

t.test("every forwarded path lies in its route and tenant under every upstream reading", async (t) => {
  const run = runPathProperty(SEED, CASES);
  t.equal(run.escape, undefined);
  t.equal(run.cases, CASES);
  t.ok(run.allowed > CASES / 10, `${run.allowed} targets were let through`);
  t.ok(run.allowedInDisguise > CASES / 20, `${run.allowedInDisguise} of them in disguise`);
});

t.test("the same seed tells the same story", async (t) => {
  t.same(runPathProperty(7, 300), runPathProperty(7, 300));
});

const OPEN: ServiceSketch = {
  prefix: "",
  stripPrefix: false,
  basePath: "",
  tenant: false,
  routes: [
    { method: "GET", segments: ["admin"], denied: true, keepsSlash: false },
    { method: "GET", segments: ["{name}"], denied: false, keepsSlash: false },
    { method: "GET", segments: ["packages", "{name}"], denied: false, keepsSlash: true },
  ],
};

t.test("a value that some upstream takes for the literal beside it is refused", async (t) => {
  const table = tableOf([OPEN]);
  t.same(judge(table, { method: "GET", target: "/other" }), { kind: "holds", plain: true });
  t.same(judge(table, { method: "GET", target: "/%6fther" }), { kind: "holds", plain: false });
  for (const target of ["/ADMIN", "/admin;x", "/admin%3bx", "/%61dmin", "/admin%3fx", "/%ef%bd%81dmin", "/%C5%BFadmin/..", "/admin%2f"]) {
    t.same(judge(table, { method: "GET", target }), { kind: "refused" }, target);
  }
});

t.test("encodedSlash: keep lets `@scope%2fname` through as one segment, and nothing that climbs", async (t) => {
  const table = tableOf([OPEN]);
  t.same(judge(table, { method: "GET", target: "/packages/@scope%2fname" }), { kind: "holds", plain: false });
  t.same(judge(table, { method: "GET", target: "/other%2fname" }), { kind: "refused" }, "another route does not keep it");
  for (const name of ["..%2fadmin", "a%2f..%2f..%2fadmin", "%2fadmin", "a%2f%2fb", "a%252fb", "a%5c..", "a%2f.%2fb", "a%2f..;x%2fb"]) {
    t.same(judge(table, { method: "GET", target: `/packages/${name}` }), { kind: "refused" }, name);
  }
});

t.test("the judge reads as upstreams do", async (t) => {
  t.equal(removeDotSegments("/a/b/../c/./d/.."), "/a/c/");
  t.equal(removeDotSegments("/../../a"), "/a");
  t.equal(decode("/%61%2fb%zz%c3%bc%ff"), "/a/b%zzü\ufffd");
  const read = (name: string, path: string): string | undefined => READINGS.find((reading) => reading.name === name)?.read(path);
  t.equal(read("decodes twice, then removes dot segments", "/public/%252e%252e/admin"), "/admin");
  t.equal(read("cuts path parameters off, then removes dot segments", "/public/..;x/admin"), "/admin");
  t.equal(read("decodes, then takes \\ for /", "/public/..%5cadmin"), "/public/../admin");
  t.equal(read("decodes, then ends at NUL, # or ?", "/admin%00/x"), "/admin");
  t.equal(READINGS.length, 1 + 9 + 72);
});
