/** `sallyport coverage`: which requests an operation has, and where they land. */
import { writeFileSync } from "node:fs";
import t from "tap";
import { asking, documentOf, workshop } from "./fixtures.ts";
import { coverage, HEAD, report } from "./written-table.ts";

const get = { get: asking([{ token: ["read"] }]) };

t.test("a parameter for several segments is decided only by a line that takes them all", async (t) => {
  const { uncovered, wildcard } = await report(t, {
    document: documentOf({ "/one/{path+}": get, "/all/{path+}": get, "/deep/{path+}": get }),
    routes: ["GET /one/{x}: read", "GET /all/{x}: read", "GET /all/{rest...}: read", "GET /deep/{x}/{rest...}: read"],
  });
  t.same(
    uncovered.map(({ operation, partly }) => [operation, partly.map(({ route }) => route)]),
    [
      ["GET /one/{path+}", ["GET /one/{x}"]],
      ["GET /deep/{path+}", ["GET /deep/{x}/{rest...}"]],
    ],
  );
  t.same(wildcard, []);
});

t.test("each of several parameters in a segment has a value", async (t) => {
  const document = documentOf({ "/span/{a}-{b}": get });
  const { uncovered } = await report(t, { document, routes: ["GET /span/-b: read", "GET /span/a-: read", "GET /span/a-b: read"] });
  t.same(
    uncovered.map(({ partly }) => partly.map(({ route }) => route)),
    [["GET /span/a-b"]],
  );
});

t.test("what a document writes behind `?` or `#` is no part of the path", async (t) => {
  const document = documentOf({ "/a?action=list": get, "/#X-Target=Api.List": get });
  const { code, wildcard } = await report(t, { document, routes: ["GET /a: read", "GET /: read"] });
  t.equal(code, 0);
  t.same(wildcard, []);
});

t.test("paths that no request can have, or that the route refuses, are told from those that no route has", async (t) => {
  const document = documentOf({ "/x/%2e%2e/y": get, "/%zz": get, relative: get, "/in/a%2Fb": get, "/none": get });
  const { uncovered } = await report(t, { document, routes: ["GET /in/{x}: read", "GET /x/{y}/{z}: read"] });
  t.same(
    uncovered.map(({ reason }) => reason),
    [
      "no request can have its path: path has a dot segment",
      "no request can have its path: it cannot be decoded",
      "its path does not begin with `/`",
      "GET /in/{x} refuses it: path has an encoded slash",
      "no route has this path",
    ],
  );
});

t.test("a path that another service has at one of the hosts is not covered", async (t) => {
  const shop = workshop(t);
  shop.write(documentOf({ "/other/x": get, "/mine/x": get }));
  writeFileSync(shop.serviceFile, `${HEAD}hosts: [a.example, b.example]\nroutes: { GET /other/x: read, GET /mine/x: read }\n`);
  const other = HEAD.replace("service: api", "service: other\nprefix: /other\nhosts: [b.example]");
  writeFileSync(shop.serviceFile.replace("api.yaml", "other.yaml"), `${other}routes: { GET /x: read }\n`);
  shop.policy();
  const { uncovered } = JSON.parse((await shop.coverage("--json")).out) as { uncovered: object[] };
  t.match(uncovered, [{ operation: "GET /other/x", reason: "its path belongs to other (GET /x)" }]);
  t.equal(uncovered.length, 1);
});

t.test("a list for people ends after 20 rows, and says how many more there are; --all shows them", async (t) => {
  const paths = Object.fromEntries(Array.from({ length: 23 }, (_, index) => [`/p${index}`, get]));
  const wish = { document: documentOf(paths), routes: ["GET /lone: denied"] };
  const rows = (out: string) => out.split("\n").filter((line) => line.startsWith("GET /p")).length;
  const short = await coverage(t, wish);
  t.equal(rows(short.out), 20);
  t.match(short.out, "\n… and 3 more; --all shows them\n");
  const long = await coverage(t, { ...wish, args: ["--all"] });
  t.equal(rows(long.out), 23);
  t.notMatch(long.out, "more; --all");
});
