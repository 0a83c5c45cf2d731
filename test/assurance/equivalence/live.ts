/** A live gateway before the world, asked over kept-alive connections. */
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { CallerSketch, RequestSketch } from "../../../src/contract/policy-tests.ts";
import { openSqliteKeys } from "../../../src/stores/sqlite-keys.ts";
import { NOW } from "../../decision/policy.ts";
import { startSallyport, type Sallyport } from "../../journey/harness.ts";
import { until } from "../../journey/things.ts";
import { filesOf } from "../generated/files.ts";
import type { GeneratedPolicy } from "../generated/policies.ts";
import { type Bearing, bearingOf, type Sent } from "./credentials.ts";
import { HEARD, type Heard, type World } from "./outside.ts";

/** What came of one request. */
export interface LiveAnswer {
  readonly outcome: "allow" | "deny" | "preflight";
  readonly status: number;
  /** As the decision log has them. */
  readonly code?: string;
  readonly route?: string;
  readonly rule?: string;
  readonly headers: IncomingMessage["headers"];
  /** What reached the upstream; of a WebSocket nothing is told. */
  readonly heard?: Heard;
}

export interface Question {
  readonly request: RequestSketch;
  readonly caller: CallerSketch | undefined;
}

const AT_ONCE = 8;

/** Starts a gateway under the policy, asks all the questions, and stops it. The answers stand in the order of the questions. */
export async function askLive(world: World, generated: GeneratedPolicy, questions: readonly Question[]): Promise<readonly LiveAnswer[]> {
  const after: (() => unknown)[] = [];
  const teardown = (close: () => unknown): void => void after.unshift(close);
  try {
    const sallyport = await startSallyport({ teardown }, { files: filesOf(generated, world.outside), environment: {}, now: () => NOW });
    const bearings = bearingsOf(sallyport, world, generated, questions);
    const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
    teardown(() => agent.destroy());
    const ask = ({ request, caller }: Question) => askOne(sallyport, agent, request, caller ? bearings.get(caller)!(request) : []);
    return await inTurns(questions, ask);
  } finally {
    for (const close of after) await close();
  }
}

function bearingsOf(
  sallyport: Sallyport,
  { sign }: World,
  generated: GeneratedPolicy,
  questions: readonly Question[],
): ReadonlyMap<CallerSketch, Bearing> {
  const store = openSqliteKeys(sallyport.keyStore, { side: "command", create: true });
  const mint = { generated, policy: sallyport.running.policy(), store, sign };
  const callers = new Set(questions.flatMap(({ caller }) => caller ?? []));
  const bearings = new Map([...callers].map((caller) => [caller, bearingOf(mint, caller)]));
  store.close();
  return bearings;
}

async function inTurns<Item, Answer>(items: readonly Item[], ask: (item: Item) => Promise<Answer>): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) answers[index] = await ask(items[index]!);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return answers;
}

async function askOne(sallyport: Sallyport, agent: Agent, request: RequestSketch, credential: Sent): Promise<LiveAnswer> {
  const { status, headers } = await send(sallyport.running.ports.gateway, agent, request, credential);
  const heard = headers[HEARD];
  const id = String(headers["x-decision-id"]);
  await until(() => status === 101 || sallyport.decision(id) !== undefined);
  const { outcome, code, route, rule } = (sallyport.decision(id) ?? { outcome: "allow" }) as Partial<LiveAnswer>;
  return {
    outcome: outcome!,
    status,
    ...(code !== undefined && { code }),
    ...(route !== undefined && { route }),
    ...(rule !== undefined && { rule }),
    headers,
    ...(heard !== undefined && { heard: JSON.parse(decodeURIComponent(String(heard))) as Heard }),
  };
}

interface Received {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
}

const HANDSHAKE = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

function send(
  port: number,
  agent: Agent,
  { method, target, headers, address, websocket }: RequestSketch,
  credential: Sent,
): Promise<Received> {
  const fields = {
    ...Object.fromEntries([...headers].map(([name, values]) => [name, values.length === 1 ? values[0]! : values])),
    ...Object.fromEntries(credential),
    "x-forwarded-for": address,
    ...(websocket && HANDSHAKE),
  };
  return new Promise((resolve, reject) => {
    const sent = httpRequest({
      host: "127.0.0.1",
      port,
      agent,
      method,
      path: target,
      headers: fields as Record<string, string | string[]>,
    });
    const settle = ({ statusCode: status = 0, headers: received }: IncomingMessage): void => resolve({ status, headers: received });
    sent.on("error", reject);
    sent.on("response", (response) => response.resume().on("end", () => settle(response)));
    sent.on("upgrade", (response, socket) => {
      socket.destroy();
      settle(response);
    });
    sent.end();
  });
}
