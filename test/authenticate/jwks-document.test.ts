import { createHash, generateKeyPairSync } from "node:crypto";
import t from "tap";
import { readJwks } from "../../src/pipeline/authenticate/jwks-document.ts";
import { ecKey, ed25519Key, type IssuerKey, rsaKey, signToken } from "./fixtures/keys.ts";

const rsa = rsaKey("k1");
const ec = ecKey("k2");

function read(keys: readonly unknown[], algorithms = ["RS256"]) {
  const document = readJwks(Buffer.from(JSON.stringify({ keys })), algorithms, undefined);
  if (document.kind === "unusable") throw new Error(document.reason);
  return document;
}

function without(key: IssuerKey, ...members: string[]) {
  return Object.fromEntries(Object.entries(key.jwk).filter(([name]) => !members.includes(name)));
}

t.test("a usable key verifies what its private key signed, and nothing else", async (t) => {
  for (const key of [rsa, ec, ed25519Key("k3")]) {
    const alg = String(key.jwk["alg"]);
    const verify = read([key.jwk], ["RS256", "ES256", "EdDSA"]).keys.get(key.kid)!.verifiers.get(alg)!;
    const token = signToken(key, { sub: "a" });
    t.ok(verify(token), alg);
    t.notOk(verify(signToken({ ...key, privateKey: rsaKey("x").privateKey }, { sub: "a" })), `${alg}, another key`);
    t.notOk(verify(token.slice(0, token.lastIndexOf(".") + 1)), `${alg}, no signature`);
  }
});

t.test("a key counts for one algorithm where it says so, and otherwise for all allowed ones that it fits", async (t) => {
  const allowed = ["RS256", "RS512", "PS256", "ES256"];
  t.same([...read([rsa.jwk], allowed).keys.get("k1")!.verifiers.keys()], ["RS256"]);
  t.same(
    [
      ...read([without(rsa, "alg")], allowed)
        .keys.get("k1")!
        .verifiers.keys(),
    ],
    ["RS256", "RS512", "PS256"],
  );
  t.same(
    [
      ...read([without(ec, "alg")], allowed)
        .keys.get("k2")!
        .verifiers.keys(),
    ],
    ["ES256"],
  );
});

t.test("`use` and `key_ops` may be absent", async (t) => {
  t.equal(read([without(rsa, "use")]).keys.size, 1);
  t.equal(read([{ ...rsa.jwk, key_ops: ["verify"] }]).keys.size, 1);
});

t.test("a key that must not verify is skipped, with the reason, and the others count", async (t) => {
  const { n } = rsa.jwk;
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
  const small = generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 }).publicKey.export({ format: "jwk" });
  const rejected: readonly [string, unknown, RegExp][] = [
    ["encryption", { ...rsa.jwk, use: "enc" }, /`use`/],
    ["use of another type", { ...rsa.jwk, use: ["sig"] }, /`use`/],
    ["key_ops without verify", { ...rsa.jwk, key_ops: ["sign"] }, /key_ops/],
    ["key_ops no list", { ...rsa.jwk, key_ops: "verify" }, /key_ops/],
    ["symmetric", { kty: "oct", kid: "x", k: "c2VjcmV0" }, /symmetric/],
    ["private", { ...rsa.privateKey.export({ format: "jwk" }), kid: "x" }, /private/],
    ["one private member", { ...rsa.jwk, d: "" }, /private/],
    ["1024 bits", { ...weak, kid: "x" }, /2048/],
    ["e = 3", { ...small, kid: "x" }, /65537/],
    ["e = 1", { kty: "RSA", n, e: "AQ", kid: "x" }, /65537|public key/],
    ["e even", { kty: "RSA", n, e: Buffer.from([1, 0, 2]).toString("base64url"), kid: "x" }, /65537|public key/],
    ["another alg", { ...rsa.jwk, alg: "RS512" }, /alg/],
    ["alg of another type", { ...rsa.jwk, alg: ["RS256"] }, /alg/],
    ["alg HS256", { ...rsa.jwk, alg: "HS256" }, /alg/],
    ["another key type", ec.jwk, /type/],
    ["no kty", without(rsa, "kty"), /type/],
    ["no kid", without(rsa, "kid"), /kid/],
    ["empty kid", { ...rsa.jwk, kid: "" }, /kid/],
    ["kid a number", { ...rsa.jwk, kid: 1 }, /kid/],
    ["kid too long", { ...rsa.jwk, kid: "k".repeat(257) }, /kid/],
    ["n missing", without(rsa, "n"), /public key/],
    ["no object", "k1", /object/],
    ["null", null, /object/],
    ["a list", [rsa.jwk], /object/],
  ];
  const good = rsaKey("good");
  for (const [name, jwk, reason] of rejected) {
    const { keys, skipped } = read([jwk, good.jwk]);
    t.same([...keys.keys()], ["good"], name);
    t.match(skipped, [{ reason }], name);
  }
});

