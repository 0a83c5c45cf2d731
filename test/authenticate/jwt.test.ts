import { createHmac, sign } from "node:crypto";
import { isPromise } from "node:util/types";
import t, { type Test } from "tap";
import type { Issuer } from "../../src/contract/authenticators.ts";
import { readJwks } from "../../src/pipeline/authenticate/jwks-document.ts";
import { isJwtShaped, proveJwt, type ProvedToken, type UnprovedToken } from "../../src/pipeline/authenticate/jwt.ts";
import type { KeySet } from "../../src/pipeline/authenticate/key-set.ts";
import { keySetOf } from "./fixtures/issuer-server.ts";
import { base64url, ecKey, ed25519Key, type IssuerKey, rsaKey, signParts, signToken } from "./fixtures/keys.ts";

const k1 = rsaKey("k1");
const k2 = rsaKey("k2");
const e1 = ecKey("e1");
const iss = "https://cognito-idp.r.amazonaws.com/pool";
const claims = { iss, sub: "u1", exp: 4_000_000_000 };
const keySets = new Map([[iss, fixedKeySet(["RS256"], k1, k2, e1)]]);

/** A key set that never changes and notes which kids it is asked for. */
function fixedKeySet(algorithms: readonly string[], ...keys: readonly IssuerKey[]): KeySet & { readonly asked: string[] } {
  const issuer: Issuer = { iss, jwks: `${iss}/jwks.json`, algorithms };
  const document = readJwks(Buffer.from(keySetOf(...keys)), algorithms, undefined);
  if (document.kind === "unusable") throw new Error(document.reason);
  const asked: string[] = [];
  return {
    issuer,
    asked,
    find(kid) {
      asked.push(kid);
      const key = document.keys.get(kid);
      return key === undefined ? { kind: "unknown", reason: "kid unknown to the issuer" } : { kind: "key", key };
    },
    holds: (key) => document.keys.get(key.kid) === key,
  };
}

function prove(token: string, sets: ReadonlyMap<unknown, KeySet> = keySets): ProvedToken | UnprovedToken {
  const outcome = proveJwt(token, sets);
  if (isPromise(outcome)) throw new Error("not expected to wait");
  return outcome ?? { kind: "invalid", reason: "not shaped as a JWT" };
}

/** Signed by k1, whatever stands in it. */
function signed(header: string | object, payload: string | object | Uint8Array = claims): string {
  const write = (part: string | object | Uint8Array) =>
    typeof part === "string" || part instanceof Uint8Array ? part : JSON.stringify(part);
  return signParts(write(header), write(payload), k1.privateKey);
}

function refuses(t: Test, token: string, reason: RegExp, name: string) {
  t.match(prove(token), { kind: "invalid", reason }, name);
}

const head = { alg: "RS256", kid: "k1" };

t.test("a token signed with a key of its issuer is proved, with its claims as they stand", async (t) => {
  const odd = { ...claims, exp: "never", nbf: 5e9, aud: ["a"], "cognito:groups": ["x"], nested: { deep: [1] } };
  const outcome = prove(signToken(k1, odd));
  t.match(outcome, { kind: "proved", keySet: keySets.get(iss), key: { kid: "k1" } });
  if (outcome.kind === "proved") t.same({ ...outcome.proof.claims }, odd);
});

t.test("`typ`, and addresses of keys in the header, make no difference", async (t) => {
  const extras = { typ: "at+jwt", jku: "http://127.0.0.1:1/", x5u: "http://127.0.0.1:1/", jwk: k2.jwk, x5c: ["x"], x5t: "x" };
  t.equal(prove(signToken(k1, claims, extras)).kind, "proved");
  refuses(t, signToken({ ...k2, kid: "k1" }, claims, extras), /does not verify/, "a key in the header is never the one to verify with");
});

t.test("each algorithm that the policy allows verifies", async (t) => {
  const ed1 = ed25519Key("ed1");
  const sets = new Map([[iss, fixedKeySet(["RS256", "ES256", "EdDSA"], k1, e1, ed1)]]);
  for (const key of [k1, e1, ed1]) t.equal(prove(signToken(key, claims), sets).kind, "proved", String(key.jwk["alg"]));
});

