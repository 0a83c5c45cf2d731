/** What one worker does: it serves the policy that the primary hands to it, and goes over to another when all others can. */
import type { LogLevel, Policy } from "../contract/policy.ts";
import { inSlices } from "../contract/steps.ts";
import { Assembly } from "../loading/pieces.ts";
import type { Log } from "../observability/log.ts";
import { createMetrics, type Metrics } from "../observability/metrics.ts";
import { compilePolicy } from "../policy/compile/policy.ts";
import { createServing, type Serving } from "../serving.ts";
import { type Comparison, createComparison } from "../shadow.ts";
import type { Handlers } from "./answering.ts";
import type { Beginning, Report } from "./messages.ts";

export interface WorkerParts {
  readonly createLog: (level: LogLevel, place: number) => Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
  readonly randomBytes: (count: number) => Buffer;
  /** Called once all is built, right before the door opens. */
  readonly settle: () => void;
}

interface Built {
  readonly serving: Serving;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly comparison: Comparison | undefined;
}

export class Worker {
  readonly #parts: WorkerParts;
  #received: Assembly | undefined;
  #shadowPolicy: Policy | undefined;
  #built: Built | undefined;
  #prepared: { readonly policy: Policy; readonly putInForce: () => void } | undefined;
  #drained: Promise<void> | undefined;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
  }

  readonly handlers: Handlers = {
    receive: (sound) => void (this.#received = new Assembly(sound)),
    receiveRoutes: (routes) => this.#received?.add(routes),
    compare: () => this.#compare(),
    build: (beginning) => this.#build(beginning),
    listen: async () => {
      const { serving } = this.#whole();
      this.#parts.settle();
      return serving.listen();
    },
    prepare: () => this.#prepare(),
    commit: () => this.#commit(),
    discard: () => void (this.#prepared = undefined),
    useCertificate: ({ certificate, newAuthorities }) => this.#whole().serving.gateway.useCertificate(certificate, newAuthorities),
    report: () => this.#report(),
    metrics: () => this.#whole().metrics.snapshot(),
    recentDecisions: (most) => this.#whole().serving.decisions.recent().slice(0, most),
    findDecision: (id) => this.#whole().serving.decisions.find(id),
    drain: () => this.drain(),
    cut: () => this.cut(),
  };

  /** Takes no more requests; resolves when those under way are over, or cut at the grace period's end. */
  drain(): Promise<void> {
    return (this.#drained ??= this.#drain());
  }

  /** Ends what is still under way. */
  cut(): void {
    this.#built?.serving.gateway.cut();
  }

  async #drain(): Promise<void> {
    if (!this.#built) return;
    const { serving, log } = this.#built;
    const deadline = setTimeout(() => serving.gateway.cut(), serving.gateway.policy().gateway.graceMs);
    await serving.gateway.close();
    clearTimeout(deadline);
    serving.closeStores();
    log.flush();
  }

  async #build({ place, certificate }: Beginning): Promise<void> {
    const policy = await this.#policyReceived();
    const log = this.#parts.createLog(policy.gateway.log.level, place);
    const metrics = createMetrics();
    const comparison = this.#shadowPolicy && createComparison({ policy: this.#shadowPolicy, log, metrics });
    const more = { ...(certificate && { certificate }), ...(comparison && { shadow: comparison }) };
    const serving = await createServing({ ...this.#parts, ...more, policy, log, metrics });
    metrics.setRevision(policy.revision);
    this.#built = { serving, metrics, log, comparison };
  }

  async #compare(): Promise<void> {
    this.#shadowPolicy = await this.#policyReceived();
    this.#built?.comparison?.use(this.#shadowPolicy);
  }

  async #prepare(): Promise<void> {
    const policy = await this.#policyReceived();
    this.#prepared = { policy, putInForce: await this.#whole().serving.gateway.prepare(policy) };
  }

  #commit(): void {
    if (!this.#prepared) throw new Error("nothing was prepared");
    const { policy, putInForce } = this.#prepared;
    const { log, metrics } = this.#whole();
    putInForce();
    log.setLevel(policy.gateway.log.level);
    metrics.setRevision(policy.revision);
    this.#prepared = undefined;
  }

  #report(): Report {
    const { serving } = this.#whole();
    return {
      revision: serving.gateway.policy().revision,
      issuers: serving.issuers(),
      keyStoreTrouble: serving.keyStoreTrouble(),
    };
  }

  #policyReceived(): Promise<Policy> {
    if (!this.#received) throw new Error("no policy was received");
    const sound = this.#received.sound();
    this.#received = undefined;
    return inSlices(compilePolicy(sound));
  }

  #whole(): Built {
    if (!this.#built) throw new Error("nothing is built yet");
    return this.#built;
  }
}
