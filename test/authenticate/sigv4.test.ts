/** Signatures as the prover judges them; the rows of SECURITY.md over sockets are in test/security/sigv4.test.ts. */
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import t from "tap";
import type { AccessKeyRecord, Proof } from "../../src/contract/caller.ts";
import type { SigV4Authenticator } from "../../src/contract/authenticators.ts";
import { createSealing, sealingKey } from "../../src/contract/sealing.ts";
import { type KeyReader, StoreUnavailable } from "../../src/contract/stores.ts";
import { credentialReader } from "../../src/pipeline/authenticate/credentials.ts";
import { createProver } from "../../src/pipeline/authenticate/prove.ts";
import { HeldBodies } from "../../src/pipeline/authenticate/sigv4/held-bodies.ts";
import { canonicalQuery, canonicalUris } from "../../src/pipeline/authenticate/sigv4/canonical.ts";
import { exchangeWith } from "./fixtures/exchange.ts";
import { keyStore } from "./fixtures/key-store.ts";
import { apiKeyAuthenticator, bearerAuthenticator, policyOf, serviceWith } from "./fixtures/policy.ts";
import { presign, sign, type Credentials } from "./fixtures/sigv4-signer.ts";
import { inHeaders, inQuery, VECTOR_KEY, VECTOR_NOW, VECTOR_SCOPE, VECTORS, type SignedMessage } from "./fixtures/sigv4-vectors.ts";

const SIGNER: Credentials = { ...VECTOR_KEY, ...VECTOR_SCOPE };
const HOST = ["Host", "example.amazonaws.com"] as const;
const sealing = createSealing([sealingKey("a sealing secret of the test, long enough")]);

function sigV4Authenticator(change: Partial<SigV4Authenticator> = {}): SigV4Authenticator {
  const grantsNothing = { scopes: new Map(), groups: new Map(), groupPatterns: [], hasGrants: false };
  return { ...grantsNothing, kind: "sigv4", name: "iam", ...VECTOR_SCOPE, windowMs: 900_000, maxHeldBodyBytes: 0, ...change };
}

function accessKey(id: string, service: string): AccessKeyRecord {
  const account = { service, id: "signer", kind: "service", role: "writer", enabled: true } as const;
  return { service, id, account, scopes: [], sealedSecret: sealing.seal(SIGNER.secret, { service, id }, randomBytes), createdAt: 0 };
}

/** A prover of one service that knows the vectors' key; what it asked of the store, and noted there. */
function proverWith(authenticator = sigV4Authenticator(), find?: KeyReader["findAccessKey"]) {
  const asked: string[] = [];
  const known = accessKey(SIGNER.id, "things");
  const keys = {
    ...keyStore(() => undefined),
    findAccessKey: (service: string, id: string) => {
      asked.push(id);
      return find ? find(service, id) : id === known.id ? known : undefined;
    },
  };
  const service = serviceWith([authenticator], "things");
  const policy = policyOf(service);
  const stores = { ...policy.gateway.stores, sealing: [sealingKey("a sealing secret of the test, long enough")] };
  const issuers = { use() {}, holder: () => undefined as never, ready: async () => {}, states: () => [], close() {} };
  const prover = createProver({
    policy: { ...policy, gateway: { ...policy.gateway, stores } },
    issuers,
    keys,
    now: () => VECTOR_NOW,
    monotonicNow: () => 0,
    heldBodies: new HeldBodies(),
    randomBytes,
  });
  const prove = (message: SignedMessage, now = VECTOR_NOW): Proof | Promise<Proof> => prover.prove(service, exchangeOf(message), now);
  return { prove, asked, noted: keys.noted };
}

/** As the parser and the edge stage give it: values trimmed, the path decoded once. */
function exchangeOf({ method, target, headers }: SignedMessage) {
  const [path = "", query = ""] = target.split("?");
  const segments = path.slice(1).split("/").map(decodeURIComponent);
  return exchangeWith({ method, segments, query, rawHeaders: headers.flatMap(([name, value]) => [name, value.trim()]) });
}

