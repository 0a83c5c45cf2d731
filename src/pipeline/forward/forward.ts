/** Stage 9: carries an allowed request to its upstream, and the answer back. */
import type { Allowance } from "../../contract/decision.ts";
import type { Policy, Route } from "../../contract/policy.ts";
import type { Steps } from "../../contract/steps.ts";
import { denialOfAllowed } from "../../decision/body.ts";
import type { Exchange, Refuse } from "../exchange.ts";
import { frameBody } from "./client-body.ts";
import { Hop, type HopDeps } from "./hop.ts";
import type { LongLived } from "./long-lived.ts";
import { compilePlans, type Plan } from "./plan.ts";
import { traceparentSource, type RandomBytes } from "./trace.ts";
import { closeAfterAnswer } from "../unread-body.ts";
import { Lanes } from "./upstream/lane.ts";

export interface ForwarderDeps {
  readonly policy: Policy;
  readonly refuse: Refuse;
  /** Headers that the gateway puts on every answer: names, in lower case, and values in turn. */
  readonly answerHeaders: (exchange: Exchange) => readonly string[];
  /** Called exactly once for each exchange given to `forward`, when its answer is out or its client gone. */
  readonly done: (exchange: Exchange) => void;
  /** Ends what outlives its credential; one for all policies. */
  readonly longLived: LongLived;
  readonly randomBytes: RandomBytes;
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
}

export interface Forwarder {
  /** Takes over an exchange whose `allowance` is set; it ends in an answer, in `refuse`, or with the connection cut. */
  forward(exchange: Exchange): void;
  /**
   * Resolves when nothing is under way. Connections to upstreams that are left idle end by themselves within seconds,
   * so that a request which was still being authenticated, when its policy was replaced, can be carried all the same.
   */
  close(): Promise<void>;
  /** Ends those connections at once: nothing will be carried any more. */
  letGo(): void;
}

export function* createForwarder(deps: ForwarderDeps): Steps<Forwarder> {
  const lanes = new Lanes(deps.monotonicNow);
  const plans = yield* compilePlans(deps.policy, lanes, traceparentSource(deps.randomBytes));
  const underWay = new UnderWay();
  const done = (exchange: Exchange) => {
    deps.done(exchange);
    underWay.ended();
  };
  const hopDeps: HopDeps = { ...deps, done };
  return {
    forward(exchange) {
      const allowance = allowanceOf(exchange);
      const plan = planOf(plans, allowance.route);
      underWay.began();
      carry(exchange, allowance, plan, hopDeps);
    },
    close: () => underWay.none(),
    letGo: () => lanes.closeFree(),
  };
}

/** Counts exchanges. */
class UnderWay {
  #count = 0;
  readonly #waiting: (() => void)[] = [];

  began(): void {
    this.#count += 1;
  }

  ended(): void {
    this.#count -= 1;
    if (this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  none(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

function carry(exchange: Exchange, allowance: Allowance, plan: Plan, deps: HopDeps): void {
  if (exchange.response.destroyed) {
    drop(exchange, deps);
    return;
  }
  const framing = frameBody(exchange, allowance.route);
  if (framing.kind !== "refused") {
    new Hop(exchange, allowance, plan, framing, deps).start();
    return;
  }
  closeAfterAnswer(exchange);
  exchange.response.once("close", () => deps.done(exchange));
  deps.refuse(exchange, denialOfAllowed(allowance, framing));
}

/** Nobody will read the answer. */
function drop(exchange: Exchange, { done }: HopDeps): void {
  exchange.outcome = { kind: "forwarded", status: 0, cut: "the client left" };
  done(exchange);
}

function allowanceOf(exchange: Exchange): Allowance {
  if (exchange.allowance === undefined) throw new Error("an exchange that was not allowed cannot be forwarded");
  return exchange.allowance;
}

function planOf(plans: ReadonlyMap<Route, Plan>, route: Route): Plan {
  const plan = plans.get(route);
  if (plan === undefined) throw new Error(`no plan for ${route.name}`);
  return plan;
}