t.test("J1: no `alg` but the policy's, with any signature or none", async (t) => {
  for (const alg of ["none", "None", "nOnE", "NONE", "", "rs256", "RS256 ", "constructor", null, ["RS256"], {}, 1, undefined]) {
    const header = { kid: "k1", ...(alg !== undefined && { alg }) };
    const token = signed(header);
    refuses(t, token, /alg/, `${JSON.stringify(alg)}, signed`);
    const unsigned = token.slice(0, token.lastIndexOf("."));
    refuses(t, `${unsigned}.`, /base64url/, "empty signature");
    refuses(t, `${unsigned}.AAAA`, /alg/, "any signature");
    refuses(t, unsigned, /not shaped/, "two parts");
  }
});

t.test("J2: what is public of a key is never a shared secret", async (t) => {
  const publicKey = k1.jwk;
  const secrets = [JSON.stringify(publicKey), keySetOf(k1), String(publicKey["n"]), "", "k1"];
  for (const hash of ["sha256", "sha384", "sha512"]) {
    const input = `${base64url(JSON.stringify({ alg: `HS${hash.slice(3)}`, kid: "k1" }))}.${base64url(JSON.stringify(claims))}`;
    for (const secret of secrets) {
      refuses(t, `${input}.${createHmac(hash, secret).update(input).digest("base64url")}`, /alg HS\d+ is not allowed/, hash);
    }
  }
});

t.test("J3: a good signature of an algorithm that is not allowed is refused", async (t) => {
  for (const alg of ["RS384", "RS512", "PS256", "ES256", "EdDSA"]) {
    const hash = alg.endsWith("384") ? "sha384" : alg.endsWith("512") ? "sha512" : "sha256";
    const token = signParts(JSON.stringify({ alg, kid: "k1" }), JSON.stringify(claims), k1.privateKey, hash);
    refuses(t, token, new RegExp(`alg ${alg} is not allowed`), alg);
  }
});

t.test("J3: a key is used for its own algorithm alone, even where the policy allows more", async (t) => {
  const sets = new Map([[iss, fixedKeySet(["RS256", "PS256", "ES256"], k1, e1)]]);
  t.match(prove(signed({ alg: "PS256", kid: "k1" }), sets), { kind: "invalid", reason: /is not for alg PS256/ });
  t.match(prove(signToken(e1, claims, { kid: "k1" }), sets), { kind: "invalid", reason: /is not for alg ES256/ });
});

t.test("J4: degenerate ECDSA signatures do not verify", async (t) => {
  const sets = new Map([[iss, fixedKeySet(["ES256"], e1)]]);
  const order = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
  const zero = Buffer.alloc(32);
  const one = Buffer.concat([Buffer.alloc(31), Buffer.from([1])]);
  const input = `${base64url(JSON.stringify({ alg: "ES256", kid: "e1" }))}.${base64url(JSON.stringify(claims))}`;
  for (const pair of [
    [zero, zero],
    [order, order],
    [zero, one],
    [one, zero],
    [order, one],
    [one, order],
  ] as const) {
    t.match(prove(`${input}.${base64url(Buffer.concat(pair))}`, sets), { kind: "invalid", reason: /does not verify/ });
  }
  const der = sign("sha256", Buffer.from(input), e1.privateKey);
  t.match(prove(`${input}.${base64url(der)}`, sets), { kind: "invalid" }, "DER in place of r and s");
});

t.test("J5: the kid must be a short, non-empty string, and name the key that signed", async (t) => {
  for (const kid of [undefined, null, "", 1, {}, ["k1"], "k".repeat(257)]) {
    refuses(t, signed({ alg: "RS256", ...(kid !== undefined && { kid }) }), /kid/, JSON.stringify(kid ?? null).slice(0, 20));
  }
  refuses(t, signed({ ...head, kid: "k2" }), /does not verify with key `k2`/, "another key's kid");
  for (const kid of ["unknown", "../../dev/null", "' OR 1=1", "__proto__", "constructor", "a:b", "a%3Ab", " k1", "K1", "k".repeat(256)]) {
    refuses(t, signed({ ...head, kid }), /kid unknown to the issuer/, kid.slice(0, 20));
  }
});

