/** Metrics for Prometheus. Labels are names from the policy, never what a stranger sent. */
import type { MetricObjectWithValues, MetricValue } from "prom-client";
import type { Exchange } from "../pipeline/exchange.ts";
import { Counter, Gauge, Register } from "./register.ts";
import { NOWHERE, RequestTallies } from "./request-tallies.ts";

/** What is measured from outside at the moment of a scrape. */
export interface Readings {
  readonly issuers: () => readonly { readonly iss: string; readonly keys: number; readonly ageSeconds: number | undefined }[];
  readonly keyStoreUp: () => boolean;
}

/** All metrics of one process at one moment: plain data, which one process can hand to another. */
export type Snapshot = readonly Omit<MetricObjectWithValues<MetricValue<string>>, "collect">[];

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
  /** Counts what a shadow policy would have said of an exchange: `same`, `wider`, `narrower`, `other`, `unknown`, `apart` or `failed`. */
  countShadow(exchange: Exchange, result: string): void;
  shadowReloaded(ok: boolean): void;
  setShadowRevision(revision: string): void;
  observe(readings: Readings): void;
  /** `leftSeconds`: until the front door's certificate ends. */
  observeCertificate(leftSeconds: () => number): void;
  contentType: string;
  text(): Promise<string>;
  snapshot(): Promise<Snapshot>;
}

export function createMetrics(): Metrics {
  const register = new Register();
  const registers = [register];
  const requests = new RequestTallies();
  requests.register(register);
  const connections = new Gauge({ name: "sallyport_connections_open", help: "Connections of clients", registers });
  const refusedConnections = new Counter({
    name: "sallyport_connections_refused_total",
    help: "Connections of clients that were closed because of a bound: total, address, unread, silent",
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
  const revision = new Gauge({
    name: "sallyport_policy_info",
    help: "1 for the policy in force",
    labelNames: ["revision"],
    registers,
    aggregator: "max",
  });
  const shadow = shadowMetrics(registers);
  return {
    count: (exchange, endedAt) => requests.count(exchange, endedAt),
    countUnparsed: (code) => requests.countUnparsed(code),
    countFailedHandshake: (reason) => handshakes.inc({ reason }),
    began: () => requests.began(),
    connectionOpened: () => connections.inc(),
    connectionClosed: () => connections.dec(),
    connectionRefused: (bound) => refusedConnections.inc({ bound }),
    reloaded: (ok) => reloads.inc({ result: ok ? "loaded" : "rejected" }),
    certificateReloaded: (ok) => certificates.inc({ result: ok ? "loaded" : "rejected" }),
    setRevision: (current) => {
      requests.forgetRoutes();
      revision.reset();
      revision.set({ revision: current }, 1);
    },
    ...shadow,
    observe: (readings) => observe(registers, readings),
    observeCertificate: (leftSeconds) => observeCertificate(registers, leftSeconds),
    contentType: register.contentType,
    text: () => register.text(),
    snapshot: async () => (await register.values()).map(withoutCode),
  };
}

export function withoutCode({ name, help, type, aggregator, values }: MetricObjectWithValues<MetricValue<string>>): Snapshot[number] {
  return { name, help, type, aggregator, values };
}

/** They are there only once a shadow policy is. */
function shadowMetrics(registers: Register[]): Pick<Metrics, "countShadow" | "shadowReloaded" | "setShadowRevision"> {
  let made: ReturnType<typeof makeShadowMetrics> | undefined;
  const metrics = () => (made ??= makeShadowMetrics(registers));
  return {
    countShadow: ({ match }, result) => {
      const route = match.kind === "route" ? match.route : undefined;
      const service = route?.service ?? match.mount?.service;
      metrics().decisions.inc({ service: service?.name ?? NOWHERE, route: route?.name ?? NOWHERE, result });
    },
    shadowReloaded: (ok) => metrics().reloads.inc({ result: ok ? "loaded" : "rejected" }),
    setShadowRevision: (current) => {
      metrics().revision.reset();
      metrics().revision.set({ revision: current }, 1);
    },
  };
}

function makeShadowMetrics(registers: Register[]) {
  return {
    decisions: new Counter({
      name: "sallyport_shadow_decisions_total",
      help: "Requests by what the shadow policy would have said: same, wider, narrower, other, unknown (cannot be compared), apart (no matter of rules), failed",
      labelNames: ["service", "route", "result"],
      registers,
    }),
    reloads: new Counter({
      name: "sallyport_shadow_policy_reloads_total",
      help: "Loads of the shadow policy after the start by result",
      labelNames: ["result"],
      registers,
    }),
    revision: new Gauge({
      name: "sallyport_shadow_policy_info",
      help: "1 for the shadow policy",
      labelNames: ["revision"],
      registers,
      aggregator: "max",
    }),
  };
}

/** Of several processes the one that is worst off counts: each has keys of its own. */
function observe(registers: Register[], readings: Readings): void {
  const keys = { name: "sallyport_issuer_keys", help: "Usable signing keys of an issuer", labelNames: ["issuer"], registers };
  new Gauge({
    ...keys,
    aggregator: "min",
    collect() {
      this.reset();
      for (const issuer of readings.issuers()) this.set({ issuer: issuer.iss }, issuer.keys);
    },
  });
  const age = { name: "sallyport_issuer_keys_age_seconds", help: "Age of an issuer's key set", labelNames: ["issuer"], registers };
  new Gauge({
    ...age,
    aggregator: "max",
    collect() {
      this.reset();
      for (const issuer of readings.issuers()) if (issuer.ageSeconds !== undefined) this.set({ issuer: issuer.iss }, issuer.ageSeconds);
    },
  });
  const store = { name: "sallyport_key_store_up", help: "1 while the key store can be read", registers };
  new Gauge({
    ...store,
    aggregator: "min",
    collect() {
      this.set(readings.keyStoreUp() ? 1 : 0);
    },
  });
}

function observeCertificate(registers: Register[], leftSeconds: () => number): void {
  const about = { name: "sallyport_certificate_expiry_seconds", help: "Until the front door's certificate ends", registers };
  new Gauge({
    ...about,
    collect() {
      this.set(leftSeconds());
    },
  });
}
