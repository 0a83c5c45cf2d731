/** Connections to the upstreams. */
import type { Socket } from "node:net";
import { buildConnector, Pool } from "undici";
import type { Timeouts, Upstream } from "../../contract/policy.ts";

/** Shorter than the 5 s after which Node's own server, for one, closes an idle connection: the side that asks lets go first. */
const KEEP_ALIVE_MS = 3_000;

/** Connections of one kind to one upstream, no more of them than it may have. */
export class Lane {
  readonly pool: Pool;
  readonly #maxConnections: number;
  #inUse = 0;

  constructor(pool: Pool, maxConnections: number) {
    this.pool = pool;
    this.#maxConnections = maxConnections;
  }

  /** Whether one more request may be carried; each that may must `leave`. */
  enter(): boolean {
    if (this.#inUse >= this.#maxConnections) return false;
    this.#inUse += 1;
    return true;
  }

  leave(): void {
    this.#inUse -= 1;
  }
}

/** Lanes are shared by all routes to the same upstream. */
export type LaneTo = (upstream: Upstream, timeouts: Timeouts) => Lane;

export function createUpstreamLanes(): LaneTo {
  const lanes = new Map<string, Lane>();
  return (upstream, { connectMs }) => {
    const { origin, verifyTls, maxConnections } = upstream;
    const key = JSON.stringify([origin, verifyTls, maxConnections, connectMs]);
    const lane = lanes.get(key) ?? new Lane(createPool(upstream, connectMs), maxConnections);
    lanes.set(key, lane);
    return lane;
  };
}

/** One request at a time on each connection, and as many connections as there are requests under way. */
function createPool(upstream: Upstream, connectMs: number | undefined): Pool {
  return new Pool(upstream.origin, {
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: watchedConnector(upstream, connectMs),
  });
}

function watchedConnector(upstream: Upstream, connectMs: number | undefined): buildConnector.connector {
  const connect = buildConnector({ allowH2: false, rejectUnauthorized: upstream.verifyTls, timeout: connectMs ?? 0 });
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      noteFailuresAfterUse(socket);
      callback(null, socket);
    });
}

const failuresAfterUse = new WeakSet<Error>();

/** Listens before undici does, so that the mark is there when the request hears of the error. */
function noteFailuresAfterUse(socket: Socket): void {
  socket.on("error", (error) => {
    if (socket.bytesRead > 0) failuresAfterUse.add(error);
  });
}

/** True when the connection that failed had carried an answer before: it may have been closed for idling. */
export function failedAfterUse(error: Error): boolean {
  return failuresAfterUse.has(error);
}