const bodyless = VECTORS.filter(({ body }) => body === "");

t.test("AWS's vectors without a body are proved at once, in either form, and the use of the key is noted", async (t) => {
  for (const vector of bodyless) {
    for (const message of [inHeaders(vector), inQuery(vector)]) {
      const { prove, noted } = proverWith();
      t.match(prove(message), { kind: "key", authenticator: "iam", key: { id: "AKIDEXAMPLE" } }, vector.name);
      t.same(noted, [`things/AKIDEXAMPLE at ${VECTOR_NOW}`]);
    }
  }
});

t.test("the test's own signer agrees with AWS's vectors, so that it may judge what they do not cover", async (t) => {
  for (const { name, method, target, headers, header, query } of bodyless) {
    const draft = { method, target, headers: headers.map(([sent, value]) => [sent, value] as const), at: VECTOR_NOW };
    t.match(sign({ ...draft, signed: header.signedHeaders.split(";") }, SIGNER).headers.at(-1)?.[1], header.signature, name);
    t.match(presign({ ...draft, signed: query.signedHeaders.split(";") }, SIGNER, { expires: "3600" }).target, query.signature, name);
  }
});

t.test("an unknown key takes the same steps as a known one with a wrong signature, and gets the same words", async (t) => {
  const draft = { headers: [HOST], at: VECTOR_NOW };
  const wrong = proverWith();
  const unknown = proverWith();
  const proof = wrong.prove(sign(draft, { ...SIGNER, secret: "another" }));
  t.match(proof, { kind: "invalid", code: "SIGNATURE_INVALID" });
  t.same(unknown.prove(sign(draft, { ...SIGNER, id: "AKIDUNKNOWN" })), proof);
  t.same([wrong.asked, unknown.asked], [["AKIDEXAMPLE"], ["AKIDUNKNOWN"]]);
  t.same([wrong.noted, unknown.noted], [[], []]);
});

t.test("what is malformed, out of its time or for another scope asks nothing of the store", async (t) => {
  const { prove, asked } = proverWith();
  const draft = { headers: [HOST], at: VECTOR_NOW };
  await prove(sign({ ...draft, at: VECTOR_NOW - 901_000 }, SIGNER));
  await prove(sign(draft, { ...SIGNER, region: "elsewhere" }));
  await prove(sign({ ...draft, signed: ["host"] }, SIGNER));
  t.same(asked, []);
});

t.test("the policy's own window holds in place of 15 minutes", async (t) => {
  const { prove } = proverWith(sigV4Authenticator({ windowMs: 60_000 }));
  t.match(prove(sign({ headers: [HOST], at: VECTOR_NOW - 60_000 }, SIGNER)), { kind: "key" });
  t.match(prove(sign({ headers: [HOST], at: VECTOR_NOW - 61_000 }, SIGNER)), { kind: "invalid" });
});

t.test("a store that is out of reach is no fault of the client's, now or later", async (t) => {
  const fail = (): never => {
    throw new StoreUnavailable("gone");
  };
  const message = sign({ headers: [HOST], at: VECTOR_NOW }, SIGNER);
  t.match(proverWith(undefined, fail).prove(message), { kind: "unavailable", reason: /gone/ });
  t.match(await proverWith(undefined, async () => fail()).prove(message), { kind: "unavailable", reason: /gone/ });
  t.match(await proverWith(undefined, async (service, id) => accessKey(id, service)).prove(message), { kind: "key" });
});

t.test("a secret that was sealed for another key or service does not open", async (t) => {
  const message = sign({ headers: [HOST], at: VECTOR_NOW }, SIGNER);
  for (const [service, id] of [
    ["other", SIGNER.id],
    ["things", "AKIDOTHER"],
  ] as const) {
    const moved = (): AccessKeyRecord => ({ ...accessKey(id, service), service: "things", id: SIGNER.id });
    const proof = proverWith(undefined, moved).prove(message);
    t.match(proof, { kind: "unavailable", reason: /stores\.sealing/ });
    t.notMatch(JSON.stringify(proof), SIGNER.secret);
  }
});

