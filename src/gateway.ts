/**
 * The running gateway: one Fastify instance with one wildcard route, and the policy in force behind it.
 * A new policy takes the place of the old one whole; requests under way finish on the one that they began with.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { createApp, isWebSocketHandshake, type RoutedRequest } from "./app.ts";
import type { Policy } from "./contract/policy.ts";
import { atOnce, inSlices, type Steps } from "./contract/steps.ts";
import type { CounterStore, KeyReader } from "./contract/stores.ts";
import { onFailedHandshake, useCertificate, type DoorSecurity, type FailedHandshake } from "./front-door.ts";
import type { DecisionLog } from "./observability/decisions.ts";
import type { Log } from "./observability/log.ts";
import type { Metrics } from "./observability/metrics.ts";
import { answerHeaders } from "./pipeline/answer.ts";
import type { Issuers } from "./pipeline/authenticate/jwks.ts";
import { createProver, issuersOf, type Prover } from "./pipeline/authenticate/prove.ts";
import { HeldBodies } from "./pipeline/authenticate/sigv4/held-bodies.ts";
import { Admission } from "./pipeline/edge/admission.ts";
import { Connections } from "./pipeline/edge/connections.ts";
import type { Exchange, Refuse } from "./pipeline/exchange.ts";
import { createForwarder, type Forwarder } from "./pipeline/forward/forward.ts";
import { LongLived } from "./pipeline/forward/long-lived.ts";
import { OpenExchanges } from "./pipeline/open-exchanges.ts";
import { compilePlan, compileStrayChecks } from "./pipeline/plan.ts";
import { Walk, type InForce } from "./pipeline/walk.ts";
import type { DoorCertificate } from "./policy/certificate-files.ts";
import type { Comparison } from "./shadow.ts";
import { Strays } from "./strays.ts";
import { hasWebSockets, Upgrades } from "./upgrades.ts";

export interface GatewayParts {
  readonly policy: Policy;
  /** Where the policy's door is one of TLS. */
  readonly certificate?: DoorCertificate;
  readonly keys: KeyReader;
  readonly counters: CounterStore;
  readonly issuers: Issuers;
  readonly log: Log;
  readonly decisions: DecisionLog;
  readonly metrics: Metrics;
  /** Looks at each exchange when it is over. */
  readonly shadow?: Pick<Comparison, "look">;
  readonly decisionId: () => string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
  readonly randomBytes: (count: number) => Buffer;
}

export interface Gateway {
  /** Starts to listen where the policy says; resolves with the port in use. */
  listen(): Promise<number>;
  policy(): Policy;
  /** Puts another policy in force, whole, for all requests that begin once it resolves. One at a time. */
  swap(policy: Policy): Promise<void>;
  /** Does all of that but the last step, which is what it resolves with: at once, and for all requests that begin from then on. */
  prepare(policy: Policy): Promise<() => void>;
  /** Handshakes that begin from now on are given this one. `newAuthorities`: connections are closed as they fall idle, so that clients prove themselves anew. */
  useCertificate(certificate: DoorCertificate, newAuthorities: boolean): void;
  /** Takes no more requests; resolves when those under way are over. */
  close(): Promise<void>;
  /** Ends everything that is still under way. */
  cut(): void;
}

