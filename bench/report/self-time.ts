/** From a profile of V8 to the stages of a request: the time that functions take themselves, without those they call. */
import type { SourceAt } from "./built-sources.ts";
import type { FunctionShare, StageShare } from "./results.ts";

/** What `node --cpu-prof` writes, as far as it is needed; times in microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  /** From the sample before, or from the start. */
  readonly timeDeltas: readonly number[];
}

export interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  /** From 0. */
  readonly lineNumber: number;
}

export interface Window {
  readonly from: number;
  readonly to: number;
}

const OUTSIDE = "Node and kernel: waiting for sockets, reading them, parsing heads";
const WRITES = "Node and kernel: writing to sockets";

/** The first that fits; paths below `src/` in the order of a request's way. */
const OWN_STAGES: readonly (readonly [RegExp, string])[] = [
  [/^pipeline\/(edge|exchange)|^decision\/(path|query|target)|^observability\/decision-id/, "edge"],
  [/^decision\/match/, "match"],
  [/^pipeline\/limit|^pipeline\/subject|^stores\/(memory-counters|counters)/, "limits"],
  [/^(pipeline|decision)\/cors/, "cors"],
  [/^pipeline\/(authenticate|identify)|^decision\/(identify|claims)|^stores\/sqlite/, "authenticate"],
  [/^pipeline\/authorize|^decision\/(authorize|permission|tenant|decide|standing)/, "authorize"],
  [/^pipeline\/forward\/(upstream\/|hop)/, "forward: the connection to the service"],
  [/^pipeline\/(forward|remember)|^decision\/(upstream-path|identity-headers)/, "forward"],
  [/^pipeline\/answer/, "answer"],
  [/^observability/, "metrics and log"],
  [/^/, "the walk through the stages, and connections"],
];

/** Shares of all time that was not idle, the largest first. */
export function stagesOf(profile: CpuProfile, window: Window, sourceAt: SourceAt): readonly StageShare[] {
  const times = selfTimes(profile, window);
  return sharesOf(times, ({ callFrame }) => stageOf(callFrame, sourceAt)).map(([stage, share]) => ({ stage, share }));
}

/** The functions with the largest shares. */
export function functionsOf(profile: CpuProfile, window: Window, count: number, sourceAt: SourceAt): readonly FunctionShare[] {
  const times = selfTimes(profile, window);
  const shares = sharesOf(times, ({ callFrame: { functionName, url, lineNumber } }) => JSON.stringify([functionName, url, lineNumber]));
  return shares.slice(0, count).map(([key, share]) => {
    const [functionName, url, lineNumber] = JSON.parse(key) as [string, string, number];
    const frame = { functionName, url, lineNumber };
    return { name: functionName || "(anonymous)", place: placeOf(frame, sourceAt), share, stage: stageOf(frame, sourceAt) };
  });
}

type ProfileNode = CpuProfile["nodes"][number];

function selfTimes({ nodes, startTime, samples, timeDeltas }: CpuProfile, { from, to }: Window): ReadonlyMap<ProfileNode, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = new Map<ProfileNode, number>();
  let at = startTime;
  for (const [index, id] of samples.entries()) {
    at += timeDeltas[index] ?? 0;
    const node = byId.get(id);
    const untilNext = timeDeltas[index + 1] ?? 0;
    if (node === undefined || untilNext <= 0 || at < from || at > to || node.callFrame.functionName === "(idle)") continue;
    times.set(node, (times.get(node) ?? 0) + untilNext);
  }
  return times;
}

function sharesOf(times: ReadonlyMap<ProfileNode, number>, keyOf: (node: ProfileNode) => string): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>();
  for (const [node, time] of times) sums.set(keyOf(node), (sums.get(keyOf(node)) ?? 0) + time);
  const all = [...sums.values()].reduce((sum, one) => sum + one, 0);
  return [...sums].map(([key, time]) => [key, time / all] as const).toSorted(([, left], [, right]) => right - left);
}

function stageOf(frame: CallFrame, sourceAt: SourceAt): string {
  const { functionName, url } = frame;
  if (functionName === "(garbage collector)") return "garbage collection";
  if (functionName === "(program)") return OUTSIDE;
  if (url === "" || url.startsWith("wasm:"))
    return /^(write|shutdown)/.test(functionName) ? WRITES : "other functions of V8 and Node that are not JavaScript";
  if (url.startsWith("node:_http") || url === "node:http") return "Node: http";
  if (url.startsWith("node:")) return "Node: sockets, streams, events, timers";
  const source = placeOf(frame, sourceAt);
  const inPackage = /^node_modules\/(@[^/]+\/[^/]+|[^/]+)/.exec(source)?.[1];
  return inPackage ?? OWN_STAGES.find(([pattern]) => pattern.test(source))?.[1] ?? "";
}

/** Its source, below `src/` where it is one of ours; whatever V8 calls it where it is of no source. */
function placeOf({ url, lineNumber }: CallFrame, sourceAt: SourceAt): string {
  const source = url.startsWith("file:") ? sourceAt(url, lineNumber) : undefined;
  return source?.replace(/^src\//, "").replace(/^.*(?=node_modules\/)/, "") ?? url;
}
