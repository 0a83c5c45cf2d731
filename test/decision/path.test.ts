import fc from "fast-check";
import t from "tap";
import { canonicalPath, looseSegment } from "../../src/decision/path.ts";

const segmentsOf = (rawPath: string): readonly string[] | undefined => {
  const result = canonicalPath(rawPath);
  return result.kind === "path" ? result.path.segments : undefined;
};

t.test("a plain path is its segments", async (t) => {
  t.same(segmentsOf("/clients/acme/domains/d-1"), ["clients", "acme", "domains", "d-1"]);
  t.same(segmentsOf("/"), [""]);
  t.same(segmentsOf("/a/"), ["a", ""], "a trailing slash is a last empty segment");
});

t.test("percent-encoding is undone exactly once", async (t) => {
  t.same(segmentsOf("/%61dmin/a%20b"), ["admin", "a b"]);
  t.same(segmentsOf("/%E2%82%AC"), ["€"]);
  t.same(segmentsOf("/100%25"), ["100%"]);
});

const refused = {
  "dot segments": ["/..", "/a/../b", "/a/./b", "/.", "/%2e%2e/a", "/.%2E/a", "/a/..;/b", "/a/.;x=1/b", "/%ef%bc%8e%ef%bc%8e/a"],
  "a second decoding": ["/%252e%252e/a", "/a%252fb", "/%25252e", "/%2541"],
  "another slash": ["/a\\b", "/a%5cb", "/a%5Cb"],
  "empty segments": ["//a", "/a//b", "///"],
  "control characters": ["/a%00", "/a%0a", "/a%0d%0aX:y", "/a%7f", "/a%09b", "/a%c2%85"],
  "broken encodings": ["/%", "/%a", "/%zz", "/%c0%ae", "/%c0%af", "/%e0%80%af", "/%ff", "/%u002e"],
  "number signs": ["/a#b", "/a%23b"],
  "raw bytes outside ASCII": ["/ä", "/\uff0e\uff0e/"],
  "a question mark inside": ["/a%3f/b"],
  "parameters without a segment": ["/;x/a", "/a/;/b"],
};

for (const [what, paths] of Object.entries(refused)) {
  t.test(`${what}: refused`, async (t) => {
    for (const path of paths) t.equal(segmentsOf(path), undefined, path);
  });
}

t.test("what is called plain is its segments as sent, and what is encoded, has dots or parameters never is", async (t) => {
  const mark = (raw: string): readonly unknown[] => {
    const result = canonicalPath(raw);
    return result.kind === "path" ? [result.path.segments, result.path.plain ?? false] : [undefined, false];
  };
  for (const raw of ["/", "/a/", "/a.b", "/a;b", "/%61", "/a%20b", '/a"b']) t.same(mark(raw), [segmentsOf(raw), false], raw);
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from("aZ0_~!$&'()*+,=:@-/.;?#%\\\"\u00e4\u0007")) }), (text) => {
      const raw = `/${text}`;
      const [segments, plain] = mark(raw);
      const isPlain = /^(?:\/[A-Za-z0-9_~!$&'()*+,=:@-]+)+$/.test(raw);
      if (plain !== isPlain || (plain && JSON.stringify(segments) !== JSON.stringify(raw.slice(1).split("/")))) throw new Error(raw);
    }),
    { numRuns: 5000 },
  );
});

t.test("an encoded slash stays inside its segment, and is told", async (t) => {
  const result = canonicalPath("/@scope%2fname");
  t.match(result, { kind: "path", path: { segments: ["@scope/name"], encodedSlash: true } });
  t.equal(segmentsOf("/a%2f..%2fb"), undefined, "dot segments behind encoded slashes");
  t.equal(segmentsOf("/a%2f%2fb"), undefined);
});

t.test("whatever is accepted encodes back to one path that reads the same", async () => {
  fc.assert(
    fc.property(fc.webPath(), (raw) => {
      const segments = segmentsOf(raw);
      if (segments === undefined) return;
      const again = segmentsOf(`/${segments.map(encodeURIComponent).join("/")}`);
      if (JSON.stringify(again) !== JSON.stringify(segments)) throw new Error(`${raw} became ${JSON.stringify(again)}`);
    }),
    { numRuns: 5000 },
  );
});

t.test("the loose form folds what careless readers fold", async (t) => {
  t.equal(looseSegment("ADMIN;x=1"), "admin");
  t.equal(looseSegment("admin?x"), "admin");
  t.equal(looseSegment("\uff41dmin"), "admin", "full-width letters");
});
