import dns from "node:dns";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import * as http from "../../contract/node-http.ts";

export interface JwksFetchLimits {
  /** For the whole exchange, from connecting to the last byte. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export interface JwksAnswer {
  readonly body: Uint8Array;
  /** The issuer's clock as it answered, epoch milliseconds; undefined where it does not tell (`Date`, and `Age` behind a cache). */
  readonly clock: number | undefined;
}

export const JWKS_FETCH_LIMITS: JwksFetchLimits = { timeoutMs: 3000, maxBytes: 262_144 };

/** Why no request may go to this IP address; undefined: it may. */
export type ForbiddenAddress = (address: string) => string | undefined;

/**
 * What the policy's check has seen is a name; this looks at the addresses that the name has now, for each connection.
 * One forbidden address among them refuses them all.
 */
export function guardedLookup(forbidden: ForbiddenAddress, lookup: LookupFunction = dns.lookup): LookupFunction {
  return (hostname, options, done) =>
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, []);
      const addresses = found as dns.LookupAddress[];
      const fault = addresses.map(({ address }) => forbidden(address)).find((reason) => reason !== undefined);
      const [first] = addresses;
      if (fault !== undefined) return done(new Error(`${hostname} has an address where no request may go: ${fault}`), []);
      if (options.all === true || first === undefined) return done(null, addresses);
      return done(null, first.address, first.family);
    });
}

export type JwksFetch = (url: string, signal: AbortSignal, limits?: JwksFetchLimits) => Promise<Uint8Array>;

/**
 * Fetches the document at exactly this address: status 200 only, no redirect followed, no content coding undone,
 * bounded in time and size while it streams. Rejects with an Error that says why not.
 */
export function jwksFetch(lookup: LookupFunction): JwksFetch {
  const answer = jwksAnswer(lookup);
  return async (url, signal, limits) => (await answer(url, signal, limits)).body;
}

/** The same, with what else the answer tells. */
export function jwksAnswer(lookup: LookupFunction): (...call: Parameters<JwksFetch>) => Promise<JwksAnswer> {
  return async (url, signal, limits = JWKS_FETCH_LIMITS) => {
    const timeout = AbortSignal.timeout(limits.timeoutMs);
    const until = AbortSignal.any([signal, timeout]);
    try {
      return await exchange(await ask(url, lookup, until), limits.maxBytes);
    } catch (error) {
      if (timeout.aborted) throw new Error(`no complete answer within ${limits.timeoutMs} ms`, { cause: error });
      throw signal.aborted ? signal.reason : error;
    }
  };
}

/** On a connection of its own, gone with the exchange: no idle socket is left, and the name is resolved anew each time. */
function ask(url: string, lookup: LookupFunction, signal: AbortSignal): Promise<IncomingMessage> {
  const { request } = url.startsWith("https:") ? https : http;
  const headers = { accept: "application/json", "accept-encoding": "identity" };
  return new Promise((resolve, reject) => {
    request(url, { agent: false, headers, lookup, maxHeaderSize: 16_384, signal }, resolve).on("error", reject).end();
  });
}

async function exchange(answer: IncomingMessage, maxBytes: number): Promise<JwksAnswer> {
  try {
    const coding = answer.headers["content-encoding"];
    if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
    if (coding !== undefined && coding !== "identity") throw new Error("the answer has a content coding");
    return { body: await readAtMost(answer, maxBytes), clock: clockOf(answer) };
  } finally {
    answer.destroy();
  }
}

function clockOf({ headers }: IncomingMessage): number | undefined {
  const at = Date.parse(String(headers["date"]));
  const ageSeconds = Number(headers["age"] ?? 0);
  return Number.isNaN(at) || !Number.isFinite(ageSeconds) ? undefined : at + ageSeconds * 1000;
}

async function readAtMost(answer: AsyncIterable<Buffer>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}
