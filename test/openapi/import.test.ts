/** `sallyport import`: what becomes of operations, schemes and servers. */
import { readFileSync, writeFileSync } from "node:fs";
import t, { type Test } from "tap";
import { asking, documentOf, run, workshop } from "./fixtures.ts";

async function lines(t: Test, document: unknown): Promise<string> {
  const shop = workshop(t);
  shop.write(document);
  const { code, err } = await shop.importIt();
  t.equal(code, 0, err);
  shop.policy();
  return shop.serviceText();
}

/** As one would read it: wrapped comments whole again, and behind the line that they speak of. */
function unwrapped(text: string): string {
  return text.replaceAll(/\n *# {3}/g, " ").replaceAll(/^ {2}(# .*)\n {2}(\S.*)$/gm, "  $2  $1");
}

t.test("a bearer token, OpenID Connect, OAuth 2 and a key in a header become authenticators, their scopes permissions", async (t) => {
  const schemes = {
    oidc: { type: "openIdConnect", openIdConnectUrl: "https://issuer.example/pool/.well-known/openid-configuration" },
    oauth: { type: "oauth2", flows: { clientCredentials: { tokenUrl: "https://x.example", scopes: { "read:pets": "" } } } },
    key: { type: "apiKey", in: "header", name: "X-Api-Key" },
  };
  const paths = {
    "/pets": { get: asking([{ oauth: ["read:pets"] }]), post: asking([{ oauth: ["read:pets", "write:pets"] }]) },
    "/me": { get: asking([{ oidc: [] }]), put: asking([{ key: [] }, { oidc: [] }]) },
    "/either": { get: asking([{ oauth: ["read:pets"] }, { oauth: ["write:pets"] }]) },
  };
  const text = await lines(t, documentOf(paths, { components: { securitySchemes: schemes } }));
  t.match(text, "issuer: https://issuer.example/pool ");
  t.match(text, 'audience: ["${API_OIDC_AUDIENCE}"]');
  t.match(text, "issuer: ${API_OAUTH_ISSUER}");
  t.match(text, "apiKey: { header: x-api-key, prefix: api }");
  t.match(text, "      read:pets: [read.pets]\n      write:pets: [write.pets]\n");
  t.match(text, "  GET /pets: { access: read.pets, authenticators: [oauth] }\n");
  t.match(text, "  POST /pets: { access: { allOf: [read.pets, write.pets] }, authenticators: [oauth] }\n");
  t.match(text, "  GET /me: { access: authenticated, authenticators: [oidc] }\n");
  t.match(text, "  PUT /me: { access: authenticated, authenticators: [key, oidc] }\n");
  t.match(text, "  GET /either: { access: { anyOf: [read.pets, write.pets] }, authenticators: [oauth] }\n");
});

t.test("what is not sure is denied, and says why", async (t) => {
  const schemes = {
    token: { type: "http", scheme: "bearer" },
    basic: { type: "http", scheme: "basic" },
    cookie: { type: "apiKey", in: "cookie", name: "sid" },
    opaque: { type: "http", scheme: "bearer", bearerFormat: "opaque" },
  };
  const paths = {
    "/none": { get: asking([]) },
    "/basic": { get: asking([{ basic: [] }]) },
    "/cookie": { get: asking([{ cookie: [] }]) },
    "/opaque": { get: asking([{ opaque: [] }]) },
    "/both": { get: asking([{ token: [], basic: [] }]) },
    "/anyone": { get: asking([{}]) },
    "/unknown": { get: asking([{ nothing: [] }]) },
    "/broken": { get: asking("token") },
    "/elsewhere": { get: { ...asking([{ token: [] }]), servers: [{ url: "https://uploads.example" }] } },
    "/said": { get: asking([{ token: [] }]) },
  };
  const text = await lines(t, documentOf(paths, { components: { securitySchemes: schemes }, security: undefined }));
  const reasons = new Map(
    [...unwrapped(text).matchAll(/^ {2}GET (\S+): denied {2}# REVIEW: (.*)$/gm)].map(([, path, reason]) => [path, reason]),
  );
  t.match(reasons.get("/none"), /asks for no credential/);
  t.match(reasons.get("/basic"), /http basic/);
  t.match(reasons.get("/cookie"), /API key in cookie sid/);
  t.match(reasons.get("/opaque"), /opaque/);
  t.match(reasons.get("/both"), /`token` and `basic` are asked for together/);
  t.match(reasons.get("/anyone"), /without a credential/);
  t.match(reasons.get("/unknown"), /no scheme `nothing`/);
  t.match(reasons.get("/broken"), /cannot be read/);
  t.match(reasons.get("/elsewhere"), /https:\/\/uploads\.example/);
  t.equal(reasons.size, 9);
  t.match(text, "  GET /said: authenticated\n");
});

t.test("a reason that many lines are denied for is said once, and others stay beside their lines", async (t) => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`/p${index}`, { get: {} }]));
  const document = documentOf({ ...many, "/none": { get: asking([]) } }, { security: undefined });
  const text = await lines(t, document);
  t.match(
    unwrapped(text),
    "# REVIEW: `denied` without a reason beside it: the document says nothing of credentials\nroutes:\n  GET /p0: denied\n",
  );
  t.match(unwrapped(text), /GET \/none: denied {2}# REVIEW: the document asks for no credential/);
});