/** Builds the gateway with its first policy in force; it does not listen yet. */
export async function createGateway(parts: GatewayParts): Promise<Gateway> {
  const connections = new Connections();
  const admission = createAdmission(parts);
  const shared: Shared = {
    open: new OpenExchanges(),
    longLived: createLongLived(parts, () => current.policy),
    heldBodies: new HeldBodies(),
  };
  // No such map for ordinary requests: what hangs on one lives until the next major collection.
  const ofUpgrade = new WeakMap<IncomingMessage, Exchange>();
  const walk = new Walk({
    ...parts,
    began: (exchange) => {
      connections.began(exchange);
      if (exchange.upgrade) ofUpgrade.set(exchange.request, exchange);
      parts.metrics.began();
    },
    ended: (exchange) => {
      const endedAt = parts.monotonicNow();
      connections.ended(exchange);
      shared.open.ended(exchange);
      parts.metrics.count(exchange, endedAt);
      parts.decisions.write(exchange, endedAt, parts.shadow?.look(exchange));
    },
    pipelined: connections.pipelined,
    failed: (exchange, cause) => parts.log.error({ decision: exchange.id, cause: String(cause), stack: stackOf(cause) }, "internal error"),
  });

  let current = atOnce(allButInForce(parts, parts.policy, walk, shared))();
  const refuse: Refuse = (exchange, denial) => walk.refuse(exchange, denial);
  const strays = new Strays({ ...parts, connections, refuse, policy: () => current.policy });
  const security = securityOf(parts);
  const app = createApp(security, {
    // Node hands over the socket at once, although an answer ahead of the handshake may still be owed on it.
    mayUpgrade: (request) => isWebSocketHandshake(request) && !connections.owes(request.socket),
    unrouted: (request, response) => walk.take({ request, response, target: request.url ?? "", upgrade: false, early: false }, current),
    unparsed: (error, socket) => strays.unparsed(error, socket),
  });
  app.addHook("onRequest", ({ raw }, reply, _goOn) => {
    reply.hijack();
    const request = raw as RoutedRequest;
    const early = isWebSocketHandshake(request);
    walk.take({ request, response: reply.raw, target: request.originalUrl, upgrade: false, early }, current);
  });
  const upgrades = new Upgrades({
    ...parts,
    ...shared,
    take: (arriving, allowed) => walk.take(arriving, { ...current, forward: allowed }),
    exchangeOf: (request) => ofUpgrade.get(request),
    refuse,
    done: (exchange) => walk.end(exchange),
    failed: (cause) => parts.log.error({ cause: String(cause), stack: stackOf(cause) }, "WebSockets cannot be carried"),
  });
  const loadForWebSockets = (policy: Policy): Promise<void> | undefined => (hasWebSockets(policy) ? upgrades.load() : undefined);
  await app.ready();
  admission.follow(app.server);
  connections.follow(app.server);
  upgrades.follow(app.server);
  onFailedHandshake(app.server, (failed) => noteHandshake(parts, failed));
  // Without this Node would end the connection without a word.
  app.server.on("connect", (_request, socket) => strays.tunnel(socket as Socket));
  app.server.on("checkContinue", (request, response) => app.routing(request, response));
  app.server.on("checkExpectation", (request, response) => app.routing(request, response));

  const prepare = async (policy: Policy): Promise<() => void> => {
    await loadForWebSockets(policy);
    const complete = await inSlices(allButInForce(parts, policy, walk, shared));
    return () => {
      const old = current;
      current = complete();
      admission.use(policy.gateway);
      void old.forwarder.close();
    };
  };
  return {
    listen: async () => {
      await loadForWebSockets(current.policy);
      return listen(app, current.policy);
    },
    policy: () => current.policy,
    swap: async (policy) => (await prepare(policy))(),
    prepare,
    useCertificate: (certificate, newAuthorities) => {
      if (security) useCertificate(app.server, { ...security, certificate });
      if (newAuthorities) connections.renew();
    },
    close: async () => {
      await Promise.all([connections.drain(), upgrades.close(), app.close()]);
      await current.forwarder.close();
      current.forwarder.letGo();
    },
    cut: () => connections.cut(),
  };
}

/** What is one for all policies. */
interface Shared {
  readonly open: OpenExchanges;
  readonly longLived: LongLived;
  readonly heldBodies: HeldBodies;
}

function createAdmission({ policy, metrics }: GatewayParts): Admission {
  return new Admission({
    gateway: policy.gateway,
    opened: metrics.connectionOpened,
    closed: metrics.connectionClosed,
    refused: metrics.connectionRefused,
  });
}

function createLongLived({ now, keys, log }: GatewayParts, policy: () => Policy): LongLived {
  const failed = (cause: unknown): void =>
    log.error({ cause: String(cause), stack: stackOf(cause) }, "open exchanges could not be held against the key store");
  return new LongLived({ now, policy, keys, failed });
}

/** Nothing of the policy that it replaces is touched before what this comes to is called. */
function* allButInForce(
  parts: GatewayParts,
  policy: Policy,
  walk: Walk,
  { open, longLived, heldBodies }: Shared,
): Steps<() => InForce & { readonly forwarder: Forwarder }> {
  const { issuers, keys, now, monotonicNow, randomBytes } = parts;
  const forwarder = yield* createForwarder({
    policy,
    answerHeaders,
    refuse: (exchange, denial) => walk.refuse(exchange, denial),
    done: (exchange) => walk.end(exchange),
    longLived,
    randomBytes,
    monotonicNow,
  });
  const plan = yield* compilePlan(policy, {
    counters: parts.counters,
    open,
    prove: (service, exchange) => prover.prove(service, exchange, exchange.now),
    clock: parts,
  });
  let prover: Prover;
  return () => {
    issuers.use(issuersOf(policy));
    prover = createProver({ policy, issuers, keys, now, monotonicNow, heldBodies, randomBytes });
    return {
      policy,
      plan,
      strayChecks: compileStrayChecks(policy, parts.counters),
      forward: (exchange) => forwarder.forward(exchange),
      forwarder,
    };
  };
}

/** Never a plain door where the policy asks for TLS. */
function securityOf({ policy, certificate }: GatewayParts): DoorSecurity | undefined {
  const { tls } = policy.gateway.listen;
  if (tls === undefined) return undefined;
  if (certificate === undefined) throw new Error("a TLS door needs its certificate");
  return { tls, certificate };
}

/** Strangers cause these as they please: counted, and logged for those who look for them. */
function noteHandshake({ metrics, log }: GatewayParts, { reason, detail, address }: FailedHandshake): void {
  metrics.countFailedHandshake(reason);
  log.debug({ reason, detail, address }, "TLS handshake failed");
}

/** Connections that wait to be taken, when all clients come again at once: as many as the kernel allows (`net.core.somaxconn`). */
const BACKLOG = 65_535;

async function listen(app: FastifyInstance, policy: Policy): Promise<number> {
  const { host, port } = policy.gateway.listen;
  await app.listen({ host, port, backlog: BACKLOG });
  const address = app.server.address();
  return typeof address === "object" && address ? address.port : port;
}

function stackOf(cause: unknown): string | undefined {
  return cause instanceof Error ? cause.stack : undefined;
}
