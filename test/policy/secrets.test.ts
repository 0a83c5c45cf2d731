/** No secret stands in what loading gives back: not in a policy, not in a diagnostic. */
import { createHash } from "node:crypto";
import { inspect } from "node:util";
import t from "tap";
import { formatDiagnostic } from "../../src/policy/diagnostic.ts";
import { GATEWAY, load, policyOf, ROUTES } from "./fixtures.ts";

const HEAD = `version: 1\nservice: shop\nupstream: { url: "http://shop" }\nauthenticators:\n  token:\n`;
const said = (loaded: ReturnType<typeof load>) =>
  loaded.kind === "invalid"
    ? loaded.diagnostics.map((one) => formatDiagnostic(one, { colour: true }) + JSON.stringify(one)).join("\n")
    : "";

t.test("a policy holds digests of secrets, never their text", async (t) => {
  const secret = "correct-horse-battery-staple";
  const files = { "services/shop.yaml": `${HEAD}    bearer: [{ id: one, value: ${secret}, access: [orders.read] }]\n${ROUTES}` };
  const policy = policyOf(load(t, files));
  t.notMatch(inspect(policy, { depth: 20 }), secret);
  const [token] = policy.services[0]!.authenticators;
  t.same(token!.kind === "bearer" && token!.secrets[0]!.digest, createHash("sha256").update(secret).digest());
});

const SECRET = "Tr0ub4dor-and-three";
const WRITTEN: Readonly<Record<string, string>> = {
  "beside a mistake on its line": `    bearer: [{ id: one, value: ${SECRET}, acess: [orders.read] }]\n`,
  "under a misspelt key": `    bearer: [{ id: one, vaule: ${SECRET}, access: [orders.read] }]\n`,
  "in a list of texts": `    bearer: [${SECRET}]\n`,
  "as a text": `    bearer: ${SECRET}\n`,
  "over several lines": `    bearer:\n      - id: one\n        value: >-\n          ${SECRET} !\n        access: [x]\n`,
  "as a default": `    bearer: [{ id: one, value: "\${TOKEN:-${SECRET}!}", access: [orders.read] }]\n`,
  "in a line that is no YAML": `    bearer: [{ id: one, value: "${SECRET}", access: [ }]\n`,
  "in quotes that are not closed": `    bearer: [{ id: one, value: '${SECRET}, access: [x] }]\n`,
  "in an address": `    jwt: { issuer: "https://user:${SECRET}@issuer.example", clients: any }\n`,
};

for (const [name, text] of Object.entries(WRITTEN)) {
  t.test(`a secret ${name} is not shown`, async (t) => {
    const loaded = load(t, { "services/shop.yaml": `${HEAD}${text}${ROUTES}` });
    t.equal(loaded.kind, "invalid");
    t.notMatch(said(loaded), SECRET);
  });
}

t.test("the value of a variable is not shown, whatever is wrong with it", async (t) => {
  const files = {
    "sallyport.yaml": GATEWAY.replace("8080", '"${A}"'),
    "services/shop.yaml": `${HEAD.replace("http://shop", "${B}")}    bearer: [{ id: "\${C}", value: "\${D}", access: ["\${E}"], until: "\${F}" }]\n${ROUTES}`,
  };
  const environment = Object.fromEntries(["A", "B", "C", "D", "E", "F"].map((name) => [name, `${SECRET} ${name}{`]));
  const loaded = load(t, files, { environment });
  t.ok(loaded.kind === "invalid" && loaded.diagnostics.length >= 6);
  t.notMatch(said(loaded), SECRET);
});

t.test("characters that would steer a terminal are not printed", async (t) => {
  const loaded = load(t, { "services/shop.yaml": `${HEAD}    bearer: []\n${ROUTES}"a\u202e\u001b[31m": 1\n` });
  const text = loaded.kind === "invalid" ? loaded.diagnostics.map((one) => formatDiagnostic(one, { colour: false })).join("\n") : "";
  t.match(text, /unknown key/);
  t.notMatch(text, /[\u001b\u202e]/);
});
