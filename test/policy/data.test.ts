/** Documents that are no policy: whatever a stranger wrote is data, or refused with a reason. */
import t from "tap";
import { type DataReading, readData } from "../../src/policy/data.ts";

function refusal(reading: DataReading): string {
  return reading.kind === "refused" ? `${reading.line ?? "-"}: ${reading.reason}` : "not refused";
}

t.test("JSON and YAML give the same data, with keys of any name as properties of their own", (t) => {
  for (const text of ['{ "__proto__": { "x": 1 }, "a": [true, null] }', "__proto__: { x: 1 }\na:\n  - true\n  - null\n"]) {
    const reading = readData(text);
    if (reading.kind !== "data") return t.fail(refusal(reading));
    t.same(Object.keys(reading.data as object), ["__proto__", "a"]);
    t.equal(({} as { x?: number }).x, undefined);
  }
  t.end();
});

t.test("a text that begins as JSON and is none is read as YAML, and its mistake has a line", (t) => {
  t.same(readData("{ a: 1 }"), { kind: "data", data: { a: 1 } });
  t.match(refusal(readData('{\n  "a": 1,\n  "b": [\n}')), /^[34]: /);
  t.end();
});

t.test("anchors, merge keys and circles are followed; bombs of aliases are refused", (t) => {
  t.same(readData("a: &a { x: 1 }\nb: { <<: *a, y: 2 }\n"), { kind: "data", data: { a: { x: 1 }, b: { x: 1, y: 2 } } });
  t.equal(readData("a: &a\n  b: *a\n").kind, "data");
  const levels = Array.from({ length: 9 }, (_, level) => `l${level + 1}: &l${level + 1} [${Array(9).fill(`*l${level}`).join(", ")}]`);
  t.match(refusal(readData(`l0: &l0 [x]\n${levels.join("\n")}\n`)), /aliases/);
  t.match(refusal(readData("a: *nothing\n")), /: /);
  t.end();
});

t.test("what is nested too deeply, twice the same key, and a second document are refused", (t) => {
  t.match(refusal(readData(`a: ${"[".repeat(1_000)}`)), "1: brackets are nested more than 40 deep");
  t.match(refusal(readData(Array.from({ length: 20_000 }, (_, depth) => `${" ".repeat(depth)}a:\n`).join(""))), /^(?!not refused)/);
  t.match(refusal(readData("a: 1\nb: { c: 1, c: 2 }\n")), "2: `c` stands twice in this map");
  t.match(refusal(readData("a: 1\n---\nb: 2\n")), "a second document begins here");
  t.end();
});
