/** Metrics for Prometheus. Labels are names from the policy, never what a stranger sent. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { Exchange } from "../pipeline/exchange.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const NOWHERE = "none";

/** What is measured from outside at the moment of a scrape. */
export interface Readings {
  readonly issuers: () => readonly { readonly iss: string; readonly keys: number; readonly ageSeconds: number | undefined }[];
  readonly keyStoreUp: () => boolean;
  /** Until the front door's certificate ends; undefined where it has none. */
  readonly certificateLeftSeconds?: () => number;
}

export interface Metrics {
  /** Counts an exchange that is over; `endedAt` is on the same clock as `startedAt`. */
  count(exchange: Exchange, endedAt: number): void;
  /** Counts a request that the HTTP parser refused. */
  countUnparsed(code: string): void;
  /** Counts a TLS handshake that came to nothing; `reason` is one of a few words. */
  countFailedHandshake(reason: string): void;
  began(): void;
  connectionOpened(): void;
  connectionClosed(): void;
  /** Counts a connection that was closed because of a bound. */
  connectionRefused(bound: string): void;
  reloaded(ok: boolean): void;
  certificateReloaded(ok: boolean): void;
  setRevision(revision: string): void;
  observe(readings: Readings): void;
  contentType: string;
  text(): Promise<string>;
}

type Child = { readonly requests: Counter.Internal; readonly duration: Histogram.Internal<string> };

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Counter({
    name: "sallyport_requests_total",
    help: "Requests by service, route, method, outcome (allow, preflight or error code) and status",
    labelNames: ["service", "route", "method", "outcome", "status"],
    registers,
  });
  const duration = new Histogram({
    name: "sallyport_request_duration_seconds",
    help: "From the request's head to the end of the answer",
    labelNames: ["service", "outcome"],
    buckets: SECONDS,
    registers,
  });
  const open = new Gauge({ name: "sallyport_requests_open", help: "Requests under way", registers });
  const connections = new Gauge({ name: "sallyport_connections_open", help: "Connections of clients", registers });
  const refusedConnections = new Counter({
    name: "sallyport_connections_refused_total",
    help: "Connections of clients that were closed because of a bound: total, address, unread",
    labelNames: ["bound"],
    registers,
  });
  const reloads = new Counter({
    name: "sallyport_policy_reloads_total",
    help: "Policy loads by result",
    labelNames: ["result"],
    registers,
  });
  const handshakes = new Counter({
    name: "sallyport_tls_handshakes_failed_total",
    help: "TLS handshakes that failed: the client closed, was too slow, showed no good certificate, or spoke another protocol or version",
    labelNames: ["reason"],
    registers,
  });
  const certificates = new Counter({
    name: "sallyport_certificate_reloads_total",
    help: "Loads of the front door's certificate after the start by result",
    labelNames: ["result"],
    registers,
  });
  const revision = new Gauge({ name: "sallyport_policy_info", help: "1 for the policy in force", labelNames: ["revision"], registers });
  const children = new Map<unknown, Map<string, Child>>();

  const childOf = (exchange: Exchange): Child => {
    const route = exchange.match.kind === "route" ? exchange.match.route : undefined;
    const service = route?.service ?? (exchange.match.kind === "none" ? exchange.match.mount?.service : undefined);
    const perOwner = getOrAdd(children, route ?? service, () => new Map<string, Child>());
    const outcome = outcomeOf(exchange);
    const method = route ? exchange.facts.method : NOWHERE;
    return getOrAdd(perOwner, `${method} ${outcome.name} ${outcome.status}`, () => ({
      requests: requests.labels(service?.name ?? NOWHERE, route?.name ?? NOWHERE, method, outcome.name, String(outcome.status)),
      duration: duration.labels(service?.name ?? NOWHERE, outcome.name),
    }));
  };

  return {
    count: (exchange, endedAt) => {
      open.dec();
      const child = childOf(exchange);
      child.requests.inc();
      child.duration.observe((endedAt - exchange.startedAt) / 1000);
    },
    countUnparsed: (code) => requests.inc({ service: NOWHERE, route: NOWHERE, method: NOWHERE, outcome: code, status: "" }),
    countFailedHandshake: (reason) => handshakes.inc({ reason }),
    began: () => open.inc(),
    connectionOpened: () => connections.inc(),
    connectionClosed: () => connections.dec(),
    connectionRefused: (bound) => refusedConnections.inc({ bound }),
    reloaded: (ok) => reloads.inc({ result: ok ? "loaded" : "rejected" }),
    certificateReloaded: (ok) => certificates.inc({ result: ok ? "loaded" : "rejected" }),
    setRevision: (current) => {
      children.clear();
      revision.reset();
      revision.set({ revision: current }, 1);
    },
    observe: (readings) => observe(registers, readings),
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

function observe(registers: Registry[], readings: Readings): void {
  const keys = { name: "sallyport_issuer_keys", help: "Usable signing keys of an issuer", labelNames: ["issuer"], registers };
  new Gauge({
    ...keys,
    collect() {
      this.reset();
      for (const issuer of readings.issuers()) this.set({ issuer: issuer.iss }, issuer.keys);
    },
  });
  const age = { name: "sallyport_issuer_keys_age_seconds", help: "Age of an issuer's key set", labelNames: ["issuer"], registers };
  new Gauge({
    ...age,
    collect() {
      this.reset();
      for (const issuer of readings.issuers()) if (issuer.ageSeconds !== undefined) this.set({ issuer: issuer.iss }, issuer.ageSeconds);
    },
  });
  if (readings.certificateLeftSeconds) observeCertificate(registers, readings.certificateLeftSeconds);
  const store = { name: "sallyport_key_store_up", help: "1 while the key store can be read", registers };
  new Gauge({
    ...store,
    collect() {
      this.set(readings.keyStoreUp() ? 1 : 0);
    },
  });
}

function observeCertificate(registers: Registry[], leftSeconds: () => number): void {
  const about = { name: "sallyport_certificate_expiry_seconds", help: "Until the front door's certificate ends", registers };
  new Gauge({
    ...about,
    collect() {
      this.set(leftSeconds());
    },
  });
}

function outcomeOf(exchange: Exchange): { readonly name: string; readonly status: number } {
  switch (exchange.outcome?.kind) {
    case "refused":
      return { name: exchange.outcome.code, status: exchange.outcome.status };
    case "preflight":
      return { name: "preflight", status: 204 };
    case "forwarded":
      return { name: "allow", status: exchange.outcome.status };
    case undefined:
      return { name: "abandoned", status: 499 };
  }
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
