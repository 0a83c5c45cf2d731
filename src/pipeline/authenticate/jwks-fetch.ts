import { Agent, type Dispatcher, request } from "undici";

export interface JwksFetchLimits {
  /** For the whole exchange, from connecting to the last byte. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export const JWKS_FETCH_LIMITS: JwksFetchLimits = { timeoutMs: 3000, maxBytes: 262_144 };

/**
 * Fetches the document at exactly this address: status 200 only, no redirect followed, no content coding undone,
 * bounded in time and size while it streams. Rejects with an Error that says why not.
 */
export async function fetchJwks(url: string, signal: AbortSignal, limits: JwksFetchLimits = JWKS_FETCH_LIMITS): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(limits.timeoutMs);
  // An agent of its own, gone with the exchange: no idle socket is left, and the name is resolved anew each time.
  const agent = new Agent({ pipelining: 1, maxHeaderSize: 16_384 });
  try {
    return await exchange(url, agent, AbortSignal.any([signal, timeout]), limits.maxBytes);
  } catch (error) {
    if (timeout.aborted) throw new Error(`no complete answer within ${limits.timeoutMs} ms`, { cause: error });
    throw error;
  } finally {
    await agent.destroy();
  }
}

async function exchange(url: string, dispatcher: Dispatcher, signal: AbortSignal, maxBytes: number): Promise<Uint8Array> {
  const headers = { accept: "application/json", "accept-encoding": "identity" };
  const answer = await request(url, { method: "GET", headers, dispatcher, signal });
  const coding = answer.headers["content-encoding"];
  if (answer.statusCode !== 200) throw refuse(answer, `status ${answer.statusCode}`);
  if (coding !== undefined && coding !== "identity") throw refuse(answer, "the answer has a content coding");
  return readAtMost(answer, maxBytes);
}

async function readAtMost(answer: Dispatcher.ResponseData, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw refuse(answer, `the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** Lets go of the body; its own complaint about that adds nothing. */
function refuse(answer: Dispatcher.ResponseData, reason: string): Error {
  answer.body.on("error", () => undefined);
  answer.body.destroy();
  return new Error(reason);
}