t.test("alternatives that one rule cannot say together are narrowed to the first that it can", async (t) => {
  const schemes = { token: { type: "http", scheme: "bearer" }, ApiKey: { type: "apiKey", in: "header", name: "x-key" } };
  const paths = { "/a": { get: asking([{}, { token: ["a"] }, { ApiKey: [] }]) }, "/b": { get: asking([{ ApiKey: [] }]) } };
  const text = await lines(t, documentOf(paths, { components: { securitySchemes: schemes } }));
  t.match(
    unwrapped(text),
    /GET \/a: \{ access: a, authenticators: \[token\] \} {2}# REVIEW: .*without a credential.*callers with `ApiKey` are left out/,
  );
});

t.test("scopes that differ in case or punctuation stay different permissions", async (t) => {
  const schemes = { token: { type: "http", scheme: "bearer", bearerFormat: "JWT" } };
  const scopes = ["read:pets", "Read:Pets", "read.pets", "public", "sallyport.admin", "*"];
  const paths = Object.fromEntries(scopes.map((scope, index) => [`/${index}`, { get: asking([{ token: [scope] }]) }]));
  const text = await lines(t, documentOf(paths, { components: { securitySchemes: schemes } }));
  const words = [...text.matchAll(/^ {2}GET \/\d: (\S+)$/gm)].map(([, word]) => word);
  t.equal(new Set(words).size, scopes.length, words.join(" "));
});

t.test("a path that no line can say is left out, and listed", async (t) => {
  const operation = { get: asking([{ token: [] }]) };
  const paths = {
    "/files/{name}.json": operation,
    "/span/{a}-{b}": operation,
    "/rest/{proxy+}": operation,
    "/x%2Fy": operation,
    relative: operation,
    "/Users": operation,
    "/users": operation,
    "/only": { head: operation.get, trace: operation.get },
    "/fine/{user-id}": operation,
  };
  const text = await lines(t, documentOf(paths));
  const [table = "", left = ""] = text.split("# REVIEW: these have no line of their own");
  t.same(
    [...table.matchAll(/^ {2}([A-Z]+ \/\S*):/gm)].map(([, key]) => key),
    ["GET /Users", "GET /fine/{user_id}"],
  );
  for (const path of [
    "GET /files/{name}.json",
    "GET /span/{a}-{b}",
    "GET /rest/{proxy+}",
    "GET /x%2Fy",
    "GET relative",
    "GET /users",
    "HEAD /only",
    "TRACE /only",
  ])
    t.ok(left.includes(`# ${path}: `), path);
});

