/** `sallyport coverage`: a document against a table that people wrote. */
import { writeFileSync } from "node:fs";
import t from "tap";
import { asking, documentOf, run, workshop } from "./fixtures.ts";
import { coverage, HEAD, report } from "./written-table.ts";

const get = { get: asking([{ token: ["read"] }]) };

t.test("an operation that no route reaches is uncovered, and the answer is no", async (t) => {
  const { code, uncovered, percent } = await report(t, { document: documentOf({ "/a": get, "/b": get }), routes: ["GET /a: read"] });
  t.equal(code, 1);
  t.equal(percent, 50);
  t.match(uncovered, [{ operation: "GET /b", reason: "no route" }]);
});

t.test("a parameter stands for any segment: a literal beside its placeholder is not taken for it", async (t) => {
  const { code, uncovered, wildcard, routesWithoutOperation } = await report(t, {
    document: documentOf({ "/users/{id}": get }),
    routes: ["GET /users/{user}: read", "GET /users/any-value: write", "GET /users/any-value-1: write", "GET /users/me: write"],
  });
  t.equal(code, 0);
  t.same(uncovered, []);
  t.same(wildcard, []);
  t.match(
    routesWithoutOperation.map(({ route, within }) => [route, within]),
    [
      ["GET /users/any-value", "GET /users/{id}"],
      ["GET /users/any-value-1", "GET /users/{id}"],
      ["GET /users/me", "GET /users/{id}"],
    ],
  );
});

t.test("an operation of which a table knows single values alone is uncovered", async (t) => {
  const { code, uncovered } = await report(t, { document: documentOf({ "/users/{id}/x": get }), routes: ["GET /users/me/x: read"] });
  t.equal(code, 1);
  t.match(uncovered, [{ operation: "GET /users/{id}/x", partly: [{ route: "GET /users/me/x" }] }]);
});

t.test("a parameter is never empty: `{name}.json` does not mean `.json`", async (t) => {
  const document = documentOf({ "/docs/{name}.json": get, "/docs/{name}.yaml": get });
  const { uncovered } = await report(t, { document, routes: ["GET /docs/.json: read", "GET /docs/a.yaml: read"] });
  t.same(
    uncovered.map(({ partly }) => partly.map(({ route }) => route)),
    [[], ["GET /docs/a.yaml"]],
  );
});

t.test("what only a placeholder or a rest takes is listed as such", async (t) => {
  const { code, wildcard } = await report(t, {
    document: documentOf({ "/users/me": get, "/files/{a}/{b}": get, "/docs/{name}.json": get, "/orders/{id}": get }),
    routes: ["GET /users/{id}: read", "GET /files/{rest...}: read", "GET /docs/{file}: read", "GET /orders/{order}: read"],
  });
  t.equal(code, 0);
  t.same(
    wildcard.map(({ operation, route }) => `${operation} < ${route.route}`),
    ["GET /users/me < GET /users/{id}", "GET /files/{a}/{b} < GET /files/{rest...}", "GET /docs/{name}.json < GET /docs/{file}"],
  );
});

t.test("methods that differ are told from both sides", async (t) => {
  const { uncovered, routesWithoutOperation } = await report(t, {
    document: documentOf({ "/a/{x}": { put: asking([{ token: [] }]), head: asking([]) } }),
    routes: ["GET /a/{x}: read", "PATCH /a/{x}: write", "GET /none: read"],
  });
  t.match(uncovered, [{ operation: "PUT /a/{x}", methods: ["GET", "PATCH"] }]);
  t.same(
    routesWithoutOperation.map(({ route, methods }) => [route, methods]),
    [
      ["GET /a/{x}", ["HEAD", "PUT"]],
      ["PATCH /a/{x}", ["HEAD", "PUT"]],
      ["GET /none", []],
    ],
  );
});

t.test("operations that a line denies are listed apart, and decided", async (t) => {
  const { code, denied, uncovered } = await report(t, { document: documentOf({ "/a": get }), routes: ["GET /a: denied"] });
  t.equal(code, 0);
  t.same(uncovered, []);
  t.match(denied, [{ operation: "GET /a" }]);
});