t.test("S3's own way of encoding a path once holds for the service s3 alone", async (t) => {
  const s3 = { ...SIGNER, service: "s3" };
  const draft = { headers: [HOST], at: VECTOR_NOW, target: "/a%20b" };
  t.match(proverWith(sigV4Authenticator({ service: "s3" })).prove(sign(draft, s3)), { kind: "key" });
  t.same(canonicalUris({ segments: ["a b"], encodedSlash: false }, true), ["/a%20b"]);
  t.same(canonicalUris({ segments: ["a b"], encodedSlash: false }, false), ["/a%2520b"]);
});

t.test("a path has the form of a client that encodes all, and of one that encodes what it must; no two paths share one", async (t) => {
  t.same(canonicalUris({ segments: ["a:b", "c"], encodedSlash: false }, false), ["/a%253Ab/c", "/a%3Ab/c"]);
  const segment = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom("a", ":", "%", "2", "5", "3", "A", "/", " ", "é", "!") });
  const path = fc.array(segment, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(path, path, fc.boolean(), (left, right, once) => {
      if (JSON.stringify(left) === JSON.stringify(right)) return true;
      const forms = new Set(canonicalUris({ segments: left, encodedSlash: false }, once));
      return canonicalUris({ segments: right, encodedSlash: false }, once).every((form) => !forms.has(form));
    }),
    { numRuns: 5000 },
  );
});

t.test("a query is sorted by name and then by value, encoded anew, and a broken escape has no form", async (t) => {
  t.same(canonicalQuery("b=2&a=2&a=1&A=3&a-b=4"), { text: "A=3&a=1&a=2&a-b=4&b=2" });
  t.same(canonicalQuery("x=%7e&y=%2f&z=a+b&w"), { text: "w=&x=~&y=%2F&z=a%20b" });
  t.same(canonicalQuery("%20=%2F%2C%3F%3E%3C%60%22%3B%3A%5C%7C%5D%5B%7B%7D&%40%23%24%25%5E="), {
    text: "%20=%2F%2C%3F%3E%3C%60%22%3B%3A%5C%7C%5D%5B%7B%7D&%40%23%24%25%5E=",
  });
  for (const broken of ["a=%", "a=%zz", "%ff=1", "a=%c3"]) t.match(canonicalQuery(broken), { trouble: /percent-encoding/ }, broken);
});

t.test("signatures, tokens and keys are told apart where a service reads them all", async (t) => {
  const iam = sigV4Authenticator();
  const readAll = credentialReader([iam, bearerAuthenticator({}), apiKeyAuthenticator("sfk")]);
  t.match(readAll(["Authorization", "AWS4-HMAC-SHA256 x"]), { kind: "signature", place: { form: "header", text: "AWS4-HMAC-SHA256 x" } });
  t.match(readAll(["Authorization", "Bearer x"]), { kind: "bearer", token: "x" });
  t.match(readAll(["Authorization", "Basic x"]), { kind: "malformed", code: "TOKEN_INVALID" });
  t.match(readAll([], "a=1&X-Amz-Signature=x"), { kind: "signature", place: { form: "query" } });
  t.match(readAll([], "a=1&x%2Damz-credential"), { kind: "signature", place: { form: "query" } });
  t.match(readAll([], "a=X-Amz-Signature"), { kind: "none" });
  t.match(readAll(["x-api-key", "k"], "X-Amz-Date=1"), { kind: "ambiguous", reason: /x-api-key.*query/ });
});

t.test("a service that reads no signatures takes no notice of a presigned query", async (t) => {
  const readTokens = credentialReader([bearerAuthenticator({})]);
  t.match(readTokens([], "X-Amz-Signature=x"), { kind: "none" });
  t.match(readTokens(["authorization", "Bearer x"], "X-Amz-Signature=x"), { kind: "bearer" });
  t.match(credentialReader([sigV4Authenticator()])(["authorization", "Bearer x"]), { kind: "malformed", code: "SIGNATURE_INVALID" });
});
