/**
 * Asks a gateway without a pause while its policy is replaced again and again, and judges each answer: all that shows a revision
 * in it must show the same one, and one that was in force between the question and the answer. A thread of its own.
 */
import { Agent, request, type IncomingMessage } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

export interface Asking {
  readonly port: number;
  /** `STATE`: shared with whoever replaces the policy. */
  readonly state: Int32Array<SharedArrayBuffer>;
}

export const STATE = { inForce: 0, written: 1, stop: 2 } as const;

export interface Judged {
  readonly answers: number;
  /** Connections that broke, and answers that no revision gives. */
  readonly errors: number;
  /** Answers by more than one revision. */
  readonly mixes: number;
  /** Answers by a revision that was not in force then. */
  readonly late: number;
  readonly slowestMs: number;
}

const CONNECTIONS = 16;
const HEADERS = { origin: "https://app.example" };

/** The service of one revision: each answer of it shows the number in two places that are decided apart. */
export function revisionText(revision: number, upstream: string): string {
  return `version: 1
service: things
upstream: { url: "${upstream}/r${revision}" }
cors: { origins: ["https://app.example"], expose: [x-r${revision}] }
errors: { codes: { TOKEN_MISSING: { message: "revision ${revision}" } } }
authenticators:
  key: { bearer: [{ id: one, value: "0123456789abcdef0123456789abcdef", access: [a.b] }] }
routes:
  GET /allowed: public
  GET /refused: a.b
`;
}

/** The numbers in an answer. */
function revisionsIn(answer: IncomingMessage, body: string): readonly number[] {
  const exposed = /x-r(\d+)/.exec(String(answer.headers["access-control-expose-headers"]))?.[1];
  const told = (answer.statusCode === 200 ? /"path":"\/r(\d+)\/allowed"/ : /revision (\d+)/).exec(body)?.[1];
  return [exposed, told].map(Number);
}

async function ask({ port, state }: Asking): Promise<Judged> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const sum = { answers: 0, errors: 0, mixes: 0, late: 0, slowestMs: 0 };
  const askOnce = async (path: string): Promise<void> => {
    const [earliest, startedAt] = [Atomics.load(state, STATE.inForce), performance.now()];
    const revisions = await answerOf(port, path, agent).catch(() => []);
    sum.slowestMs = Math.max(sum.slowestMs, performance.now() - startedAt);
    const [first = Number.NaN, second] = revisions;
    sum.answers += 1;
    if (Number.isNaN(first) || Number.isNaN(second)) sum.errors += 1;
    else if (first !== second) sum.mixes += 1;
    else if (first < earliest || first > Atomics.load(state, STATE.written)) sum.late += 1;
  };
  const client = async (number: number): Promise<void> => {
    for (let turn = number; Atomics.load(state, STATE.stop) === 0; turn++) await askOnce(turn % 2 === 0 ? "/allowed" : "/refused");
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, number) => client(number)));
  agent.destroy();
  return sum;
}

function answerOf(port: number, path: string, agent: Agent): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, agent, headers: HEADERS }, (answer) => {
      let body = "";
      answer.on("data", (chunk: Buffer) => (body += chunk.toString()));
      answer.on("end", () => resolve(revisionsIn(answer, body))).on("error", reject);
    })
      .on("error", reject)
      .end();
  });
}

if (parentPort) parentPort.postMessage(await ask(workerData as Asking), []);
