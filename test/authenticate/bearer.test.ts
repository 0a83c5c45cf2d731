import t from "tap";
import { secretFinder } from "../../src/pipeline/authenticate/bearer.ts";
import { bearerAuthenticator } from "./fixtures/policy.ts";

const findSecret = secretFinder([
  bearerAuthenticator({ current: "aaaa-current", previous: "bbbb-previous" }, "token"),
  bearerAuthenticator({ robot: "cccc-robot" }, "robots"),
]);

t.test("each secret of each authenticator is found by its id", async (t) => {
  t.same(findSecret("aaaa-current"), { kind: "secret", authenticator: "token", id: "current" });
  t.same(findSecret("bbbb-previous"), { kind: "secret", authenticator: "token", id: "previous" });
  t.same(findSecret("cccc-robot"), { kind: "secret", authenticator: "robots", id: "robot" });
});

t.test("nothing but the whole secret is accepted", async (t) => {
  for (const token of ["", "aaaa", "aaaa-current-", "AAAA-CURRENT", "aaaa-curren", "current", "undefined", "__proto__"]) {
    t.equal(findSecret(token), undefined, token);
  }
});

t.test("the same secret under two ids is the first of them", async (t) => {
  const find = secretFinder([bearerAuthenticator({ current: "same-secret", previous: "same-secret" })]);
  t.match(find("same-secret"), { id: "current" });
});

t.test("a digest that is no SHA-256 is a fault at load, not at the first request", async (t) => {
  const authenticator = bearerAuthenticator({ current: "x" });
  const broken = { ...authenticator, secrets: [{ id: "current", digest: new Uint8Array(3), grants: new Set<string>() }] };
  t.throws(() => secretFinder([broken]), /digest of secret `current`/);
});
