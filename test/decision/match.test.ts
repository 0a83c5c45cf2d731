import t from "tap";
import { decisionOf, policyOf, wordOf, type RequestSketch } from "./policy.ts";

const UPSTREAM = "upstream: { url: http://127.0.0.1:9 }\n";
const open = (routes: string, head = ""): string => `${head}${UPSTREAM}routes:\n${routes.replaceAll(/^/gm, "  ")}`;

const table = policyOf({
  app: open(`GET /a/literal: public
GET /a/{id}: public
GET /a/{id}/edit: public
GET /a/literal/{tail...}: public
GET /files/{path...}: public
GET /files/secret: denied
GET /slash/: public
GET /both: public
GET /both/: public
POST /a/{id}: public
PUT /a/{id}: denied
DELETE /onlydelete: public
OPTIONS /options: public
GET /pkg/{name}: { access: public, encodedSlash: keep }
GET /q/deny: { access: public, query: { deny: [debug] } }
GET /q/allow: { access: public, query: { allow: [page, size] } }`),
});

const said = (target: string, rest: Partial<RequestSketch> = {}): string => wordOf(decisionOf(table, { target, ...rest }));

t.test("a literal beats a placeholder beats a rest, whatever the order in the file", async (t) => {
  t.equal(said("/a/literal"), "allow GET /a/literal");
  t.equal(said("/a/other"), "allow GET /a/{id}");
  t.equal(said("/a/literal/edit"), "allow GET /a/literal/{tail...}");
  t.equal(said("/a/other/edit"), "allow GET /a/{id}/edit");
  t.equal(said("/files/a/b/c"), "allow GET /files/{path...}");
});

t.test("the walk goes back where a literal leads nowhere", async (t) => {
  const policy = policyOf({ app: open("GET /x/b/c: public\nGET /x/{any}/d: public") });
  t.equal(wordOf(decisionOf(policy, { target: "/x/b/d" })), "allow GET /x/{any}/d");
});

t.test("a rest takes one or more segments, a placeholder exactly one", async (t) => {
  t.equal(said("/files"), "ROUTE_NOT_FOUND");
  t.equal(said("/files/"), "ROUTE_NOT_FOUND");
  t.equal(said("/a/"), "ROUTE_NOT_FOUND");
  t.equal(said("/files/a/"), "allow GET /files/{path...}");
});

t.test("a trailing slash is significant", async (t) => {
  t.equal(said("/slash/"), "allow GET /slash/");
  t.equal(said("/slash"), "ROUTE_NOT_FOUND");
  t.equal(said("/both"), "allow GET /both");
  t.equal(said("/both/"), "allow GET /both/");
});

t.test("what no line names is 404, another method is 405 with Allow", async (t) => {
  t.equal(said("/nothing"), "ROUTE_NOT_FOUND");
  t.match(decisionOf(table, { target: "/a/1", method: "PATCH" }), { code: "METHOD_NOT_ALLOWED", allow: ["GET", "HEAD", "POST"] });
  t.match(decisionOf(table, { target: "/onlydelete" }), { code: "METHOD_NOT_ALLOWED", allow: ["DELETE"] });
});

t.test("denied wins like any rule, answers 404 and is invisible to 405 and Allow", async (t) => {
  t.match(decisionOf(table, { target: "/files/secret" }), { code: "ROUTE_NOT_FOUND", route: { rule: "denied" } });
  t.match(decisionOf(table, { target: "/a/1", method: "PUT" }), { code: "ROUTE_NOT_FOUND", route: { rule: "denied" } });
});

t.test("HEAD follows GET, OPTIONS is an ordinary method", async (t) => {
  t.equal(said("/a/1", { method: "HEAD" }), "allow GET /a/{id}");
  t.equal(said("/onlydelete", { method: "HEAD" }), "METHOD_NOT_ALLOWED");
  t.equal(said("/options", { method: "OPTIONS" }), "allow OPTIONS /options");
  t.equal(said("/a/1", { method: "OPTIONS" }), "METHOD_NOT_ALLOWED");
});

