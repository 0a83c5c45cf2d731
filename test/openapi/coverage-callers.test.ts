/** `sallyport coverage`: whom the document lets in, against whom the route does. */
import t, { type Test } from "tap";
import { asking, documentOf } from "./fixtures.ts";
import { report } from "./written-table.ts";

const ISSUER = "issuer: https://issuer.example, clients: any";

function head(authenticators: readonly string[], roles = ""): string {
  const lines = authenticators.map((line) => `  ${line}\n`).join("");
  return `version: 1\nservice: api\nupstream: { url: "http://api:8080" }\n${roles}authenticators:\n${lines}`;
}

interface Case {
  readonly authenticators: readonly string[];
  readonly roles?: string;
  readonly schemes: object;
  /** What the operation asks for. */
  readonly security: unknown;
  /** The rule of its route. */
  readonly rule: string;
}

const BEARER = { type: "http", scheme: "bearer" };
const OAUTH = { type: "oauth2", flows: {} };

/** Sentences, wider ones before narrower ones. */
async function sentences(t: Test, { authenticators, roles, schemes, security, rule }: Case): Promise<readonly string[]> {
  const document = documentOf({ "/a": { get: asking(security) } }, { components: { securitySchemes: schemes } });
  const { differing } = await report(t, { document, head: head(authenticators, roles), routes: [`GET /a: ${rule}`] });
  return differing.flatMap(({ wider, narrower }) => [...wider.map((one) => `wider: ${one}`), ...narrower.map((one) => `narrower: ${one}`)]);
}

const TOKEN = `token: { jwt: { ${ISSUER} }, scopes: { read: [read], write: [write] } }`;

t.test("a scheme stands for the authenticator that `import` would name so, and not for another one's", async (t) => {
  const two = ["oauth: { jwt: { issuer: https://a.example, clients: any }, scopes: { read: [read] } }", `oauth_2: { jwt: { ${ISSUER} } }`];
  const schemes = { Oauth: BEARER, oauth: { type: "http", scheme: "basic" } };
  const both = { authenticators: two, schemes, rule: "{ access: authenticated, authenticators: [oauth] }" };
  t.same(await sentences(t, { ...both, security: [{ Oauth: [] }] }), []);
  const used = { ...both, security: [{ oauth: [] }, { Oauth: ["read"] }] };
  t.same(await sentences(t, used), ["wider: no scope at all (oauth) opens it", "narrower: no scope at all (oauth_2) does not open it"]);
  const alone = { ...used, authenticators: two.slice(0, 1) };
  t.same(await sentences(t, alone), ["wider: no scope at all (oauth) opens it", "narrower: no authenticator stands for oauth"]);
});

t.test("a scheme without a namesake stands for all authenticators of its kind, an API key for those of its header", async (t) => {
  const authenticators = [
    TOKEN,
    "keys: { apiKey: { header: x-api-key, prefix: api }, scopes: { read: [read] } }",
    "others: { apiKey: { header: x-other-key, prefix: other }, scopes: { read: [read] } }",
  ];
  const schemes = { person: BEARER, machine: { type: "apiKey", in: "header", name: "X-API-Key" } };
  const all = { authenticators, roles: "roles: { owner: [read] }\n", schemes, rule: "read" };
  t.same(await sentences(t, { ...all, security: [{ person: ["read"] }, { machine: ["read"] }] }), ["wider: read (others) opens it"]);
  t.same(await sentences(t, { ...all, security: [{ machine: ["read"] }] }), ["wider: read (token, others) opens it"]);
});

t.test("of a scheme that knows no scopes none are missed; of one that does, they are", async (t) => {
  const all = { authenticators: [TOKEN], security: [{ token: [] }], rule: "read" };
  t.same(await sentences(t, { ...all, schemes: { token: BEARER } }), []);
  t.same(await sentences(t, { ...all, schemes: { token: OAUTH } }), ["narrower: no scope at all (token) does not open it"]);
});

t.test("a scheme that nothing stands for, and credentials that are asked for together, cannot be met", async (t) => {
  const schemes = { token: BEARER, key: { type: "apiKey", in: "header", name: "x-key" }, basic: { type: "http", scheme: "basic" } };
  const authenticators = [TOKEN, "key: { apiKey: { header: x-key, prefix: api } }"];
  const all = { authenticators, roles: "roles: { owner: [] }\n", schemes, rule: "{ access: read, authenticators: [token] }" };
  t.same(await sentences(t, { ...all, security: [{ token: ["read"] }, { basic: [] }] }), ["narrower: no authenticator stands for basic"]);
  t.same(await sentences(t, { ...all, security: [{ token: ["read"], key: [] }] }), [
    "wider: read (token) opens it",
    "narrower: token and key are asked for together, and no request carries two credentials",
  ]);
});

t.test("what the document says of callers without a credential is held against the route", async (t) => {
  const all = { authenticators: [TOKEN], schemes: { token: BEARER } };
  const either = { ...all, security: [{}, { token: ["read"] }] };
  t.same(await sentences(t, { ...either, rule: "write" }), [
    "narrower: the document lets callers without a credential in too",
    "narrower: read (token) does not open it",
  ]);
  t.same(await sentences(t, { ...either, rule: "public" }), []);
  t.same(await sentences(t, { ...all, security: "token", rule: "read" }), ["wider: what the document asks for cannot be read"]);
});

t.test("what groups and roles give to people is not compared; what the role of a machine gives is", async (t) => {
  const roles = "roles: { reader: [read] }\n";
  const all = { roles, schemes: { token: OAUTH }, security: [{ token: ["read"] }], rule: "read" };
  const person = (more: string) => [`token: { jwt: { ${ISSUER}, caller: person }, ${more} }`];
  t.same(await sentences(t, { ...all, authenticators: person("groups: { staff: [read] }") }), []);
  t.same(await sentences(t, { ...all, authenticators: person("role: reader") }), []);
  t.same(await sentences(t, { ...all, authenticators: [`token: { jwt: { ${ISSUER}, caller: machine }, role: reader }`] }), [
    "wider: no scope at all (token) opens it",
  ]);
});

t.test("a shared secret is named where the document asks for scopes, which it does not have", async (t) => {
  const secret = `{ id: ops, value: "\${OPS_SECRET}", access: [read] }`;
  const all = { authenticators: [`token: { bearer: [${secret}] }`], schemes: { token: BEARER }, rule: "read" };
  t.same(await sentences(t, { ...all, security: [{ token: [] }] }), []);
  t.same(await sentences(t, { ...all, security: [{ token: ["read"] }] }), ["wider: secret ops (token) opens it"]);
});

t.test("of more than six permissions only the document's own scopes are tried", async (t) => {
  const permissions = ["a", "b", "c", "d", "e", "f", "g"];
  const each = permissions.map((name) => `${name}: [${name}]`).join(", ");
  const authenticators = [
    `token: { jwt: { ${ISSUER} }, scopes: { ${each}, most: [${permissions.join(", ")}], spare: [${permissions.join(", ")}] } }`,
  ];
  const all = { authenticators, schemes: { token: OAUTH } };
  const seven = { ...all, rule: `{ access: { allOf: [${permissions.join(", ")}] } }` };
  t.same(await sentences(t, { ...seven, security: [{ token: ["most", "a"] }] }), ["wider: most (token) opens it"]);
  t.same(await sentences(t, { ...seven, security: [{ token: ["a"] }] }), ["narrower: a (token) does not open it"]);
});
