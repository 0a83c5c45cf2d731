import t from "tap";
import { beginningsIn, sourceLookup } from "../../bench/report/built-sources.ts";
import { functionsOf, stagesOf, type CpuProfile } from "../../bench/report/self-time.ts";

const node = (id: number, functionName: string, url: string): CpuProfile["nodes"][number] => ({
  id,
  callFrame: { functionName, url, lineNumber: 9 },
});

/** Samples every 10 µs from 1000 on, in the order of `ids`. */
const profileOf = (ids: readonly number[]): CpuProfile => ({
  nodes: [
    node(1, "(idle)", ""),
    node(2, "(program)", ""),
    node(3, "writeLatin1String", ""),
    node(4, "walk", "file:///srv/dist/parts/match-A.js"),
    node(5, "dispatch", "file:///srv/dist/parts/undici-B.js"),
    node(6, "emit", "node:events"),
    node(7, "forward", "file:///srv/dist/parts/forward-C.js"),
    node(8, "anything", "file:///srv/dist/parts/gateway-D.js"),
  ],
  startTime: 1000,
  samples: ids,
  timeDeltas: ids.map((_, index) => (index === 0 ? 0 : 10)),
});

/** Built files by the end of their names; each function of the profile is on the tenth line. */
const BUILT: Readonly<Record<string, string>> = {
  "match-A.js": "// src/decision/path.ts\n\n\n// src/decision/match.ts\n",
  "undici-B.js": "var x;\n// node_modules/a/node_modules/undici/lib/client.js\n",
  "forward-C.js": `// src/pipeline/forward/forward.ts${"\n".repeat(20)}// src/decision/match.ts\n`,
  "gateway-D.js": "  // src/decision/match.ts is no beginning\n// src/gateway.ts\n",
};
const sourceAt = sourceLookup((url) => BUILT[url.replace(/^.*\//, "")] ?? "");

t.test("each sample counts until the next, for the stage of its function", async (t) => {
  const stages = stagesOf(profileOf([4, 4, 5, 7, 2]), { from: 0, to: 10_000 }, sourceAt);
  t.same(Object.fromEntries(stages.map(({ stage, share }) => [stage, share])), { match: 0.5, undici: 0.25, forward: 0.25 });
  t.equal(stages[0]?.stage, "match", "the largest comes first");
});

t.test("idle time is nobody's", async (t) => {
  const stages = stagesOf(profileOf([1, 1, 1, 6, 6]), { from: 0, to: 10_000 }, sourceAt);
  t.same(stages, [{ stage: "Node: sockets, streams, events, timers", share: 1 }]);
});

t.test("only what lies in the window counts", async (t) => {
  const stages = stagesOf(profileOf([4, 4, 4, 3, 3]), { from: 1030, to: 1030 }, sourceAt);
  t.same(stages, [{ stage: "Node and kernel: writing to sockets", share: 1 }]);
});

t.test("functions are named with the place where they stand", async (t) => {
  const [first] = functionsOf(profileOf([7, 7, 8, 8]), { from: 0, to: 1015 }, 1, sourceAt);
  t.match(first, { name: "forward", place: "pipeline/forward/forward.ts", stage: "forward", share: 1 });
});

t.test("what no stage claims is the walk's", async (t) => {
  t.equal(stagesOf(profileOf([8, 8]), { from: 0, to: 10_000 }, sourceAt)[0]?.stage, "the walk through the stages, and connections");
});

t.test("a line of the built program is of the source that stands above it", async (t) => {
  t.same(beginningsIn(BUILT["match-A.js"]!), [
    { line: 0, source: "src/decision/path.ts" },
    { line: 3, source: "src/decision/match.ts" },
  ]);
  t.equal(sourceAt("file:///srv/dist/parts/match-A.js", 2), "src/decision/path.ts");
  t.equal(sourceAt("file:///srv/dist/parts/undici-B.js", 0), undefined, "the builder's own words");
});