t.test("matching is case-sensitive, and a disguised literal is no value", async (t) => {
  for (const target of ["/A/literal", "/files/SECRET", "/files/secret;x=1", "/files/Secret%3fx", "/files/%EF%BD%93ecret"]) {
    t.equal(said(target), "ROUTE_NOT_FOUND", target);
  }
  const policy = policyOf({ app: open("GET /x/b/c: denied\nGET /x/{one}/{two}: public") });
  t.equal(wordOf(decisionOf(policy, { target: "/x/b/C" })), "ROUTE_NOT_FOUND", "two steps below the fork");
  t.equal(wordOf(decisionOf(policy, { target: "/x/B/c" })), "ROUTE_NOT_FOUND");
  t.equal(wordOf(decisionOf(policy, { target: "/x/b/d" })), "allow GET /x/{one}/{two}");
});

t.test("a written escape is the character that it stands for", async (t) => {
  t.equal(said("/a/%6citeral"), "allow GET /a/literal");
});

t.test("an encoded slash passes only where the route keeps it", async (t) => {
  t.equal(said("/pkg/@scope%2fname"), "allow GET /pkg/{name}");
  t.equal(said("/a/x%2fy"), "REQUEST_INVALID");
});

t.test("query names are allowed or denied after decoding, repeats included", async (t) => {
  t.equal(said("/q/deny?page=1"), "allow GET /q/deny");
  for (const query of ["debug=1", "page=1&debug", "%64ebug=1", "DEBUG=1", "debug[]=1", "[debug]=1", "?debug=1", "a=1;debug=1"])
    t.equal(said(`/q/deny?${query}`), "REQUEST_INVALID", query);
  t.equal(said("/q/allow?page=1&size=2"), "allow GET /q/allow");
  for (const query of ["page=1&x=1", "Page=1"]) t.equal(said(`/q/allow?${query}`), "REQUEST_INVALID", query);
});

t.test("the longest prefix wins, segment by segment, without falling through", async (t) => {
  const policy = policyOf({
    short: open("GET /{version}/things: public\nGET /v1x: public", "prefix: /api\n"),
    long: open("GET /users: public", "prefix: /api/v1\n"),
    root: open("GET /apix: public\nGET /{a}/{b}/{c}: public"),
  });
  const found = (target: string): string => wordOf(decisionOf(policy, { target }));
  t.equal(found("/api/v1/users"), "allow GET /users");
  t.equal(found("/api/v2/things"), "allow GET /{version}/things");
  t.equal(found("/api/v1/things"), "ROUTE_NOT_FOUND", "no falling through to the shorter prefix");
  t.equal(found("/api/v1x"), "allow GET /v1x");
  t.equal(found("/apix"), "allow GET /apix", "a prefix ends at a segment's end");
  t.equal(found("/API/v1/users"), "ROUTE_NOT_FOUND", "another case of a prefix leads nowhere else");
});

t.test("every route stands under each of several prefixes", async (t) => {
  const policy = policyOf({ app: open("GET /x: public", "prefix: [/prod/api, /prod/api/v1]\n") });
  for (const target of ["/prod/api/x", "/prod/api/v1/x"]) t.equal(wordOf(decisionOf(policy, { target })), "allow GET /x", target);
});

t.test("hosts come first; an unknown host is 404 when every service names hosts", async (t) => {
  const policy = policyOf({
    one: open("GET /x: public", "hosts: [one.example]\n"),
    many: open("GET /y: public", 'hosts: ["{tenant}.many.example"]\n'),
  });
  const found = (host: string, target: string): string => wordOf(decisionOf(policy, { target, host }));
  t.equal(found("one.example", "/x"), "allow GET /x");
  t.equal(found("two.example", "/x"), "ROUTE_NOT_FOUND");
  t.equal(found("acme.many.example", "/y"), "allow GET /y");
  t.equal(found("a.b.many.example", "/y"), "ROUTE_NOT_FOUND", "a placeholder is one whole label");
  t.equal(found(".many.example", "/y"), "ROUTE_NOT_FOUND");
  t.equal(found("many.example", "/y"), "ROUTE_NOT_FOUND");
});
