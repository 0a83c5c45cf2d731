/** Connections to the upstreams. */
import type { Socket } from "node:net";
import { buildConnector, Pool } from "undici";
import type { Timeouts, Upstream } from "../../contract/policy.ts";

/** Shorter than the 5 s after which Node's own server, for one, closes an idle connection: the side that asks lets go first. */
const KEEP_ALIVE_MS = 3_000;

/** Connections of one kind, shared by all routes to the same upstream. */
export type PoolFor = (upstream: Upstream, timeouts: Timeouts) => Pool;

export function createUpstreamPools(): PoolFor {
  const pools = new Map<string, Pool>();
  return (upstream, { connectMs }) => {
    const key = JSON.stringify([upstream.origin, upstream.verifyTls, connectMs]);
    const pool = pools.get(key) ?? createPool(upstream, connectMs);
    pools.set(key, pool);
    return pool;
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