t.test("scopes that open a route and are not asked for, and those that are and do not", async (t) => {
  const operation = (...scopes: readonly string[]) => ({ get: asking([{ token: scopes }]) });
  const { differing } = await report(t, {
    document: documentOf({
      "/same": operation("read"),
      "/wider": operation("write"),
      "/narrower": operation("read"),
      "/both": operation("one", "two"),
      "/half": operation("one"),
      "/any": operation("read"),
      "/open": operation("read"),
      "/none": { get: asking([]) },
    }),
    routes: [
      "GET /same: { access: { anyOf: [read] } }",
      "GET /wider: read",
      "GET /narrower: write",
      "GET /both: { access: { allOf: [one, two] } }",
      "GET /half: { access: { allOf: [one, two] } }",
      "GET /any: authenticated",
      "GET /open: public",
      "GET /none: authenticated",
    ],
  });
  const of = new Map(differing.map(({ operation: name, wider, narrower }) => [name, { wider, narrower }]));
  t.same(of.get("GET /same"), { wider: ["write (token) opens it"], narrower: [] }, "write grants read too");
  t.same(of.get("GET /wider"), { wider: ["read (token) opens it"], narrower: [] });
  t.same(of.get("GET /narrower"), { wider: ["write (token) opens it"], narrower: ["read (token) does not open it"] });
  t.notOk(of.has("GET /both"));
  t.same(of.get("GET /half"), { wider: [], narrower: ["one (token) does not open it"] });
  t.same(of.get("GET /any"), { wider: ["no scope at all (token) opens it"], narrower: [] });
  t.same(of.get("GET /open"), { wider: ["the route is public"], narrower: [] });
  t.same(of.get("GET /none"), { wider: [], narrower: ["the document asks for no credential, and the route does"] });
});

t.test("an operation under a prefix of another service is not covered by it", async (t) => {
  const shop = workshop(t);
  shop.write(documentOf({ "/other/x": get }));
  writeFileSync(shop.serviceFile, `${HEAD}routes:\n  GET /{a}/{b}: read\n`);
  writeFileSync(
    shop.serviceFile.replace("api.yaml", "other.yaml"),
    HEAD.replace("service: api", "service: other\nprefix: /other") + "routes: { GET /x: read }\n",
  );
  shop.policy();
  const { code, out } = await shop.coverage();
  t.equal(code, 1);
  t.match(out.replaceAll(/\s+/g, " "), "its path belongs to other (GET /x)");
});

t.test("paths are put under the service's prefix, or under --base", async (t) => {
  const document = documentOf({ "/users/{id}": get }, { servers: [{ url: "https://api.example/v1" }] });
  t.equal((await report(t, { document, more: "prefix: /v1\n", routes: ["GET /users/{id}: read"] })).code, 0);
  const inRoutes = { document, routes: ["GET /v1/users/{id}: read", "GET /v1/users/me: read"] };
  t.equal((await report(t, inRoutes)).code, 1);
  const based = await report(t, { ...inRoutes, args: ["--base", "/v1"] });
  t.equal(based.code, 0);
  t.same(based.wildcard, []);
  t.match(based.routesWithoutOperation, [{ route: "GET /v1/users/me", within: "GET /users/{id}" }]);
  const words = (await coverage(t, inRoutes)).out.replaceAll(/\s+/g, " ");
  t.match(words, "The document's server stands under /v1; its paths were put under /. --base says otherwise.");
});

t.test("a part of the document that cannot be read leaves the answer at no", async (t) => {
  const { code, uncovered } = await report(t, { document: documentOf({ "/a": get, "/b": { $ref: "b.yaml" } }), routes: ["GET /a: read"] });
  t.same(uncovered, []);
  t.equal(code, 1);
});

t.test("--fail-under asks for a share", async (t) => {
  const wish = { document: documentOf({ "/a": get, "/b": get, "/c": get }), routes: ["GET /a: read", "GET /b: read"] };
  t.equal((await coverage(t, { ...wish, args: ["--fail-under", "66.6"] })).code, 0);
  const short = await coverage(t, { ...wish, args: ["--fail-under", "66.7"] });
  t.match(short, { code: 1, err: "sallyport coverage: 66.6 % is decided, less than 66.7 %\n" });
  t.equal((await coverage(t, { ...wish, args: ["--fail-under", "x"] })).code, 2);
});

t.test("the report for people fits 80 columns, and a service that is not there is wrong use", async (t) => {
  const document = documentOf({ "/a/{b}": get, "/a/b": get, [`/${"very-long-segment/".repeat(9)}x`]: get });
  const { out } = await coverage(t, { document, routes: ["GET /a/{b}: read", "GET /lone: denied"] });
  t.same(
    out.split("\n").filter((line) => line.length > 80),
    [],
  );
  for (const title of ["NO ROUTE FOR", "ONLY THROUGH A WILDCARD", "ROUTE WITHOUT OPERATION"]) t.ok(out.includes(title), title);
  const shop = workshop(t);
  shop.write(document);
  writeFileSync(shop.serviceFile, `${HEAD}routes: {}\n`);
  t.match(await run("coverage", "--openapi", shop.api, "--service", "apo", "--config", shop.config), {
    code: 2,
    err: /there is no service "apo"; there are api/,
  });
});
