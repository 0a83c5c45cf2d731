/** Class 2.5, J20, with F2: what an issuer may answer when it is asked for its keys. */
import { createPublicKey, generateKeyPairSync, hash, randomBytes } from "node:crypto";
import type { RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import t from "tap";
import { answerJson, issuerServer } from "../authenticate/fixtures/issuer-server.ts";
import { rsaKey, type IssuerKey } from "../authenticate/fixtures/keys.ts";
import { bearer, CLIENT, startGate, type Gate } from "./gate.ts";
import { rsa, tokenOf } from "./token-gate.ts";

const good = rsaKey("good");
const other = rsaKey("other");
const jwk = good.jwk;
const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...publicOnly } = good.privateKey.export({ format: "jwk" });
const set = (...keys: readonly unknown[]): RequestListener => answerJson(JSON.stringify({ keys }));
const shared = randomBytes(32);
const small = generateKeyPairSync("rsa", { modulusLength: 1024 });
const tiny = generateKeyPairSync("rsa", { modulusLength: 512 });
const jwkOf = (key: typeof small.publicKey): object => ({ ...key.export({ format: "jwk" }), kid: "good", alg: "RS256", use: "sig" });

/** What each issuer answers: under none of them may a token of the key `good` pass. */
const SKIPPED: Readonly<Record<string, RequestListener>> = {
  "the kid twice": set(jwk, { ...jwk }),
  "the kid twice, another key": set(jwk, { ...other.jwk, kid: "good" }),
  "no kid": set({ ...jwk, kid: undefined }),
  "use enc": set({ ...jwk, use: "enc" }),
  "key_ops without verify": set({ ...jwk, key_ops: ["encrypt"] }),
  "key_ops no list": set({ ...jwk, key_ops: "verify" }),
  "a symmetric key": set({ kty: "oct", k: shared.toString("base64url"), kid: "good", alg: "HS256" }),
  "a symmetric key that says RS256": set({ kty: "oct", k: shared.toString("base64url"), kid: "good", alg: "RS256" }),
  "RSA of 1024 bits": set(jwkOf(small.publicKey)),
  "RSA of 512 bits": set(jwkOf(tiny.publicKey)),
  "an exponent of 1": set({ ...jwk, e: "AQ" }),
  "private parameters": set({ ...good.privateKey.export({ format: "jwk" }), kid: "good", alg: "RS256" }),
  "another alg": set({ ...jwk, alg: "RS512" }),
  "another type": set({ ...jwk, kty: "EC" }),
  "no keys at all": set(),
  "keys that are no objects": set("good", 7, null, [jwk]),
};

const UNUSABLE: Readonly<Record<string, RequestListener>> = {
  "ten thousand keys": set(jwk, ...Array.from({ length: 10_000 }, (_, index) => ({ kid: `k${index}` }))),
  "no JSON": answerJson("keys: good"),
  "a list": answerJson(JSON.stringify([jwk])),
  "keys no list": answerJson(JSON.stringify({ keys: { good: jwk } })),
  "keys twice": answerJson(`{"keys":[],"keys":[${JSON.stringify(jwk)}]}`),
  HTML: (_request, response) => response.setHeader("content-type", "text/html").end("<html><body>Sign in</body></html>"),
  "status 204": (_request, response) => response.writeHead(204).end(),
  "status 500 with keys": (_request, response) => response.writeHead(500).end(JSON.stringify({ keys: [jwk] })),
  "a large body": (_request, response) => response.end(`{"x":"${"x".repeat(300_000)}","keys":[${JSON.stringify(jwk)}]}`),
  "a body without end": (_request, response) => {
    const more = setInterval(() => response.write(Buffer.alloc(64 * 1024, 0x20)), 1);
    response.once("close", () => clearInterval(more));
  },
  "a gzip bomb": (_request, response) => response.setHeader("content-encoding", "gzip").end(gzipSync(Buffer.alloc(50 * 1024 * 1024, 0x20))),
  "gzip of the keys": (_request, response) => response.setHeader("content-encoding", "gzip").end(gzipSync(JSON.stringify({ keys: [jwk] }))),
  "half a body": (_request, response) => {
    response.writeHead(200, { "content-length": 10_000 }).write(JSON.stringify({ keys: [jwk] }));
    setTimeout(() => response.destroy(), 10);
  },
  "a drip": (_request, response) => {
    const drop = setInterval(() => response.write(" "), 100);
    response.once("close", () => clearInterval(drop));
  },
};