t.test("J7, J8: header members that change the meaning of the rest are refused by their mere presence", async (t) => {
  const values: readonly unknown[] = [["exp"], ["b64"], [], "b64", null, 0, "", false, true];
  for (const member of ["crit", "b64", "zip", "enc", "cty"]) {
    for (const value of values) refuses(t, signed({ ...head, [member]: value }), new RegExp(member), `${member}: ${JSON.stringify(value)}`);
  }
});

t.test("J9: only the compact form of three parts", async (t) => {
  const [h, p, s] = signToken(k1, claims).split(".");
  const json = JSON.stringify({ payload: p, protected: h, signature: s });
  const tokens = [
    "",
    ".",
    "..",
    `${h}..${s}`,
    `.${p}.${s}`,
    `${h}.${p}`,
    `${h}.${p}.${s}.`,
    `${h}.${p}.${s}.x.y`,
    json,
    ".".repeat(16_000),
  ];
  for (const token of tokens) refuses(t, token, /not shaped|base64url/, token.slice(0, 20));
});

t.test("J10: every part has one spelling", async (t) => {
  const token = signToken(k1, { ...claims, pad: "" });
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // 256 bytes of signature end in a character of which two bits count: 15 other spellings of it mean the same bytes.
  const verifying = alphabet.split("").filter((last) => prove(token.slice(0, -1) + last).kind === "proved");
  t.same(verifying, [token.at(-1)]);
  const [h, p, s] = token.split(".");
  for (const spoilt of [`${h}=.${p}.${s}`, `${h}.${p}=.${s}`, `${h}.${p}.${s}=`, `${h}.${p}.${s}==`, `${h}.${p}.${s}\n`, ` ${token}`]) {
    refuses(t, spoilt, /base64url/, JSON.stringify(spoilt.slice(-8)));
  }
  for (const character of ["+", "/", "\0", " "]) refuses(t, `${h}.${p}.${s!.slice(0, -2)}${character}A`, /base64url/, character);
});

t.test("J11: a payload that is no JSON object, or that two readers could read differently, is refused", async (t) => {
  const deep = (depth: number) => `{"iss":"${iss}","a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  const noObjects = ["[]", "null", '"x"', "1", "{", `\ufeff${JSON.stringify(claims)}`, deep(10_000), deep(40)];
  const repeating = [`{"iss":"${iss}","sub":"a","sub":"b"}`, `{"iss":"evil","iss":"${iss}"}`, `{"iss":"${iss}","a":{"b":1,"b":2}}`];
  const notUtf8 = Buffer.concat([Buffer.from(`{"iss":"${iss}","sub":"`), Buffer.from([0xff]), Buffer.from('"}')]);
  for (const payload of [...noObjects, ...repeating, notUtf8]) refuses(t, signed(head, payload), /payload/, String(payload).slice(0, 60));
  for (const header of ["[]", "null", `{"alg":"none","alg":"RS256","kid":"k1"}`]) refuses(t, signed(header), /header|not shaped/, header);
});

t.test("J11: `jti` and `aud` of another type than RFC 7519 gives spoil a token, whether or not any rule names them", async (t) => {
  for (const jti of [null, 7, ["x"], {}, true])
    refuses(t, signToken(k1, { ...claims, jti }), /`jti` is no string/, `jti ${JSON.stringify(jti)}`);
  for (const aud of [null, 7, {}, true, ["a", 7], [["a"]]])
    refuses(t, signToken(k1, { ...claims, aud }), /`aud` is neither/, `aud ${JSON.stringify(aud)}`);
  for (const good of [{ jti: "x" }, { jti: "" }, { aud: "a" }, { aud: ["a", "b"] }, { aud: [] }])
    t.equal(prove(signToken(k1, { ...claims, ...good })).kind, "proved");
});

