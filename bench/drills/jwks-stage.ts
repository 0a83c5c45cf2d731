/** The stage of the JWKS drill: a scripted issuer, a gateway on real sockets and clocks in front of an upstream, and a client with a stop-watch. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { Policy } from "../../src/contract/policy.ts";
import { createGateway } from "../../src/gateway.ts";
import { createDecisionIds } from "../../src/observability/decision-id.ts";
import { createDecisionLog } from "../../src/observability/decisions.ts";
import { createLog } from "../../src/observability/log.ts";
import { createMetrics } from "../../src/observability/metrics.ts";
import { guardedLookup, jwksFetch } from "../../src/pipeline/authenticate/jwks-fetch.ts";
import { forbiddenHost } from "../../src/policy/addresses.ts";
import { createIssuers } from "../../src/pipeline/authenticate/jwks.ts";
import type { IssuerEvent, IssuerState, KeySetAges } from "../../src/pipeline/authenticate/key-set.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import { createMemoryCounters } from "../../src/stores/memory-counters.ts";
import { issuerServer, type IssuerServer } from "../../test/authenticate/fixtures/issuer-server.ts";
import { keyStore } from "../../test/authenticate/fixtures/key-store.ts";
import { type IssuerKey, signToken } from "../../test/authenticate/fixtures/keys.ts";

const ISS = "https://cognito-idp.us-east-2.amazonaws.com/us-east-2_Drill0001";
const CLIENT = "drill";

/** An answer of the gateway: its status, and when and how long after the asking it came (monotonic milliseconds). */
export interface Answer {
  readonly status: number;
  readonly at: number;
  readonly tookMs: number;
}

export interface Stage {
  readonly issuer: IssuerServer;
  readonly gatewayPort: number;
  readonly ask: (token: string) => Promise<Answer>;
  readonly state: () => IssuerState;
  /** What became of each fetch, in order: the n-th is of the n-th fetch. */
  readonly events: readonly IssuerEvent[];
  readonly close: () => Promise<void>;
}

/** Opens all of it; resolves when the issuer was asked once. */
export async function openStage(answer: RequestListener, ages: KeySetAges): Promise<Stage> {
  const closing: (() => unknown)[] = [];
  const stack = { teardown: (close: () => unknown) => void closing.unshift(close) };
  const issuer = await issuerServer(stack, answer);
  const policy = policyFromFiles(await startUpstream(stack), issuer.jwks);
  const events: IssuerEvent[] = [];
  const monotonicNow = (): number => performance.now();
  const issuers = createIssuers({
    fetch: jwksFetch(guardedLookup(forbiddenHost)),
    monotonicNow,
    onEvent: (event) => events.push(event),
    ages,
  });
  stack.teardown(() => issuers.close());
  const log = createLog("silent", new Writable({ write: (_chunk, _encoding, done) => done() }));
  const gateway = await createGateway({
    policy,
    issuers,
    log,
    monotonicNow,
    randomBytes,
    now: Date.now,
    keys: keyStore(() => undefined),
    counters: createMemoryCounters({ maxBuckets: 1000 }),
    metrics: createMetrics(),
    decisions: createDecisionLog(log),
    decisionId: createDecisionIds(randomBytes),
  });
  await issuers.ready();
  const gatewayPort = await gateway.listen();
  stack.teardown(() => {
    const closed = gateway.close();
    gateway.cut();
    return closed;
  });
  const agent = new Agent({ keepAlive: true });
  stack.teardown(() => agent.destroy());
  return {
    issuer,
    gatewayPort,
    events,
    ask: (token) => ask(gatewayPort, agent, token),
    state: () => issuers.states().at(0)!,
    async close() {
      for (const close of closing) await close();
    },
  };
}

/** A good token of an hour. */
export function goodToken(key: IssuerKey): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: ISS,
    sub: CLIENT,
    client_id: CLIENT,
    token_use: "access",
    scope: "things/read",
    iat: now,
    exp: now + 3600,
    jti: randomBytes(8).toString("hex"),
  };
  return signToken(key, claims);
}

/** One request with this token to the gateway on this port. */
export async function ask(port: number, agent: Agent, token: string): Promise<Answer> {
  const startedAt = performance.now();
  const sent = request({ host: "127.0.0.1", port, agent, path: "/things", headers: { authorization: `Bearer ${token}` } }).end();
  const [response] = await once(sent, "response");
  response.resume();
  await once(response, "end");
  const at = performance.now();
  return { status: response.statusCode, at, tookMs: at - startedAt };
}

/** Asks again and again, so often, until told to stop; resolves with all answers. */
export function keepAsking(
  stage: Stage,
  token: () => string,
  everyMs: number,
): { readonly stop: () => Promise<readonly Answer[]>; readonly answers: readonly Answer[] } {
  const answers: Answer[] = [];
  const underWay: Promise<unknown>[] = [];
  const timer = setInterval(() => underWay.push(stage.ask(token()).then((answer) => answers.push(answer))), everyMs);
  return {
    answers,
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      return answers;
    },
  };
}

/** Resolves when it has become true; rejects when it has not within the time. */
export async function until(isTrue: () => boolean, withinMs: number, what: string): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(5);
  }
}

interface Stack {
  readonly teardown: (close: () => unknown) => void;
}

async function startUpstream(stack: Stack): Promise<string> {
  const server = createServer((_request, response) => response.end("{}"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function policyFromFiles(upstream: string, jwks: string): Policy {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-drill-"));
  try {
    mkdirSync(join(folder, "services"));
    writeFileSync(join(folder, "sallyport.yaml"), GATEWAY);
    writeFileSync(join(folder, "services/things.yaml"), SERVICE);
    const loaded = loadPolicy({ configPath: join(folder, "sallyport.yaml"), environment: { UPSTREAM: upstream, JWKS: jwks } });
    if (loaded.kind === "invalid") throw new Error(loaded.diagnostics.map(({ message }) => message).join("\n"));
    const { gateway } = loaded.policy;
    return { ...loaded.policy, gateway: { ...gateway, listen: { ...gateway.listen, port: 0 } } };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const GATEWAY = `version: 1
listen: { host: 127.0.0.1, port: 8080 }
stores: { keys: "sqlite:data/keys.db", counters: memory }
services: [services/things.yaml]
`;

const SERVICE = `version: 1
service: things
upstream: { url: "\${UPSTREAM}" }
authenticators:
  machines:
    jwt: { issuer: "${ISS}", jwks: "\${JWKS}", use: access, caller: machine, clients: [${CLIENT}] }
    scopes: { things/read: [read] }
routes:
  GET /things: read
`;
