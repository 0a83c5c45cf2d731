/** What a head says of its body, and what a route's rule says to that. */
import t from "tap";
import type { BodyRule } from "../../src/contract/policy.ts";
import { bodyUnderRule, declaredBody, type Framing } from "../../src/decision/body.ts";

t.test("the framing: a coding, a length, or no body at all", async (t) => {
  t.same(declaredBody(undefined, undefined), { kind: "none" });
  t.same(declaredBody(undefined, "0"), { kind: "none" });
  t.same(declaredBody(undefined, "005"), { kind: "body", lengthBytes: 5 });
  t.same(declaredBody("chunked", undefined), { kind: "body", lengthBytes: undefined });
  for (const length of ["-1", "1.5", "5, 5", "many", "9007199254740993"])
    t.match(declaredBody(undefined, length), { kind: "refused", code: "REQUEST_INVALID" }, length);
});

const FIVE_BYTES: Framing = { kind: "body", lengthBytes: 5 };
const UNKNOWN: Framing = { kind: "body", lengthBytes: undefined };

interface Asked {
  readonly method?: string;
  readonly types?: readonly string[];
  readonly framing?: Framing;
}

/** The code of the refusal; undefined where the body may be sent. */
function codeOf(rule: Partial<BodyRule>, { method = "POST", types = [], framing = FIVE_BYTES }: Asked): string | undefined {
  const verdict = bodyUnderRule(framing, { method, header: () => types }, { explicit: false, ...rule });
  return verdict.kind === "refused" ? verdict.code : undefined;
}

t.test("a GET or HEAD has no body unless the route says so", async (t) => {
  for (const method of ["GET", "HEAD"]) {
    t.equal(codeOf({}, { method }), "REQUEST_INVALID");
    t.equal(codeOf({ explicit: true }, { method }), undefined);
    t.equal(codeOf({}, { method, framing: { kind: "none" } }), undefined);
  }
  t.equal(codeOf({}, { method: "DELETE" }), undefined);
});

t.test("a declared length is held against the bound; what declares none is not judged by it", async (t) => {
  t.equal(codeOf({ maxBytes: 5 }, {}), undefined);
  t.equal(codeOf({ maxBytes: 4 }, {}), "BODY_TOO_LARGE");
  t.equal(codeOf({ maxBytes: 4 }, { framing: UNKNOWN }), undefined);
});

t.test("one media type that the route lists, without its parameters, in whatever case", async (t) => {
  const rule = { types: ["application/json", "image/*"] };
  for (const type of ["application/json", "Application/JSON; charset=utf-8", "image/png"])
    t.equal(codeOf(rule, { types: [type] }), undefined);
  for (const types of [[], ["text/plain"], ["imagery/png"], ["application/json", "application/json"]])
    t.equal(codeOf(rule, { types }), "BODY_TYPE_NOT_ALLOWED", types.join());
  t.equal(codeOf(rule, { framing: { kind: "none" } }), undefined, "no body has no type");
});
