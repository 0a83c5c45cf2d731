import t from "tap";
import { parseJsonObject } from "../../src/pipeline/authenticate/json.ts";

function parse(text: string) {
  return parseJsonObject(Buffer.from(text));
}

t.test("an object is read with all that is in it", async (t) => {
  const text = '{"a":"b\\":{\\\\","c":[1,{"d":null}],"\\u0065":"x:y"}';
  t.same({ ...parse(text) }, JSON.parse(text));
});

t.test("what is no JSON object is refused", async (t) => {
  for (const text of ["", "null", "[]", '"{}"', "1", "{", '{"a"}', '{"a":1}x', "{'a':1}", '{"a":"', "\ufeff{}", '{"a":NaN}']) {
    t.equal(parse(text), undefined, text);
  }
});

t.test("a name given twice is refused, however deep and however written", async (t) => {
  for (const text of ['{"sub":1,"sub":2}', '{"sub":1,"s\\u0075b":2}', '{"a":[{"b":1,"b":1}]}', '{"__proto__":1,"__proto__":2}']) {
    t.equal(parse(text), undefined, text);
  }
});

t.test("invalid UTF-8 is refused", async (t) => {
  t.equal(parseJsonObject(Buffer.from([0x7b, 0x22, 0xc0, 0xae, 0x22, 0x3a, 0x31, 0x7d])), undefined);
});

t.test("nesting is bounded", async (t) => {
  const nested = (depth: number) => parse(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`);
  t.ok(nested(31));
  t.equal(nested(32), undefined);
  t.equal(nested(10_000), undefined);
});

t.test("the result cannot be changed and inherits nothing", async (t) => {
  const value = parse('{"a":{"b":[1]},"__proto__":{"admin":true},"constructor":1}')!;
  t.equal(Object.getPrototypeOf(value), null);
  t.ok(Object.isFrozen(value) && Object.isFrozen(value["a"]) && Object.isFrozen((value["a"] as { b: unknown }).b));
  t.equal(value["toString"], undefined);
  t.equal(value["admin"], undefined);
  t.equal(({} as { admin?: unknown }).admin, undefined);
});
