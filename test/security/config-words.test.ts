/** Class 2.10, F1 and F7, and the rows of other classes that must not get past loading: C8, C14, R1, R8, R13. */
import t from "tap";
import { gateFiles } from "./gate.ts";
import { issuer, loadFiles, loadsFine, messagesOf, mistakes, OPEN, refusals, upstream } from "./loading.ts";

const NOBODY =
  /not spoken here|no URL|metadata|link-local|single machine|user or a password|fragment|two ways|port 0|ends in a dot|must be https|no query|exact form/;
/** Addresses of what nobody but the machine itself should reach, in the spellings that slip past a look at the text. */
const FORBIDDEN = [
  "file:///etc/passwd",
  "unix+http:/var/run/docker.sock",
  "unix:/var/run/docker.sock",
  "ftp://shop.example",
  "gopher://shop.example",
  "javascript:alert(1)",
  "data:text/plain,x",
  "//shop.example",
  "shop.example",
  "",
  "https://user@shop.example",
  "https://user:pass@shop.example",
  "https://shop.example@evil.example",
  "https://169.254.169.254",
  "https://169.254.169.254./",
  "https://169.254.170.2",
  "https://metadata.google.internal",
  "https://metadata.google.internal.",
  "https://METADATA.google.internal",
  "https://[::ffff:169.254.169.254]",
  "https://[::ffff:a9fe:a9fe]",
  "https://[fe80::1]",
  "https://[fd00:ec2::254]",
  "https://[64:ff9b::169.254.169.254]",
  "https://0",
  "https://0.0.0.0",
  "https://[::]",
  "https://127.1",
  "https://2130706433",
  "https://0x7f000001",
  "https://0177.0.0.1",
  "https://127.0.0.1.",
  "https://2852039166",
  "https://0xa9.0xfe.0xa9.0xfe",
  "https://shop.example.",
  "https://bücher.example",
  "https://ｅxample.com",
  "https://shop。example",
  "https://shop.example:0",
  "https://shop.example:65536",
  "https://shop.example:-1",
  "https://shop example",
  "https://shop.example/#x",
  "https:/shop.example",
  "https:\\\\shop.example",
];

t.test("F1 an upstream or issuer that could mean something else, or that nobody should reach, does not load", async (t) => {
  for (const url of FORBIDDEN) {
    refusals(t, {
      [`upstream ${url}`]: [upstream(url), /./],
      [`issuer ${url}`]: [issuer(url), /./],
      [`jwks ${url}`]: [issuer("https://issuer.example", url), /./],
    });
  }
  refusals(t, { words: [upstream("https://169.254.169.254"), NOBODY] });
  for (const url of [
    "https://shop.example",
    "http://shop:8080",
    "http://10.0.0.7/base",
    "http://[fd00::7]:8080",
    "https://xn--bcher-kva.example",
  ])
    loadsFine(t, upstream(url), url);
});

t.test("F1 keys come over https, or from this very machine", async (t) => {
  for (const url of [
    "http://issuer.example",
    "http://10.0.0.7",
    "http://192.168.1.1/keys",
    "http://localhost.evil.example",
    "http://127.0.0.1.nip.io",
  ]) {
    refusals(t, {
      [`issuer ${url}`]: [issuer(url), /must be https/],
      [`jwks ${url}`]: [issuer("https://issuer.example", url), /must be https/],
    });
  }
  for (const url of ["http://127.0.0.1:9/keys", "http://localhost:9/keys", "http://[::1]:9/keys", "https://issuer.example/keys"])
    loadsFine(t, issuer("https://issuer.example", url), url);
});

t.test("F7 a word that is misspelt, of the wrong type, empty or null is a mistake, never a default", async (t) => {
  const auth = `authenticators: { s: { bearer: [{ id: one, value: "\${SECRET}", access: [r] }] } }\n`;
  const rule = (text: string): string => `${auth}routes:\n  GET /x: ${text}\n`;
  refusals(t, {
    permisions: [rule("{ access: r, permisions: [r] }"), /permisions/],
    auht: [`auht: none\n${OPEN}`, /auht/],
    acces: [rule("{ acces: public }"), /acces/],
    "a rule without access": [rule("{ tenant: unchecked }"), /access/],
    "a rule that is null": [rule("null"), /./],
    "a rule that is empty": [rule(""), /./],
    "a rule that is an empty map": [rule("{}"), /access/],
    "a rule that is a list": [rule("[r]"), /./],
    "access true": [rule("{ access: true }"), /./],
    "access null": [rule("{ access: null }"), /./],
    "access an empty list": [rule("{ access: [] }"), /./],
    "access a list": [rule("{ access: [r] }"), /./],
    "anyOf of nothing": [rule("{ access: { anyOf: [] } }"), /./],
    "anyOf a word": [rule("{ access: { anyOf: r } }"), /./],
    "both anyOf and allOf": [rule("{ access: { anyOf: [r], allOf: [r] } }"), /exactly one/],
    "a word near `public`": [rule("Public"), /./],
    "none for public": [rule("none"), /./],
    "authenticators none": [rule("{ access: r, authenticators: [] }"), /./],
    "authenticators unknown": [rule("{ access: r, authenticators: [t] }"), /no authenticator/],
    "from nobody": [rule("{ access: public, from: [] }"), /./],
    "query of nothing": [rule("{ access: public, query: {} }"), /exactly one/],
    "tenant some word": [rule("{ access: r, tenant: off }"), /./],
    "websocket a word": [rule('{ access: public, websocket: "yes" }'), /./],
    "permissions a word": [`authenticators: { s: { bearer: [{ id: one, value: "\${SECRET}", access: admin }] } }\n${OPEN}`, /./],
    "permissions null": [`authenticators: { s: { bearer: [{ id: one, value: "\${SECRET}", access: null }] } }\n${OPEN}`, /./],
    "scopes a word": [`authenticators: { a: { jwt: { issuer: "https://i.example", clients: any }, scopes: { a: r } } }\n${OPEN}`, /./],
    "clients a word": [`authenticators: { a: { jwt: { issuer: "https://i.example", clients: web } } }\n${OPEN}`, /./],
    "neither clients nor audience": [`authenticators: { a: { jwt: { issuer: "https://i.example" } } }\n${OPEN}`, /clients/],
    "an authenticator of no kind": [`authenticators: { a: { scopes: { a: [r] } } }\n${OPEN}`, /exactly one/],
    "an authenticator of two kinds": [
      `authenticators: { a: { jwt: { issuer: "https://i.example", clients: any }, apiKey: { header: x, prefix: abc } } }\n${OPEN}`,
      /./,
    ],
    "algorithms none": [`authenticators: { a: { jwt: { issuer: "https://i.example", clients: any, algorithms: [none] } } }\n${OPEN}`, /./],
    "algorithms HS256": [
      `authenticators: { a: { jwt: { issuer: "https://i.example", clients: any, algorithms: [HS256] } } }\n${OPEN}`,
      /./,
    ],
    "an API key without roles": [`authenticators: { a: { apiKey: { header: x-api-key, prefix: abc } } }\n${OPEN}`, /roles/],
    "a key twice": [`${OPEN}${OPEN}`, /./],
    "routes null": ["routes:\n", /./],
    "no routes": ["prefix: /x\n", /routes/],
    "prototype keys": [`__proto__: { routes: {} }\n${OPEN}`, /__proto__|prototype/],
    "a merge key": [`<<: { prefix: /x }\n${OPEN}`, /<</],
  });
});

