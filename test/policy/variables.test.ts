import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { GATEWAY, load, loadFolder, mistakes, policyOf, ROUTES, routeOf, serviceOf, SHOP, writeFiles } from "./fixtures.ts";

const CORS = `${SHOP}${ROUTES}cors:\n`;

t.test("a reference takes its value from the environment, or its default", async (t) => {
  const text = (url: string) => SHOP.replace("http://shop:8080", url) + ROUTES;
  t.equal(serviceOf(t, text("${URL}"), { environment: { URL: "https://a.example" } }).upstream.origin, "https://a.example");
  t.equal(serviceOf(t, text("${URL:-http://b.example:81}")).upstream.origin, "http://b.example:81");
  t.equal(
    serviceOf(t, text("${URL:-http://b.example}"), { environment: { URL: "" } }).upstream.origin,
    "http://b.example",
    "empty is unset",
  );
  t.equal(serviceOf(t, text("http://${HOST}.example:${PORT:-82}"), { environment: { HOST: "c" } }).upstream.origin, "http://c.example:82");
});

t.test("an unset optional reference drops the key that holds it", async (t) => {
  const service = serviceOf(t, `${CORS}  origins: [https://a.example]\n  maxAge: "\${AGE?}"\n`);
  t.equal(service.cors?.maxAgeSeconds, undefined);
  t.equal(
    serviceOf(t, `${CORS}  origins: [https://a.example]\n  maxAge: "\${AGE?}"\n`, { environment: { AGE: "10m" } }).cors?.maxAgeSeconds,
    600,
  );
});

t.test("an unset optional reference drops the list item that holds it, also from inside a map", async (t) => {
  const origins = serviceOf(t, `${CORS}  origins: [https://a.example, "\${MORE?}"]\n`).cors?.origins;
  t.same([...origins!], ["https://a.example"]);
  const bearer = `authenticators:\n  token:\n    bearer:\n      - { id: one, value: "\${ONE}", access: [a] }\n      - { id: two, value: "\${TWO?}", access: [a] }\n`;
  const text = `version: 1\nservice: shop\nupstream: { url: "http://shop" }\n${bearer}${ROUTES}`;
  const token = serviceOf(t, text, { environment: { ONE: "0123456789abcdef" } }).authenticators[0]!;
  t.same(token.kind === "bearer" && token.secrets.map((one) => one.id), ["one"]);
});

t.test("a list whose every item is dropped is empty, and refused", async (t) => {
  t.match(mistakes(load(t, { "services/shop.yaml": `${CORS}  origins: ["\${A?}"]\n` })), [/list is empty/]);
});

t.test("one reference may stand for a list: from the environment, separated by commas", async (t) => {
  const service = serviceOf(t, `${CORS}  origins: \${WEB}\n`, { environment: { WEB: "https://a.example, https://b.example" } });
  t.same([...service.cors!.origins], ["https://a.example", "https://b.example"]);
});

t.test("one reference may stand for a number or a truth value", async (t) => {
  const files = {
    "sallyport.yaml": GATEWAY.replace("8080", '"${PORT}"'),
    "services/shop.yaml": `${CORS}  origins: [https://a.example]\n  credentials: \${CREDENTIALS}\n`,
  };
  const policy = policyOf(load(t, files, { environment: { PORT: "9000", CREDENTIALS: "true" } }));
  t.equal(policy.gateway.listen.port, 9000);
  t.equal(policy.services[0]!.cors!.credentials, true);
});

t.test("a value that only looks like a list is none where a text is written in the file", async (t) => {
  t.match(mistakes(load(t, { "services/shop.yaml": `${CORS}  origins: https://a.example,https://b.example\n` })), [/must be a list/]);
});

t.test("typed values come from the file that `values:` names, and the environment before them", async (t) => {
  const files = {
    "sallyport.yaml": `${GATEWAY}values: env/\${STAGE:-production}.yaml\n`.replace("8080", '"${PORT}"'),
    "env/production.yaml": "PORT: 7000\nWEB: [https://a.example, https://b.example]\nHOST: from-values\n",
    "services/shop.yaml": `${CORS}  origins: \${WEB}\n`.replace("http://shop:8080", "http://${HOST}"),
  };
  const policy = policyOf(load(t, files, { environment: { HOST: "from-environment" } }));
  t.equal(policy.gateway.listen.port, 7000);
  t.same([...policy.services[0]!.cors!.origins], ["https://a.example", "https://b.example"]);
  t.equal(policy.services[0]!.upstream.origin, "http://from-environment");
});

t.test("a key can be a reference", async (t) => {
  const text = `version: 1\nservice: shop\nupstream: { url: "http://shop" }\nauthenticators:\n  m:\n    jwt: { issuer: https://i.example, clients: any }\n    tenant: { claim: client_id, alias: { "\${CLIENT}": acme } }\n${ROUTES}`;
  const [one] = serviceOf(t, text, { environment: { CLIENT: "abc123" } }).authenticators;
  t.same(one!.tenant?.kind === "claim" && [...one!.tenant.alias!], [["abc123", "acme"]]);
});

