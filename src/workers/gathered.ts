/** What the doors show where several processes answer requests: each knows a part of it. */
import type { GatewayStatus, Sources } from "../admin/sources.ts";
import { oneAtATime } from "../loading/one-at-a-time.ts";
import type { Metrics, Snapshot } from "../observability/metrics.ts";
import { remainsOf, textOf } from "../observability/sum.ts";
import { workerSnapshot } from "../observability/worker-figures.ts";
import type { IssuerState } from "../pipeline/authenticate/key-set.ts";
import type { Fleet } from "./fleet.ts";
import type { WorkerProcess } from "./child.ts";

/** No counter goes back when a worker ends: what was last read of it counts on. */
export class GatheredMetrics {
  readonly contentType: string;
  readonly text: () => Promise<string>;
  readonly #own: Metrics;
  readonly #fleet: Fleet;
  readonly #last = new Map<WorkerProcess, Snapshot>();
  #remains: Snapshot = [];

  constructor(own: Metrics, fleet: Fleet) {
    this.#own = own;
    this.#fleet = fleet;
    this.contentType = own.contentType;
    this.text = oneAtATime(() => this.#text());
  }

  async #text(): Promise<string> {
    const [own, answers] = await Promise.all([this.#own.snapshot(), this.#fleet.ask("metrics", undefined)]);
    for (const { worker, answer } of answers) this.#last.set(worker, answer);
    await this.#keepRemains();
    const figures = workerSnapshot({ serving: this.#fleet.servingCount(), ended: this.#fleet.ended() });
    return textOf([own, figures, ...this.#last.values(), this.#remains]);
  }

  async #keepRemains(): Promise<void> {
    const gone = [...this.#last].filter(([worker]) => !this.#fleet.isThere(worker));
    for (const [worker] of gone) this.#last.delete(worker);
    if (gone.length > 0) this.#remains = await remainsOf([this.#remains, ...gone.map(([, snapshot]) => snapshot)]);
  }
}

/** As many as the door shows in all. */
const MOST_DECISIONS = 200;

export function gatheredDecisions(fleet: Fleet): Sources["decisions"] {
  return {
    recent: async () => {
      const answers = await fleet.ask("recentDecisions", MOST_DECISIONS);
      return answers.flatMap(({ answer }) => answer).toSorted((left, right) => right.at.localeCompare(left.at));
    },
    find: async (id) => (await fleet.ask("findDecision", id)).find(({ answer }) => answer)?.answer,
  };
}

/** Of each issuer, and of the key store, the one that is worst off. `ownTrouble`: with the key store. */
export async function gatheredReports(
  fleet: Fleet,
  ownTrouble: string | undefined,
): Promise<Pick<GatewayStatus, "issuers" | "keyStoreTrouble">> {
  const reports = (await fleet.ask("report", undefined)).map(({ answer }) => answer);
  const byIssuer = Map.groupBy(
    reports.flatMap(({ issuers }) => issuers),
    ({ iss, jwks }) => JSON.stringify([iss, jwks]),
  );
  return {
    issuers: [...byIssuer.values()].map((states) => states.reduce(worseOf)),
    keyStoreTrouble: [ownTrouble, ...reports.map(({ keyStoreTrouble }) => keyStoreTrouble)].find((trouble) => trouble !== undefined),
  };
}

function worseOf(left: IssuerState, right: IssuerState): IssuerState {
  if (left.usable !== right.usable) return left.usable ? right : left;
  return (left.ageMs ?? Number.POSITIVE_INFINITY) >= (right.ageMs ?? Number.POSITIVE_INFINITY) ? left : right;
}
