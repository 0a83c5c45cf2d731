/** L7: lines of the decision log are what the log's library would have written, whatever stands in them. */
import t from "tap";
import fc from "fast-check";
import { createLog, type Fields } from "../../src/observability/log.ts";

t.test("L7 a decision is written as any other line: the same bytes, one line, and nothing forged", (t) => {
  const lines: string[] = [];
  for (const always of [null, { worker: 3 }]) {
    const log = createLog("info", { write: (line: string) => void lines.push(line) }, always);
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('"}\n{"level":"info"', "\u2028", "\u0000", "\ud800", "\\"));
    const fields = fc.record({
      decision: text,
      nothing: fc.constant(undefined),
      status: fc.integer(),
      caller: fc.record({ subject: text }),
    });
    fc.assert(
      fc.property(fields, text, (one: Fields, message) => {
        lines.length = 0;
        log.info(one, message);
        log.record(one, message);
        const [byLibrary = "", ours = ""] = lines.map((line) => line.replace(/"time":"[^"]*"/, ""));
        t.equal(ours.split("\n").length, 2);
        return ours === byLibrary;
      }),
    );
  }
  const quiet = createLog("warn", { write: (line: string) => void lines.push(line) });
  lines.length = 0;
  quiet.record({ decision: "one" }, "refused");
  t.same(lines, [], "and it is silent where the log is");
  t.end();
});