t.test("C8 C14 origins that stand for many, or for none, do not load", async (t) => {
  const cors = (origins: string, more = ""): string => `cors: { origins: ${origins}${more} }\n${OPEN}`;
  const origins = [
    "*",
    "null",
    "https://*.example",
    "https://*",
    "*.example",
    "/^https/",
    "https://app.example/",
    "https://app.example:443",
    "HTTPS://app.example",
    "https://app.example/path",
    "app.example",
    "file://",
    "https://user@app.example",
    "",
    "https://a.example, https://b.example",
  ];
  refusals(t, {
    ...Object.fromEntries(origins.map((origin) => [origin, [cors(JSON.stringify([origin])), /./] as const])),
    "any, with credentials": [cors('["*"]', ", credentials: true"), /wildcard/],
    "a word": [cors('"*"'), /./],
    true: [cors("true"), /./],
    none: [cors("[]"), /./],
    "null itself": [cors("[null]"), /./],
    "any header": [cors('["https://app.example"]', ', headers: ["*"]'), /wildcard/],
    "any exposed header": [cors('["https://app.example"]', ', expose: ["*"]'), /wildcard/],
    "any method": [cors('["https://app.example"]', ', methods: ["*"]'), /./],
  });
  t.equal(mistakes({ services: { shop: OPEN }, gateway: 'defaults: { cors: { origins: ["*"] } }' }).length, 1, "nor for all services");
});

t.test("R13 a limit that is no positive number does not load", async (t) => {
  const rates = [
    "0/minute",
    "-1/minute",
    "NaN/minute",
    "Infinity/minute",
    "1e3/minute",
    "0x10/minute",
    "1.5/minute",
    "+5/minute",
    " 5/minute",
    "5 /minute",
    "/minute",
    "100",
    "100/0",
    "100/60s",
    "100/fortnight",
    "9999999999/minute",
    "",
  ];
  const limit = (rate: string): string => `limits: { all: { by: address, rate: ${rate} } }\n${OPEN}`;
  refusals(t, {
    ...Object.fromEntries(rates.map((rate) => [rate, [limit(JSON.stringify(rate)), /./] as const])),
    ...Object.fromEntries(
      ["100", ".nan", ".inf", "null", "true", "[100]", "{ max: 100 }"].map((rate) => [`unquoted ${rate}`, [limit(rate), /./] as const]),
    ),
    "no rate": [`limits: { all: { by: address } }\n${OPEN}`, /./],
    "no by": [`limits: { all: { rate: 5/minute } }\n${OPEN}`, /./],
    "by a header": [`limits: { all: { by: x-user, rate: 5/minute } }\n${OPEN}`, /./],
  });
  t.equal(mistakes({ services: { shop: OPEN }, gateway: "defaults: { limits: { all: { by: address, rate: 0/minute } } }" }).length, 1);
  loadsFine(t, limit("100/minute"), "and a hundred a minute loads");
});

t.test("R8 a shared counter store, which this version does not have, is refused at load and not silently replaced", async (t) => {
  for (const stores of ["counters: redis://cache:6379", "counters: rediss://cache", "onStoreFailure: allow"]) {
    const gateway = gateFiles({ services: {} })["sallyport.yaml"]!.replace("counters: memory", stores);
    const loaded = loadFiles({ "sallyport.yaml": gateway, "services/shop.yaml": `version: 1\nservice: shop\n${upstream("http://shop")}` });
    t.match(messagesOf(loaded), [/not available in this version/], stores);
  }
});

t.test("R1 to believe everybody's X-Forwarded-For does not load", async (t) => {
  for (const cidr of ["0.0.0.0/0", "::/0", "true", "*", "loopback"])
    t.equal(mistakes({ services: { shop: OPEN }, gateway: `trustProxy: ["${cidr}"]` }).length, 1, cidr);
});
