import t from "tap";
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
    node(4, "walk", "file:///srv/dist/decision/match.js"),
    node(5, "dispatch", "file:///srv/node_modules/undici/lib/client.js"),
    node(6, "emit", "node:events"),
    node(7, "forward", "file:///srv/dist/pipeline/forward/forward.js"),
    node(8, "anything", "file:///srv/dist/gateway.js"),
  ],
  startTime: 1000,
  samples: ids,
  timeDeltas: ids.map((_, index) => (index === 0 ? 0 : 10)),
});

t.test("each sample counts until the next, for the stage of its function", async (t) => {
  const stages = stagesOf(profileOf([4, 4, 5, 7, 2]), { from: 0, to: 10_000 });
  t.same(Object.fromEntries(stages.map(({ stage, share }) => [stage, share])), { match: 0.5, undici: 0.25, forward: 0.25 });
  t.equal(stages[0]?.stage, "match", "the largest comes first");
});

t.test("idle time is nobody's", async (t) => {
  const stages = stagesOf(profileOf([1, 1, 1, 6, 6]), { from: 0, to: 10_000 });
  t.same(stages, [{ stage: "Node: sockets, streams, events, timers", share: 1 }]);
});

t.test("only what lies in the window counts", async (t) => {
  const stages = stagesOf(profileOf([4, 4, 4, 3, 3]), { from: 1030, to: 1030 });
  t.same(stages, [{ stage: "Node and kernel: writing to sockets", share: 1 }]);
});

t.test("functions are named with the place where they stand", async (t) => {
  const [first] = functionsOf(profileOf([7, 7, 8, 8]), { from: 0, to: 1015 }, 1);
  t.match(first, { name: "forward", place: "pipeline/forward/forward.js:10", stage: "forward", share: 1 });
});

t.test("what no stage claims is the walk's", async (t) => {
  t.equal(stagesOf(profileOf([8, 8]), { from: 0, to: 10_000 })[0]?.stage, "the walk through the stages, and connections");
});