t.test("J11: claims inherit nothing, pollute nothing, and cannot be changed", async (t) => {
  const outcome = prove(signed(head, `{"iss":"${iss}","__proto__":{"admin":true},"constructor":"c","groups":["a"],"o":{"p":{}}}`));
  if (outcome.kind !== "proved") return t.fail(outcome.reason);
  const { claims: read } = outcome.proof;
  t.equal(Object.getPrototypeOf(read), null);
  t.equal(read["admin"], undefined);
  t.equal(read["toString"], undefined);
  t.equal(({} as { admin?: unknown }).admin, undefined);
  t.throws(() => (read["groups"] as string[]).push("admin"), TypeError);
  t.throws(() => Object.assign(read, { groups: ["admin"] }), TypeError);
  t.throws(() => Object.assign((read["o"] as { p: object }).p, { q: 1 }), TypeError);
  t.ok(Object.isFrozen(outcome.proof));
});

t.test("J14: `iss` must be the issuer's exact string, and is never asked for keys otherwise", async (t) => {
  const set = fixedKeySet(["RS256"], k1);
  const noStrings = [undefined, null, "", 1, {}, [iss]];
  const respelt = [`${iss}/`, ` ${iss}`, iss.toUpperCase(), iss.replace("https", "HTTPS"), iss.replace("pool", "%70ool")];
  const foreign = [
    `${iss}2`,
    `${iss}/../pool2`,
    `${iss}.evil.com`,
    `https://evil/?${iss}`,
    iss.replace("https", "http"),
    iss.replace(".r.", ".q."),
  ];
  const builtIn = ["__proto__", "constructor", "toString"];
  for (const other of [...noStrings, ...respelt, ...foreign, ...builtIn]) {
    t.match(
      prove(signToken(k1, { ...claims, iss: other }), new Map([[iss, set]])),
      { kind: "invalid", reason: /iss/ },
      JSON.stringify(other ?? null),
    );
  }
  t.same(set.asked, []);
});

t.test("a change of any part spoils the signature", async (t) => {
  const [h, p, s] = signToken(k1, claims).split(".");
  refuses(t, `${h}.${base64url(JSON.stringify({ ...claims, sub: "u2" }))}.${s}`, /does not verify/, "payload");
  refuses(t, `${base64url(JSON.stringify({ ...head, x: 1 }))}.${p}.${s}`, /does not verify/, "header");
  refuses(t, `${h}.${p}.${base64url("x".repeat(256))}`, /does not verify/, "signature");
  refuses(t, `${h}.${p}.AAAA`, /does not verify/, "short signature");
});

t.test("reasons hold nothing of the token but kid and alg, cut to 40 printable characters", async (t) => {
  const kid = `\u001b[2J${"k".repeat(200)}\r\n`;
  const outcome = prove(signed({ ...head, kid }, { ...claims, sub: "somebody" }));
  t.match(outcome, { reason: /: `\?\[2Jk{36}`$/ });
  t.match(prove(signed({ ...head, alg: "A".repeat(100) })), { reason: /^token: alg A{40} is not allowed$/ });
});

t.test("keys that have to be fetched make it wait", async (t) => {
  const set = fixedKeySet(["RS256"], k1);
  const late: KeySet = { ...set, find: async (kid) => set.find(kid) };
  t.match(await proveJwt(signToken(k1, claims), new Map([[iss, late]])), { kind: "proved" });
  const gone: KeySet = { ...set, find: () => ({ kind: "unavailable", reason: "no keys" }) };
  t.match(await proveJwt(signToken(k1, claims), new Map([[iss, gone]])), { kind: "unavailable" });
});

t.test("a token is shaped as a JWT when it has three parts, the first a JSON object", async (t) => {
  const object = base64url('{"alg":1}');
  for (const token of [`${object}.x.y`, `${object}..`, `${base64url("{}")}.a.b`, `${base64url('{"a":1,"a":2}')}.x.y`])
    t.ok(isJwtShaped(token));
  const others = [
    "",
    "a",
    "a.b",
    "a.b.c",
    `${object}.x`,
    `${object}.x.y.z`,
    `${object}.a.b.c.d`,
    `${base64url("[]")}.x.y`,
    `${base64url("null")}.x.y`,
  ];
  for (const token of others) {
    t.notOk(isJwtShaped(token), token);
    t.equal(proveJwt(token, keySets), undefined, token);
  }
});
