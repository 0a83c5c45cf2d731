/** Class 2.5, J1 to J11: form, algorithm, key and JSON of a token. */
import { constants, createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t from "tap";
import { answerJson, issuerServer, keySetOf } from "../authenticate/fixtures/issuer-server.ts";
import { ecKey } from "../authenticate/fixtures/keys.ts";
import { bearer, ISS, refusalOf } from "./gate.ts";
import { encoded, HEADER, hmac, rsa, SERVICE, startTokenGate, tokenOf } from "./token-gate.ts";

const gate = await startTokenGate(t);
const attacker = generateKeyPairSync("rsa", { modulusLength: 2048 });
const { jwk, kid, privateKey } = gate.k1;
const issuerKey = createPublicKey(privateKey);

const named = <Value>(entries: readonly (readonly [name: string, value: Value])[]): Record<string, Value> => Object.fromEntries(entries);

t.test("J1 no `alg` but RS256 counts, `none` in any spelling and any signature least of all", async (t) => {
  const algs: readonly unknown[] = ["none", "None", "nOnE", "NONE", "", null, undefined, [], ["RS256"], {}, { RS256: true }, 0, 256, true];
  const signatures = { empty: () => "", random: () => randomBytes(256), "the issuer's": rsa(privateKey) };
  const tokens: Record<string, string> = {};
  for (const alg of algs) {
    const header = { kid: HEADER.kid, alg };
    for (const [name, signed] of Object.entries(signatures))
      tokens[`${JSON.stringify(alg)}, ${name} signature`] = tokenOf(header, gate.claims(), signed);
    tokens[`${JSON.stringify(alg)}, two segments`] = `${encoded(header)}.${encoded(gate.claims())}`;
  }
  await gate.allInvalid(t, tokens);
});

t.test("J2 the issuer's public key is no shared secret, in whatever form", async (t) => {
  const n = String(jwk["n"]);
  const pem = issuerKey.export({ type: "spki", format: "pem" });
  const secrets: Record<string, string | Uint8Array> = {
    PEM: pem,
    "PEM without its last newline": pem.trimEnd(),
    "PEM with another newline": `${pem}\n`,
    "PEM after a space": ` ${pem}`,
    "PEM after junk": `junk\n${pem}`,
    "PKCS#1 PEM": issuerKey.export({ type: "pkcs1", format: "pem" }),
    DER: issuerKey.export({ type: "spki", format: "der" }),
    JWK: JSON.stringify(jwk),
    JWKS: keySetOf(gate.k1, gate.k2),
    n,
    "n as bytes": Buffer.from(n, "base64url"),
    nothing: "",
    kid,
  };
  const tokens: Record<string, string> = {};
  for (const bits of ["256", "384", "512"]) {
    for (const [name, secret] of Object.entries(secrets)) {
      tokens[`HS${bits} with ${name}`] = tokenOf({ kid, alg: `HS${bits}` }, gate.claims(), hmac(secret, `sha${bits}`));
    }
  }
  await gate.allInvalid(t, tokens);
});

t.test("J3 only the policy's algorithm counts, even by the right key", async (t) => {
  const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const edwards = generateKeyPairSync("ed25519").privateKey;
  const by = (alg: string, signed: (input: Buffer) => Uint8Array): string => tokenOf({ kid, alg }, gate.claims(), signed);
  t.equal((await gate.present(by("RS256", rsa(privateKey)))).status, 200, "the very key with RS256");
  await gate.allInvalid(t, {
    RS384: by("RS384", rsa(privateKey, "sha384")),
    RS512: by("RS512", rsa(privateKey, "sha512")),
    PS256: by("PS256", rsa(privateKey, "sha256", constants.RSA_PKCS1_PSS_PADDING)),
    ES256: by("ES256", (input) => sign("sha256", input, { key: elliptic, dsaEncoding: "ieee-p1363" })),
    EdDSA: by("EdDSA", (input) => sign(null, input, edwards)),
    rs256: by("rs256", rsa(privateKey)),
    "RS256 and a space": by("RS256 ", rsa(privateKey)),
    "RS256 and a NUL": by("RS256\0", rsa(privateKey)),
  });
});

t.test("J4 degenerate ECDSA signatures prove nothing, also where ES256 counts", async (t) => {
  const key = ecKey("e1");
  const server = await issuerServer(t, answerJson(keySetOf(key)));
  const elliptic = await startTokenGate(t, {
    services: { tokens: SERVICE.replaceAll("use:", "algorithms: [ES256], use:") },
    environment: { JWKS: server.jwks },
  });
  const header = { kid: "e1", alg: "ES256" };
  const es256 = (input: Buffer): Uint8Array => sign("sha256", input, { key: key.privateKey, dsaEncoding: "ieee-p1363" });
  const n = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
  const [zero, one, most] = [Buffer.alloc(32), Buffer.from("01".padStart(64, "0"), "hex"), Buffer.alloc(32, 255)];
  const pairs = {
    "r=s=0": [zero, zero],
    "r=0": [zero, one],
    "s=0": [one, zero],
    "r=n": [n, one],
    "r=s=n": [n, n],
    "s=n": [one, n],
    "r=s=1": [one, one],
    most: [most, most],
  };
  const signatures: Record<string, (input: Buffer) => Uint8Array> = {
    ...named(Object.entries(pairs).map(([name, parts]) => [name, () => Buffer.concat(parts)] as const)),
    "zeroes in DER": () => Buffer.from("3006020100020100", "hex"),
    "an empty sequence": () => Buffer.from("3000", "hex"),
    "in DER": (input) => sign("sha256", input, key.privateKey),
    "r and s in other places": (input) => Buffer.concat([es256(input).subarray(32), es256(input).subarray(0, 32)]),
    "a byte more": (input) => Buffer.concat([es256(input), Buffer.alloc(1)]),
  };
  const good = tokenOf(header, elliptic.claims(), es256);
  t.equal((await elliptic.present(good)).status, 200);
  const one401 = refusalOf(await elliptic.present("no-token-at-all"));
  for (const [name, signed] of Object.entries(signatures)) {
    t.same(refusalOf(await elliptic.present(tokenOf(header, elliptic.claims(), signed))), one401, name);
    t.equal((await gate.present(tokenOf(header, gate.claims(), signed))).verdict, "TOKEN_INVALID", `${name}, where RS256 alone counts`);
  }
});

t.test("J5 a kid is looked up, whole, among the issuer's keys and nowhere else", async (t) => {
  const odd: readonly unknown[] = [
    undefined,
    "",
    7,
    null,
    {},
    [kid],
    true,
    "unknown",
    "../../dev/null",
    "' OR 1=1",
    "__proto__",
    "constructor",
    "toString",
    "k".repeat(10_000),
    `${kid}:`,
    `${kid}%3A`,
    `${ISS}:${kid}`,
    kid.toUpperCase(),
    `${kid} `,
  ];
  const tokens = odd.map((id) => [`kid ${JSON.stringify(id)?.slice(0, 40)}`, gate.sign({ kid: id, alg: "RS256" }, gate.claims())] as const);
  await gate.allInvalid(t, {
    ...named(tokens),
    "one key's kid with another's signature": tokenOf({ kid, alg: "RS256" }, gate.claims(), rsa(gate.k2.privateKey)),
    "and the other way round": gate.sign({ kid: "k2", alg: "RS256" }, gate.claims()),
  });
});

t.test("J6 keys come from the policy's address: none in a token is used, no address in it is called", async (t) => {
  let calls = 0;
  const own = { ...attacker.publicKey.export({ format: "jwk" }), kid: "own", alg: "RS256", use: "sig" };
  const server = createServer((_request, response) => {
    calls += 1;
    response.end(JSON.stringify({ keys: [own] }));
  }).listen(0, "127.0.0.1");
  t.teardown(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const carried: Record<string, object> = {
    jku: { jku: url },
    x5u: { x5u: url },
    jwk: { jwk: own },
    x5c: { x5c: ["MIIB"] },
    x5t: { x5t: "AAAA", "x5t#S256": "AAAA" },
    all: { jku: url, x5u: url, jwk: own },
  };
  const tokens: Record<string, string> = {};
  for (const [name, members] of Object.entries(carried)) {
    for (const id of ["own", kid, undefined])
      tokens[`${name}, kid ${id}`] = tokenOf({ alg: "RS256", kid: id, ...members }, gate.claims(), rsa(attacker.privateKey));
  }
  await gate.allInvalid(t, tokens);
  t.equal(calls, 0);
});

t.test("J7 a header with `crit` or `b64` is refused, whatever they hold", async (t) => {
  const members: readonly object[] = [
    { crit: ["exp"] },
    { crit: ["b64"], b64: false },
    { crit: ["x"], x: 1 },
    ...[[], "b64", null, 0, "", false, {}].map((crit) => ({ crit })),
    { b64: false },
    { b64: true },
    { b64: null },
  ];
  await gate.allInvalid(
    t,
    named(members.map((member) => [JSON.stringify(member), gate.sign({ ...HEADER, ...member }, gate.claims())] as const)),
  );
});

t.test("J8 `zip`, `enc` and `cty` are refused, `typ` says nothing", async (t) => {
  const members: readonly object[] = [{ zip: "DEF" }, { zip: null }, { enc: "A256GCM" }, { cty: "JWT" }, { cty: "jwt" }, { cty: "" }];
  await gate.allInvalid(
    t,
    named(members.map((member) => [JSON.stringify(member), gate.sign({ ...HEADER, ...member }, gate.claims())] as const)),
  );
  for (const typ of ["JWT", "at+jwt", "JWE", "weird", 7]) {
    t.equal((await gate.present(gate.sign({ ...HEADER, typ }, gate.claims()))).status, 200, `typ ${typ}: Cognito's own tokens have none`);
  }
});

t.test("J9 nothing but a compact JWS of three parts is a token", async (t) => {
  const good = gate.token();
  const [header, payload, signature] = good.split(".");
  const nested = gate.sign({ ...HEADER, typ: "JWT" }, `"${good}"`);
  await gate.allInvalid(t, {
    "JWE compact": [encoded({ alg: "RSA-OAEP", enc: "A256GCM", kid }), payload, signature, payload, signature].join("."),
    "JWS JSON serialisation": JSON.stringify({ payload, signatures: [{ protected: header, signature }] }),
    "flattened JSON serialisation": JSON.stringify({ payload, protected: header, signature }),
    "detached payload": `${header}..${signature}`,
    "no header": `.${payload}.${signature}`,
    "no signature": `${header}.${payload}.`,
    "four parts": `${good}.${signature}`,
    "trailing dot": `${good}.`,
    "leading dot": `.${good}`,
    "two tokens": `${good}.${good}`,
    "a token in a token": nested,
    dots: ".".repeat(8_000),
  });
  const answer = await gate.ask("GET /me", bearer(".".repeat(16_384)));
  t.same([answer.status, answer.verdict], [431, "HEADERS_TOO_LARGE"], "16 KB of dots are too large a head");
});

t.test(
  "J10 a token has one spelling: the signature's spare bits, padding, `+` and `/` make it another one, which is refused",
  async (t) => {
    const good = gate.token();
    const [header, payload, signature = ""] = good.split(".");
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const last = alphabet.indexOf(signature.at(-1)!);
    const twins = Array.from(alphabet).filter((_character, index) => index !== last && index >> 4 === last >> 4);
    t.equal(twins.length, 15, "sixteen spellings of the same bytes, of which one is canonical");
    t.ok(twins.every((twin) => Buffer.from(signature.slice(0, -1) + twin, "base64url").equals(Buffer.from(signature, "base64url"))));
    const tokens: Record<string, string> = {
      ...named(twins.map((twin) => [`last character ${twin}`, good.slice(0, -1) + twin] as const)),
      padding: `${good}==`,
      "padding inside": `${header}==.${payload}.${signature}`,
      "other alphabet": tokenOf(HEADER, { ...gate.claims(), x: "???>>>" }, rsa(privateKey))
        .replaceAll("-", "+")
        .replaceAll("_", "/"),
      "a space inside": `${header}.${payload}. ${signature}`,
      "a character left out": good.slice(0, -1),
    };
    await gate.allInvalid(t, tokens);
    t.equal((await gate.present(good)).status, 200);
    for (const [name, token] of Object.entries(tokens))
      t.equal((await gate.present(token)).verdict, "TOKEN_INVALID", `${name}: also while the token proper is cached`);
  },
);

t.test("J11 a payload that two readers could read differently is no payload", async (t) => {
  const text = JSON.stringify(gate.claims());
  const within = (more: string): string => `${text.slice(0, -1)},${more}}`;
  const payloads: Record<string, string | Uint8Array> = {
    array: "[]",
    "array with the claims": `[${text}]`,
    null: "null",
    string: '"claims"',
    number: "7",
    nothing: " ",
    "not JSON": "{",
    "invalid UTF-8": Buffer.concat([Buffer.from(text.slice(0, -1)), Buffer.from(',"x":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
    "byte order mark": `\ufeff${text}`,
    "sub twice": within('"sub":"other"'),
    "sub twice, once escaped": within('"\\u0073ub":"other"'),
    "twice further in": within('"x":{"a":1,"a":2}'),
    "too deep": within(`"x":${"[".repeat(5000)}${"]".repeat(5000)}`),
    "two values": `${text}${text}`,
  };
  await gate.allInvalid(
    t,
    named(Object.entries(payloads).map(([name, payload]) => [name, tokenOf(HEADER, payload, rsa(privateKey))] as const)),
  );
  t.equal((await gate.ask("GET /me", bearer(gate.token({ x: "x".repeat(200_000) })))).status, 431, "200 KB do not even arrive");
});

t.test("J11 names of JavaScript's own in a payload pollute nothing and grant nothing", async (t) => {
  const text = JSON.stringify({ ...gate.idClaims(), "cognito:groups": ["__proto__", "constructor", "toString"] });
  const hostile = `${text.slice(0, -1)},"__proto__":{"admin":true,"cognito:groups":["admin"]},"constructor":{"prototype":{"admin":true}}}`;
  t.equal((await gate.present(gate.sign(HEADER, hostile))).status, 200);
  t.equal((await gate.present(gate.sign(HEADER, hostile), "GET /admin")).verdict, "INSUFFICIENT_SCOPE");
  t.equal(({} as Record<string, unknown>)["admin"], undefined);
  const withoutGroups = `${JSON.stringify({ ...gate.idClaims(), "cognito:groups": undefined }).slice(0, -1)},"__proto__":{"cognito:groups":["admin"]}}`;
  t.equal((await gate.present(gate.sign(HEADER, withoutGroups), "GET /admin")).verdict, "INSUFFICIENT_SCOPE", "groups are no inheritance");
  t.equal(
    (await gate.present(gate.sign(HEADER, `{"__proto__":${JSON.stringify(gate.claims())}}`))).verdict,
    "TOKEN_INVALID",
    "nor is any other claim",
  );
});