t.test("a file of a secret is read without the newline at its end", async (t) => {
  const text = `version: 1\nservice: shop\nupstream: { url: "http://shop" }\nauthenticators:\n  token:\n    bearer: [{ id: one, value: "\${file:SECRET}", access: [a] }]\n${ROUTES}`;
  const folder = writeFiles(t, { "services/shop.yaml": "", secret: "0123456789abcdef\n" });
  const secret = join(folder, "secret");
  writeFileSync(join(folder, "services/shop.yaml"), text.replace("SECRET", secret));
  const byFile = loadFolder(folder);
  const byName = serviceOf(t, text.replace("file:SECRET", "TOKEN"), { environment: { TOKEN: "0123456789abcdef" } });
  const digest = (service: typeof byName) => service.authenticators[0]!.kind === "bearer" && service.authenticators[0]!.secrets[0]!.digest;
  t.same(digest(policyOf(byFile).services[0]!), digest(byName));
  t.ok(byFile.files.includes(secret), "it can be watched");

  writeFileSync(secret, "\n");
  t.match(mistakes(loadFolder(folder)), [/file that this names is empty/]);
  mkdirSync(join(folder, "other"));
  writeFileSync(join(folder, "services/shop.yaml"), text.replace("SECRET", join(folder, "other")));
  t.match(mistakes(loadFolder(folder)), [/is a folder, not a file/]);
});

t.test("an inherited name of the environment is no variable", async (t) => {
  t.match(mistakes(load(t, { "services/shop.yaml": SHOP.replace("http://shop:8080", "${constructor}") + ROUTES })), [
    /`constructor` is not set/,
  ]);
});

t.test("offline nothing need be set, and stand-ins show where they come from", async (t) => {
  const text = `version: 1
service: shop
upstream: { url: "\${SHOP_URL}" }
roles: { reader: [orders.read] }
authenticators:
  people:
    jwt: { issuer: "\${SHOP_ISSUER}", clients: "\${CLIENTS}", maxLifetime: "\${LIFE}", algorithms: "\${ALGORITHMS}" }
    role: reader
  token:
    bearer: [{ id: one, value: "\${T}", access: [orders.read], until: "\${UNTIL}" }]
cors: { origins: "\${WEB}", credentials: "\${CREDENTIALS}" }
limits:
  all: { by: caller, rate: "\${RATE}" }
body: { max: "\${MAX}" }
routes:
  GET /orders: { access: orders.read, from: "\${CIDRS}" }
`;
  const service = serviceOf(t, text, { offline: true });
  t.equal(service.upstream.origin, "http://shop-url.invalid");
  const jwt = service.authenticators[0]!;
  t.match(jwt, { issuer: { iss: "https://shop-issuer.invalid" }, clients: new Set(["clients"]) });
  t.same([...service.cors!.origins], ["https://web.invalid"]);
  t.same(routeOf(service, "GET /orders").from?.cidrs, ["192.0.2.0/24"]);
  t.not(load(t, { "services/shop.yaml": text }).kind, "policy", "to serve, they must be set");
});

t.test("offline a variable that is set counts, and a mistake in it is one", async (t) => {
  const files = { "services/shop.yaml": SHOP.replace("http://shop:8080", "${URL}") + ROUTES };
  t.equal(policyOf(load(t, files, { offline: true, environment: { URL: "http://real" } })).services[0]!.upstream.origin, "http://real");
  t.match(mistakes(load(t, files, { offline: true, environment: { URL: "ftp://real" } })), [/is not spoken here/]);
});

const TOKENS = (tokens: string) => `${GATEWAY}admin: { port: 9712, tokens: ${tokens} }\n`;
const NO_MAP = /this must be a map, and `\$\{ADMIN\}` stands for a text/;

for (const [where, tokens] of [
  ["an item of a list", '["${ADMIN}"]'],
  ["a list of maps", '"${ADMIN}"'],
  ["a part of a text", '["x-${ADMIN}"]'],
] as const) {
  t.test(`a reference cannot stand for a map, whether it is set or not: ${where}`, async (t) => {
    const files = { "sallyport.yaml": TOKENS(tokens), "services/shop.yaml": SHOP + ROUTES };
    t.match(mistakes(load(t, files, { offline: true })), [NO_MAP]);
    t.match(mistakes(load(t, files, { offline: true, environment: { ADMIN: "0123456789abcdef" } })), [NO_MAP]);
    t.match(mistakes(load(t, files, { environment: { ADMIN: "0123456789abcdef" } })), [NO_MAP]);
  });
}

t.test("a reference may stand for the word in place of a map, and nothing else", async (t) => {
  const shared = `${GATEWAY}authenticators:\n  people:\n    jwt: { issuer: https://issuer.example, clients: any }\n`;
  const text = `version: 1\nservice: shop\nupstream: { url: "http://shop:8080" }\nauthenticators: { people: "\${WHOSE}" }\nroutes: { GET /: authenticated }\n`;
  const files = { "sallyport.yaml": shared, "services/shop.yaml": text };
  t.same(mistakes(load(t, files, { offline: true })), []);
  t.same(mistakes(load(t, files, { environment: { WHOSE: "shared" } })), []);
  t.match(mistakes(load(t, files, { environment: { WHOSE: "mine" } })), [/the value of `\$\{WHOSE\}`: this must be `shared` or a map/]);
});
