import t from "tap";
import { credentialReader, isToken68 } from "../../src/pipeline/authenticate/credentials.ts";
import { apiKeyAuthenticator, bearerAuthenticator } from "./fixtures/policy.ts";

const key = apiKeyAuthenticator("sfk");
const readBoth = credentialReader([bearerAuthenticator({}), key]);

t.test("a bearer token is read whatever the case of header and scheme", async (t) => {
  for (const scheme of ["Bearer", "bearer", "BEARER", "bEaReR"]) {
    t.same(readBoth(["AuthoriZation", `${scheme} a.b-c_d~e+f/g==`]), { kind: "bearer", token: "a.b-c_d~e+f/g==" });
  }
});

t.test("what is no bearer token is malformed, and not absent", async (t) => {
  const sigv4 = "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c";
  for (const value of ["", "Bearer", "Bearer\tx", " Bearer x", "Basic dTpw", "Token x", "Bearerx", "x", "Bearer%20x", sigv4]) {
    t.equal(readBoth(["authorization", value]).kind, "malformed", JSON.stringify(value));
  }
});

t.test("the form of a token is token68: no spaces, quotes, commas or characters beyond ASCII, padding only at the end", async (t) => {
  for (const token of ["x", "a.b-c_d~e+f/g==", "A".repeat(16_000)]) t.ok(isToken68(token), token.slice(0, 20));
  const others = ["", " x", "x ", "x y", '"x"', "x,", "a, Bearer b", "=", "a=b", "\u00e9", "x\n", "<x>", "x;y", "a%20b", "x\0"];
  for (const token of others) t.notOk(isToken68(token), JSON.stringify(token));
});

t.test("a malformed value is not repeated to the operator", async (t) => {
  const presented = readBoth(["authorization", "Basic c2VjcmV0"]);
  t.notMatch(JSON.stringify(presented), "c2VjcmV0");
});

t.test("two credentials are ambiguous, in either order, the good and the bad alike", async (t) => {
  t.match(readBoth(["X-Api-Key", "k", "authorization", "Bearer x"]), { kind: "ambiguous", reason: /x-api-key.*authorization/ });
  t.match(readBoth(["authorization", "Bearer x", "x-api-key", "k"]), { kind: "ambiguous", reason: /authorization.*x-api-key/ });
  t.match(readBoth(["authorization", "Basic x", "x-api-key", ""]), { kind: "ambiguous" });
});

t.test("one credential header repeated is ambiguous, even with equal values", async (t) => {
  t.match(readBoth(["authorization", "Bearer x", "Authorization", "Bearer x"]), { kind: "ambiguous", reason: /repeated/ });
  t.match(readBoth(["x-api-key", "k", "a", "b", "X-API-KEY", "k"]), { kind: "ambiguous", reason: /repeated/ });
});

t.test("headers that no authenticator of the service reads do not count", async (t) => {
  const readTokens = credentialReader([bearerAuthenticator({})]);
  const readKeys = credentialReader([key]);
  t.same(readTokens(["x-api-key", "k", "authorization", "Bearer x"]), { kind: "bearer", token: "x" });
  t.match(readKeys(["x-api-key", "k", "authorization", "Bearer x"]), { kind: "apiKey", text: "k" });
  t.same(readKeys(["authorization", "Bearer x"]), { kind: "none" });
  t.same(credentialReader([])(["authorization", "Bearer x"]), { kind: "none" });
});

t.test("names that only resemble a credential header, cookies and header values do not count", async (t) => {
  const rawHeaders = ["x_api_key", "k", "x-api-key ", "k", "cookie", "authorization=Bearer x", "__proto__", "x", "a", "x-api-key"];
  t.same(readBoth(rawHeaders), { kind: "none" });
});

t.test("authenticators that share a header are read there together", async (t) => {
  const other = apiKeyAuthenticator("tmr", "X-API-Key", "other");
  const readShared = credentialReader([key, other]);
  t.same(readShared(["x-api-key", "k"]), { kind: "apiKey", text: "k", authenticators: [key, other] });
});