let redirected = 0;
const elsewhere = await issuerServer(t, (request, response) => {
  redirected += 1;
  set(jwk)(request, response);
});
const REDIRECTS: Readonly<Record<string, RequestListener>> = Object.fromEntries(
  [301, 302, 303, 307, 308].flatMap((status) =>
    [elsewhere.jwks, "http://169.254.169.254/latest/meta-data", "//127.0.0.1/jwks.json", "file:///etc/passwd"].map((location) => [
      `${status} to ${location.slice(0, 16)}`,
      ((_request, response) => response.writeHead(status, { location }).end()) satisfies RequestListener,
    ]),
  ),
);

/** Issuers by number, so that their names stand in no path. */
const ANSWERS: readonly (readonly [name: string, answer: RequestListener])[] = [
  ["fine", set(jwk)],
  [
    "fine, with a wrong content type",
    (_request, response) => response.setHeader("content-type", "image/png").end(JSON.stringify({ keys: [jwk] })),
  ],
  ["fine, without use and alg", set({ ...publicOnly, kid: "good" })],
  ...Object.entries(SKIPPED),
  ...Object.entries(UNUSABLE),
  ...Object.entries(REDIRECTS),
];

const server = await issuerServer(t, (request, response) => ANSWERS[Number(request.url?.slice(1))]?.[1](request, response));
const origin = new URL(server.jwks).origin;
const issOf = (index: number): string => `https://issuer.example/${index}`;
const gate: Gate = await startGate(t, {
  services: Object.fromEntries(
    ANSWERS.map((_answer, index) => [
      `s${index}`,
      `prefix: /s${index}
authenticators:
  machines: { jwt: { issuer: "${issOf(index)}", jwks: "${origin}/${index}", clients: any } }
routes: { GET /me: authenticated }
`,
    ]),
  ),
});

function tokenFor(index: number, key: IssuerKey = good): string {
  const iat = Math.floor(gate.clocks.epochMs / 1000);
  return tokenOf(
    { kid: "good", alg: "RS256" },
    { iss: issOf(index), iat, exp: iat + 600, sub: CLIENT, client_id: CLIENT },
    rsa(key.privateKey),
  );
}

async function verdict(name: string, token = (index: number) => tokenFor(index)): Promise<string> {
  const index = ANSWERS.findIndex(([one]) => one === name);
  return (await gate.ask(`GET /s${index}/me`, bearer(token(index)))).verdict;
}

t.test("J20 a sound key set serves, whatever its media type", async (t) => {
  for (const [name] of ANSWERS.slice(0, 3)) t.equal(await verdict(name), "allow", name);
  t.equal(await verdict("fine", (index) => tokenFor(index, other)), "TOKEN_INVALID", "another key under that kid");
});

t.test("J20 a key that is doubtful, weak or for something else verifies nothing", async (t) => {
  for (const name of Object.keys(SKIPPED)) t.equal(await verdict(name), "TOKEN_INVALID", name);
});

t.test("J20 forgeries that weak keys would let through do not pass", async (t) => {
  const by = (key: typeof small.privateKey) => (index: number) => tokenFor(index, { kid: "good", privateKey: key, jwk: {} });
  t.equal(await verdict("RSA of 1024 bits", by(small.privateKey)), "TOKEN_INVALID");
  t.equal(await verdict("RSA of 512 bits", by(tiny.privateKey)), "TOKEN_INVALID");
  t.equal(await verdict("an exponent of 1", unsigned), "TOKEN_INVALID", "with an exponent of 1 the padded digest is its own signature");
});

t.test("J20 an answer that is no key set gives no keys: 503, never a guess", async (t) => {
  for (const name of Object.keys(UNUSABLE)) t.equal(await verdict(name), "AUTH_UNAVAILABLE", name);
  await server.idle();
  t.pass("and none of the connections is left open");
});

t.test("F2 J20 a redirect is not followed, wherever it leads", async (t) => {
  for (const name of Object.keys(REDIRECTS)) t.equal(await verdict(name), "AUTH_UNAVAILABLE", name);
  t.equal(redirected, 0);
});

/** EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) of the digest, as long as the modulus. */
function unsigned(index: number): string {
  const iat = Math.floor(gate.clocks.epochMs / 1000);
  const claims = { iss: issOf(index), iat, exp: iat + 600, sub: CLIENT, client_id: CLIENT };
  const length = (createPublicKey(good.privateKey).asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  return tokenOf({ kid: "good", alg: "RS256" }, claims, (input) => {
    const info = Buffer.concat([Buffer.from("3031300d060960864801650304020105000420", "hex"), hash("sha256", input, "buffer")]);
    return Buffer.concat([Buffer.from([0, 1]), Buffer.alloc(length - info.length - 3, 255), Buffer.from([0]), info]);
  });
}