t.test("a curve must be the algorithm's own", async (t) => {
  t.equal(read([without(ecKey("k", "P-384"), "alg")], ["ES256"]).keys.size, 0);
  t.equal(read([without(ecKey("k", "secp256k1"), "alg")], ["ES256"]).keys.size, 0);
  t.equal(read([{ ...without(ecKey("k", "P-384"), "alg"), crv: "P-256" }], ["ES256"]).keys.size, 0);
});

t.test("of a kid given twice neither counts, whatever the second key is for", async (t) => {
  const { keys, skipped } = read([rsa.jwk, { ...rsaKey("k1").jwk, use: "enc" }, rsaKey("k9").jwk]);
  t.same([...keys.keys()], ["k9"]);
  t.match(skipped, [
    { kid: "k1", reason: /more than once/ },
    { kid: "k1", reason: /more than once/ },
  ]);
});

t.test("a symmetric algorithm of the policy's fits no key", async (t) => {
  t.equal(read([without(rsa, "alg"), { kty: "oct", kid: "x", k: "c2VjcmV0" }], ["HS256"]).keys.size, 0);
});

t.test("the kid of a skipped key is reported cut short and without control characters", async (t) => {
  const kid = `\u001b[31m${createHash("sha512").digest("hex")}`;
  t.match(read([{ ...ec.jwk, kid }]).skipped, [{ kid: /^\?\[31m[0-9a-f]{35}$/ }]);
});

t.test("an empty set and one without usable keys are sets; garbage and floods are none", async (t) => {
  const kinds = (text: string) => readJwks(Buffer.from(text), ["RS256"], undefined).kind;
  t.equal(kinds('{"keys":[]}'), "keys");
  t.equal(kinds('{"keys":[null]}'), "keys");
  t.equal(kinds(JSON.stringify({ keys: Array.from({ length: 100 }) })), "keys");
  const garbage = ["", "<html></html>", "null", "[]", "{}", '{"keys":{}}', '{"keys":"k1"}', '{"keys":[]', '{"keys":[],"keys":[]}'];
  for (const text of [...garbage, JSON.stringify({ keys: Array.from({ length: 101 }) })])
    t.equal(kinds(text), "unusable", text.slice(0, 40));
});

t.test("a key that is still the same stays the same object; one that changed under its kid does not", async (t) => {
  const first = read([rsa.jwk, ec.jwk], ["RS256", "ES256"]).keys;
  const again = (keys: readonly unknown[]) => {
    const document = readJwks(Buffer.from(JSON.stringify({ keys })), ["RS256", "ES256"], first);
    return document.kind === "keys" ? document.keys : new Map();
  };
  t.equal(again([ec.jwk, rsa.jwk]).get("k1"), first.get("k1"));
  t.not(again([rsaKey("k1").jwk]).get("k1"), first.get("k1"));
});
