/** A credential that one service has looked at, seen by another: what is known of it, and what is not. */
import t from "tap";
import { carriedProof } from "../../src/assurance/replay/carried-proof.ts";
import type { Evidence } from "../../src/assurance/replay/evidence.ts";
import type { Proof } from "../../src/contract/caller.ts";
import type { Service } from "../../src/contract/policy.ts";
import { trustsOf } from "../../src/assurance/replay/reads.ts";
import { policyOf, requestOf } from "../decision/policy.ts";

const UPSTREAM = `upstream: { url: "http://x.example" }\nroles: { r: ["*"] }\n`;
const ROUTES = `routes: { GET /x: authenticated }\n`;
const JWT = `machines: { jwt: { issuer: "https://issuer.example", clients: any } }`;
const KEY = `key: { apiKey: { header: x-api-key, prefix: shop }, tenant: account, scopes: { all: ["*"] } }`;
const SIGNED = `iam: { sigv4: { region: eu, service: api } }`;
const BEARER = `token: { bearer: [{ id: one, value: "0123456789abcdef-one", access: ["*"] }] }`;

function serviceWith(name: string, ...authenticators: readonly string[]): Service {
  const block = authenticators.length === 0 ? "" : `authenticators:\n${authenticators.map((one) => `  ${one}\n`).join("")}`;
  const routes = authenticators.length === 0 ? "routes: { GET /x: public }\n" : ROUTES;
  const gateway = `version: 1\nlisten: { port: 0 }\nstores: { sealing: "0123456789abcdef0123456789abcdef" }\nservices: [services/*.yaml]\n`;
  return policyOf({ [name]: UPSTREAM + block + routes }, gateway).services[0]!;
}

function evidence(home: Service, proof: Proof | undefined, more: Partial<Evidence> = {}): Evidence {
  const trusts = new Set(proof ? trustsOf(home) : []);
  return {
    request: requestOf({ target: "/x" }),
    now: 0,
    home: home.name,
    proof,
    trusts,
    trust:
      proof?.kind === "key"
        ? [...trusts].find((trust) => trust.includes(proof.authenticator === "iam" ? " sigv4 " : " apiKey "))
        : undefined,
    trustsOf: (service) => new Set(trustsOf(service)),
    carries: () => false,
    hidesClaim: () => false,
    hidesHeader: () => false,
    hidesField: () => false,
    ...more,
  };
}

const token: Proof = { kind: "jwt", iss: "https://issuer.example", claims: {} };
const keyOf = (service: string, authenticator = "key"): Proof => ({
  kind: "key",
  authenticator,
  key: { id: "k", service, scopes: [], createdAt: 0, account: { service, id: "a", kind: "service", role: "r", enabled: true } },
});

/** The kind of proof, with the code of one that is not good; `unknown` where it cannot be told. */
function word(service: Service, known: Evidence): string {
  const carried = carriedProof(service, known);
  if (carried.kind === "unknown") return "unknown";
  return carried.proof.kind === "invalid" ? carried.proof.code : carried.proof.kind;
}

t.test("a credential means the same to a service that trusts the same", async (t) => {
  const [shop, other] = [serviceWith("shop", JWT, KEY), serviceWith("other", JWT, KEY)];
  t.equal(word(shop, evidence(shop, token)), "jwt");
  t.equal(word(other, evidence(shop, token)), "jwt", "a token is proved by its issuer");
  t.equal(word(shop, evidence(shop, keyOf("shop"))), "key");
  t.equal(word(other, evidence(shop, keyOf("shop"))), "KEY_INVALID", "a key belongs to its service");
});

t.test("where a credential is not read it is as if it were not there, and where another kind is read it is not good", async (t) => {
  const home = serviceWith("shop", JWT, KEY, SIGNED, BEARER);
  t.equal(word(serviceWith("shop"), evidence(home, token)), "none");
  t.equal(word(serviceWith("shop", KEY), evidence(home, token)), "none");
  t.equal(word(serviceWith("shop", SIGNED), evidence(home, token)), "SIGNATURE_INVALID");
  t.equal(word(serviceWith("shop", BEARER), evidence(home, token)), "TOKEN_INVALID");
  t.equal(word(serviceWith("shop", JWT), evidence(home, keyOf("shop", "iam"))), "TOKEN_INVALID");
  t.equal(word(serviceWith("other", SIGNED), evidence(home, keyOf("shop", "iam"))), "SIGNATURE_INVALID");
  t.equal(word(serviceWith("shop", KEY.replace("shop", "new")), evidence(home, keyOf("shop"))), "KEY_INVALID", "another prefix");
  t.equal(word(serviceWith("shop", KEY.replace("key:", "renamed:")), evidence(home, keyOf("shop"))), "key", "another name");
});

t.test("what would be proved by something else is not guessed", async (t) => {
  const home = serviceWith("shop", JWT, SIGNED, BEARER);
  const secret: Proof = { kind: "secret", authenticator: "token", id: "one" };
  t.equal(word(serviceWith("shop", JWT.replace("clients", 'jwks: "https://keys.example/", clients')), evidence(home, token)), "unknown");
  t.equal(word(serviceWith("shop", SIGNED.replace("eu", "us")), evidence(home, keyOf("shop", "iam"))), "unknown");
  t.equal(word(serviceWith("shop", BEARER.replace("id: one", "id: two")), evidence(home, secret)), "unknown");
  t.equal(word(serviceWith("shop", JWT), evidence(home, secret)), "TOKEN_INVALID", "no secret is left that it could be");
  const invalid: Proof = { kind: "invalid", code: "TOKEN_INVALID", reason: "" };
  t.equal(word(serviceWith("shop", JWT, SIGNED), evidence(home, invalid)), "unknown", "a signature might be asked for where a secret was");
  t.equal(
    word(
      serviceWith("shop", JWT, SIGNED, BEARER, 'more: { jwt: { issuer: "https://more.example", clients: any } }'),
      evidence(home, invalid),
    ),
    "unknown",
  );
  t.equal(word(home, evidence(home, { kind: "unavailable", reason: "" })), "unknown");
});

t.test("a place that was not looked at holds no credential only where that is known", async (t) => {
  const [open, shop] = [serviceWith("shop"), serviceWith("shop", JWT)];
  t.equal(word(shop, evidence(open, undefined)), "none");
  t.equal(word(shop, evidence(open, undefined, { carries: () => true })), "unknown");
  t.equal(word(shop, evidence(open, undefined, { carries: () => undefined })), "unknown");
  const both = serviceWith("shop", JWT, KEY);
  t.equal(word(both, evidence(shop, token, { carries: (place) => place === "x-api-key" })), "unknown", "two credentials, perhaps");
  const ambiguous: Proof = { kind: "ambiguous", reason: "" };
  t.equal(word(shop, evidence(both, ambiguous)), "unknown", "which of the two it was");
  t.equal(word(open, evidence(both, ambiguous)), "none");
  t.equal(word(serviceWith("shop", JWT, KEY, BEARER), evidence(both, ambiguous)), "ambiguous");
});
