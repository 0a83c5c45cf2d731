/** Loads that take their time: what comes while one is under way, and what becomes of one that fails. */
import t from "tap";
import type { Policy } from "../../src/contract/policy.ts";
import type { Fields, Log } from "../../src/observability/log.ts";
import { createMetrics, type Metrics } from "../../src/observability/metrics.ts";
import type { Loaded } from "../../src/policy/load.ts";
import { createReloader, type Reloader } from "../../src/reload.ts";
import { policyOf } from "../decision/policy.ts";

const SHOP = (route: string): string =>
  `upstream: { url: "http://shop.example" }\nauthenticators: { machines: { jwt: { issuer: "https://issuer.example", clients: any } } }\nroutes: { GET ${route}: public }\n`;
/** As the gateway that the others were compiled with, but for its port. */
const ELSEWHERE =
  'version: 1\nlisten: { host: 127.0.0.1, port: 8081 }\nstores: { keys: "sqlite:data/keys.db", counters: memory }\nservices: [services/*.yaml]\n';
const [FIRST, SECOND, THIRD] = ["/first", "/second", "/third"].map((route) => policyOf({ shop: SHOP(route) })) as [Policy, Policy, Policy];

interface Stage {
  readonly reloader: Reloader;
  /** Loads that have begun, each to be ended by the test. */
  readonly loads: PromiseWithResolvers<Loaded>[];
  /** What was put in force, in this order. */
  readonly swaps: Policy[];
  readonly lines: (Fields & { readonly message: string })[];
  readonly metrics: Metrics;
}

function stageOf(swapped: () => Promise<void> = async () => undefined): Stage {
  const loads: PromiseWithResolvers<Loaded>[] = [];
  const swaps: Policy[] = [];
  const lines: Stage["lines"] = [];
  const note = (fields: Fields, message: string) => void lines.push({ ...fields, message });
  const log: Log = { debug: note, info: note, warn: note, error: note, record: note, setLevel: () => undefined, flush: () => undefined };
  const metrics = createMetrics();
  let current = FIRST;
  const reloader = createReloader({
    loaded: loaded(FIRST),
    load: () => {
      const load = Promise.withResolvers<Loaded>();
      loads.push(load);
      return load.promise;
    },
    gateway: {
      policy: () => current,
      swap: async (policy) => {
        await swapped();
        swaps.push(policy);
        current = policy;
      },
    },
    metrics,
    log,
    now: () => 0,
  });
  return { reloader, loads, swaps, lines, metrics };
}

function loaded(policy: Policy): Extract<Loaded, { kind: "policy" }> {
  return { kind: "policy", policy, files: [], seen: new Map() };
}

function invalid(message: string): Loaded {
  const place = { file: "shop.yaml", line: 1, column: 1, excerpt: "", excerptColumn: 1, width: 1 };
  return { kind: "invalid", diagnostics: [{ ...place, message }], files: [], seen: new Map() };
}

/** Until all that waits for nothing else has had its turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test("who asks while a load is under way is answered by the next one, and all of them by the same", async (t) => {
  const { reloader, loads, swaps } = stageOf();
  const first = reloader.reload();
  await turn();
  const later = [reloader.reload(), reloader.reload()];
  await turn();
  t.equal(loads.length, 1, "one at a time");
  loads[0]!.resolve(loaded(SECOND));
  t.match(await first, { kind: "loaded" });
  await turn();
  t.equal(loads.length, 2, "and one for all who waited, which sees what has changed since");
  loads[1]!.resolve(loaded(THIRD));
  t.match(await Promise.all(later), [{ kind: "loaded" }, { kind: "loaded" }]);
  t.same(swaps, [SECOND, THIRD]);
});

t.test("a change that a look finds while a load is under way is found again after it", async (t) => {
  const { reloader, loads } = stageOf();
  t.equal(reloader.changed(), true);
  t.equal(reloader.changed(), false, "not yet begun");
  await turn();
  t.equal(reloader.changed(), false, "under way");
  loads[0]!.resolve(loaded(FIRST));
  await turn();
  t.equal(reloader.changed(), true);
});

t.test("a bad file behind a good one leaves the good one in force", async (t) => {
  const { reloader, loads, swaps, lines } = stageOf();
  const good = reloader.reload();
  await turn();
  const bad = reloader.reload();
  loads[0]!.resolve(loaded(SECOND));
  await good;
  await turn();
  loads[1]!.resolve(invalid("unknown key `acess`"));
  t.match(await bad, { kind: "rejected", diagnostics: [/shop\.yaml:1:1: unknown key `acess`/] });
  t.same(swaps, [SECOND]);
  t.match(lines.at(-1), { policy: SECOND.revision, message: /rejected/ });
});

t.test("a load that fails leaves the old policy, and log, metric and state say so; the next one counts", async (t) => {
  const { reloader, loads, swaps, lines, metrics } = stageOf();
  const failed = reloader.reload();
  await turn();
  loads[0]!.reject(new Error("the loading thread ran out of memory"));
  t.match(await failed, { kind: "rejected", diagnostics: [/could not be loaded: .*ran out of memory/] });
  t.same(swaps, []);
  t.match(reloader.last(), { kind: "rejected" });
  t.match(lines, [{ policy: FIRST.revision, diagnostics: [/ran out of memory/], message: /the last good one stays in force/ }]);
  t.match(await metrics.text(), /^sallyport_policy_reloads_total\{result="rejected"\} 1$/m);
  const next = reloader.reload();
  await turn();
  loads[1]!.resolve(loaded(FIRST));
  t.match(await next, { kind: "loaded" }, "the same policy again is good news now");
  t.match(reloader.last(), { kind: "loaded" });
});

t.test("a policy that cannot be put in force is none, and the one before it is told as the one in force", async (t) => {
  const { reloader, loads, lines } = stageOf(() => Promise.reject(new Error("no room")));
  const reload = reloader.reload();
  await turn();
  loads[0]!.resolve(loaded(SECOND));
  t.match(await reload, { kind: "rejected", diagnostics: [/no room/] });
  t.match(lines.at(-1), { policy: FIRST.revision });
});

t.test("what is loaded when the gateway stops comes too late", async (t) => {
  const { reloader, loads, swaps } = stageOf();
  const reload = reloader.reload();
  await turn();
  reloader.close();
  loads[0]!.resolve(loaded(SECOND));
  t.match(await reload, { kind: "unchanged" });
  t.same(swaps, []);
});

t.test("whether a part waits for the next start is told against what was opened, not against the last load", async (t) => {
  const { reloader, loads, lines } = stageOf();
  const warned = async (policy: Policy): Promise<unknown> => {
    const before = lines.length;
    const reload = reloader.reload();
    await turn();
    loads.at(-1)!.resolve(loaded(policy));
    await reload;
    return lines.slice(before).find(({ parts }) => parts !== undefined)?.["parts"];
  };
  t.same(await warned(policyOf({ shop: SHOP("/first") }, ELSEWHERE)), ["listen"]);
  t.same(await warned(policyOf({ shop: SHOP("/second") }, ELSEWHERE)), ["listen"], "and is told again while it waits");
  t.equal(await warned(THIRD), undefined, "what is as it was opened waits for nothing");
});