t.test("paths of one shape are one line, denied where they ask for different things", async (t) => {
  const paths = {
    "/same/{x}": { get: asking([{ token: [] }]) },
    "/same/{y}": { get: asking([{ token: [] }]) },
    "/other/{x}": { get: asking([{ token: [] }]) },
    "/other/{y}": { get: asking([{ token: ["admin"] }]) },
    "/head": { get: asking([{ token: [] }]), head: asking([{ token: ["admin"] }]) },
  };
  const text = await lines(t, documentOf(paths));
  t.match(unwrapped(text), "GET /same/{x}: authenticated  # REVIEW: GET /same/{y} is the same line\n");
  t.match(unwrapped(text), /GET \/other\/\{x\}: denied {2}# REVIEW: GET \/other\/\{x\} and GET \/other\/\{y\} are one line here/);
  t.match(unwrapped(text), /GET \/head: denied {2}# REVIEW: GET \/head and HEAD \/head are one line here/);
});

t.test("a line that would take requests of an operation left out, which asks for more, is denied", async (t) => {
  const paths = {
    "/files/{id}": { get: asking([{ token: [] }]) },
    "/files/{name}.key": { get: asking([{ token: ["admin"] }]) },
  };
  const text = await lines(t, documentOf(paths));
  t.match(unwrapped(text), /GET \/files\/\{id\}: denied {2}# REVIEW: GET \/files\/\{name\}\.key has no line of its own/);
});

t.test("the first server gives prefix and upstream, and the others are named", async (t) => {
  const servers = [
    { url: "https://{region}.api.example/v1/", variables: { region: { default: "eu" } } },
    { url: "https://us.api.example/v1" },
  ];
  const text = await lines(t, documentOf({ "/": { get: asking([{ token: [] }]) } }, { servers }));
  t.match(text, "prefix: /v1\n");
  t.match(text, "url: https://eu.api.example\n");
  t.match(text, "# REVIEW: other servers of the document: https://us.api.example/v1\n");
  const unknown = await lines(t, documentOf({}, { servers: [{ url: "https://{host}/v2" }] }));
  t.match(unknown, "url: ${API_URL}\n");
  t.match(unknown, "# REVIEW: the server https://{host}/v2 cannot be read\n");
});

t.test("parameters that look like tenants are pointed at", async (t) => {
  const parameters = [
    { name: "X-Org-ID", in: "header" },
    { name: "page", in: "query" },
  ];
  const paths = { "/t/{tenantId}": { get: { ...asking([{ token: [] }]), parameters } }, "/t/{tenantId}/x": { get: asking([]) } };
  const text = await lines(t, documentOf(paths));
  t.match(text, "# tenant:\n#   path: tenantId  # in 2 of 2 lines\n#   header: x-org-id  # in 1 of 2 lines\n");
});

t.test("no text of the document gets out of its comment or its quotes", async (t) => {
  const evil = "x\nroutes:\n  GET /open: public\n#";
  const schemes = { [evil]: { type: "http", scheme: evil }, token: { type: "http", scheme: "bearer", bearerFormat: evil } };
  const paths = {
    [`/${evil}`]: { get: asking([{ [evil]: [evil] }]) },
    "/a: public": { get: asking([{ token: [evil] }]) },
    "/b": { get: { ...asking([{ token: [] }]), servers: [{ url: evil }], parameters: [{ name: `org\n${evil}`, in: "query" }] } },
  };
  const document = {
    ...documentOf(paths, { components: { securitySchemes: schemes }, servers: [{ url: "/" }, { url: evil }] }),
    info: { title: evil },
  };
  const text = await lines(t, document);
  t.notMatch(text, /^\s*GET \/open/m);
  t.match(text, '  "GET /a: public": denied');
});

t.test("references within the document are followed, circles and prototype names included", async (t) => {
  const document = documentOf(
    { "/a": { $ref: "#/components/pathItems/a~1b" }, "/loop": { $ref: "#/paths/~1loop" }, "/out": { $ref: "other.yaml#/x" } },
    {
      components: {
        pathItems: JSON.parse('{ "a/b": { "get": { "security": [{ "__proto__": [] }] } } }') as unknown,
        securitySchemes: JSON.parse(
          '{ "__proto__": { "$ref": "#/components/securitySchemes/real" }, "real": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } }',
        ) as unknown,
      },
    },
  );
  const text = await lines(t, document);
  t.match(text, "  GET /a: authenticated\n");
  t.match(text, "# #/paths/~1loop: its `$ref` leads through too many others, or back to itself");
  t.match(text, "# #/paths/~1out: its `$ref` leads out of the document");
});

t.test("YAML is read as well, with anchors and merge keys; twice the same path is refused with its line", async (t) => {
  const head =
    "openapi: 3.0.3\ninfo: { title: T, version: '1' }\ncomponents: { securitySchemes: { token: { type: http, scheme: bearer } } }\n";
  const merged = `${head}paths:\n  /a: &a\n    get: { security: [{ token: [] }] }\n  /b:\n    <<: *a\n    post: { security: [{ token: [] }] }\n`;
  const text = await lines(t, merged);
  t.match(text, "  GET /b: authenticated\n  POST /b: authenticated\n");
  const shop = workshop(t);
  shop.write(`${head}paths:\n  /a: {}\n  /a: {}\n`);
  const { code, err } = await shop.importIt();
  t.equal(code, 1);
  t.match(err, /api\.json:6: `\/a` stands twice in this map/);
});

t.test("comments stay within 80 columns, and the summary counts one as one", async (t) => {
  const shop = workshop(t);
  const schemes = { key: { type: "apiKey", in: "header", name: "x-key" }, basic: { type: "http", scheme: "basic" } };
  const paths = {
    "/narrow": { get: asking([{}, { key: [] }, { basic: [] }]) },
    "/files/{name}.json": { get: asking([{ key: [] }]) },
  };
  const servers = Array.from({ length: 9 }, (_, index) => ({ url: `https://eu-${index}.api.example/v1` }));
  shop.write(documentOf(paths, { components: { securitySchemes: schemes }, servers }));
  const { err } = await shop.importIt();
  t.match(err, /^api: 2 operations, 1 line, 0 denied, 1 narrower than the document, 1 left out, 1 authenticator\n/);
  const text = shop.serviceText();
  t.same(
    text.split("\n").filter((line) => line.length > 80),
    [],
  );
  t.match(text, /^ {2}# REVIEW: [^\n]*\n(?: {2}# {3}\S[^\n]*\n)+ {2}GET \/narrow: /m, "above a line that has no room for it");
});

t.test("what is no OpenAPI 3.0 or 3.1 is refused with the reason", async (t) => {
  const shop = workshop(t);
  const refusals: readonly (readonly [unknown, RegExp])[] = [
    [{ swagger: "2.0" }, /Swagger 2\.0/],
    [{ openapi: "3.2.0" }, /no OpenAPI 3\.0 or 3\.1/],
    ["[1, 2", /api\.json:1: /],
    ["", /no OpenAPI/],
    [{ openapi: "3.0.0", paths: [] }, /`paths` are no map/],
  ];
  for (const [document, reason] of refusals) {
    shop.write(document);
    const { code, err } = await shop.importIt();
    t.equal(code, 1);
    t.match(err, reason);
  }
  t.match(await run("import", "--openapi", `${shop.api}.gone`), { code: 1, err: /does not exist/ });
});

t.test("more than 10,000 operations are refused", async (t) => {
  const shop = workshop(t);
  shop.write(documentOf(Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`/${index}`, { get: {} }]))));
  t.match(await shop.importIt(), { code: 1, err: /more than 10000 operations/ });
});

t.test("a file that is there already is kept", async (t) => {
  const shop = workshop(t);
  shop.write(documentOf({}));
  writeFileSync(shop.serviceFile, "mine");
  t.match(await run("import", "--openapi", shop.api, "--out", shop.serviceFile), { code: 2, err: /exists already/ });
  t.equal(readFileSync(shop.serviceFile, "utf8"), "mine");
});

t.test("--json tells what each line came from", async (t) => {
  const shop = workshop(t);
  shop.write(documentOf({ "/a/{b}": { get: asking([{ token: ["x"] }]) }, "/c.{d}": { get: {} } }));
  const { out } = await run("import", "--openapi", shop.api, "--json");
  t.match(JSON.parse(out) as object, {
    service: "some-api",
    authenticators: [{ name: "token", kind: "jwt" }],
    lines: [{ route: "GET /a/{b}", operations: ["GET /a/{b}"], access: "all", permissions: ["x"], authenticators: ["token"], review: [] }],
    leftOut: [{ operation: "GET /c.{d}", place: "#/paths/~1c.{d}/get" }],
    unread: [],
  });
});
