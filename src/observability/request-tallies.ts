/** Requests and how long they took, by what they were about and how they ended. */
import type { Exchange } from "../pipeline/exchange.ts";
import type { Register } from "./register.ts";
import { countersOf, Durations, histogramsOf, readable, type Tally } from "./tallies.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Label of what a request has not: a service, a route. */
export const NOWHERE = "none";

interface Child {
  readonly requests: Tally;
  readonly duration: Durations;
}

/** Of one route, or of what matched none in a service: method, outcome, status. */
type Children = Map<string, Map<string, Map<number, Child>>>;

export class RequestTallies {
  /** By their labels: they outlive the policy whose routes they are of. */
  readonly #requests = new Map<string, Tally>();
  readonly #durations = new Map<string, Durations>();
  /** A short way to the same. */
  readonly #children = new Map<unknown, Children>();
  #open = 0;

  register(register: Register): void {
    const requests = countersOf(
      "sallyport_requests_total",
      "Requests by service, route, method, outcome (allow, preflight or error code) and status",
      () => this.#requests.values(),
    );
    const durations = histogramsOf("sallyport_request_duration_seconds", "From the request's head to the end of the answer", () =>
      this.#durations.values(),
    );
    for (const metric of [requests, durations]) register.add(metric);
    const about = { name: "sallyport_requests_open", help: "Requests under way", type: "gauge", aggregator: "sum" } as const;
    register.add(readable(about, () => [{ labels: {}, value: this.#open }]));
  }

  began(): void {
    this.#open += 1;
  }

  /** `endedAt` is on the same clock as `startedAt`. */
  count(exchange: Exchange, endedAt: number): void {
    this.#open -= 1;
    const { requests, duration } = this.#childOf(exchange);
    requests.count += 1;
    duration.add((endedAt - exchange.startedAt) / 1000);
  }

  countUnparsed(code: string): void {
    this.#tally({ service: NOWHERE, route: NOWHERE, method: NOWHERE, outcome: code, status: "" }).count += 1;
  }

  /** Another policy has other routes; what was counted stays. */
  forgetRoutes(): void {
    this.#children.clear();
  }

  #childOf(exchange: Exchange): Child {
    const { match } = exchange;
    const route = match.kind === "route" ? match.route : undefined;
    const service = route?.service ?? (match.kind === "none" ? match.mount?.service : undefined);
    const { name, status } = outcomeOf(exchange);
    const method = route ? exchange.facts.method : NOWHERE;
    const ofOwner: Children = getOrAdd(this.#children, route ?? service, () => new Map());
    const ofOutcome = getOrAdd(getOrAdd(ofOwner, method, newMap<string, Map<number, Child>>), name, newMap<number, Child>);
    const known = ofOutcome.get(status);
    if (known !== undefined) return known;
    const labels = { service: service?.name ?? NOWHERE, route: route?.name ?? NOWHERE, method, outcome: name, status: String(status) };
    const child = { requests: this.#tally(labels), duration: this.#duration({ service: labels.service, outcome: name }) };
    ofOutcome.set(status, child);
    return child;
  }

  #tally(labels: Tally["labels"]): Tally {
    return getOrAdd(this.#requests, JSON.stringify(labels), () => ({ labels, count: 0 }));
  }

  #duration(labels: Durations["labels"]): Durations {
    return getOrAdd(this.#durations, JSON.stringify(labels), () => new Durations(labels, SECONDS));
  }
}

const ALLOW = "allow";
const PREFLIGHT = { name: "preflight", status: 204 };
const ABANDONED = { name: "abandoned", status: 499 };

function outcomeOf(exchange: Exchange): { readonly name: string; readonly status: number } {
  switch (exchange.outcome?.kind) {
    case "refused":
      return { name: exchange.outcome.code, status: exchange.outcome.status };
    case "preflight":
      return PREFLIGHT;
    case "forwarded":
      return { name: ALLOW, status: exchange.outcome.status };
    case undefined:
      return ABANDONED;
  }
}

function newMap<Key, Value>(): Map<Key, Value> {
  return new Map();
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
