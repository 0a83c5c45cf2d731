/** Connections of one kind to one upstream: kept while they are good, no more of them than it may have. */
import type { Timeouts, Upstream } from "../../../contract/policy.ts";
import type { AnswerHandler, UpstreamRequest } from "./asking.ts";
import { Connection, type Keeper } from "./connection.ts";
import { type Connect, connectorTo } from "./connecting.ts";

/** Shorter than the 5 s after which Node's own server, for one, closes an idle connection: the side that asks lets go first. */
const KEEP_ALIVE_MS = 3_000;
/** How often free connections are looked at. */
const LOOK_MS = 500;
/** An upstream's own word for how long it keeps a connection is taken with this much to spare. */
const MARGIN_MS = 1_000;

export class Lane implements Keeper {
  readonly now: () => number;
  /** `Host` of every request. */
  readonly authority: string;
  readonly #connect: Connect;
  readonly #maxConnections: number;
  /** The one that was freed last is taken first. */
  readonly #free: Connection[] = [];
  #inUse = 0;
  #looks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(upstream: Upstream, connectMs: number | undefined, now: () => number) {
    this.now = now;
    this.authority = new URL(upstream.origin).host;
    this.#connect = connectorTo(upstream, connectMs);
    this.#maxConnections = upstream.maxConnections;
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

  /** Sends a request down a free connection, or a new one; `fresh`: a new one in any case. */
  send(request: UpstreamRequest, handler: AnswerHandler, fresh: boolean): Connection {
    const kept = fresh ? undefined : this.#take();
    const connection = kept ?? new Connection(this);
    connection.send(request, handler);
    if (kept === undefined) this.#connect(connection);
    return connection;
  }

  free(connection: Connection): void {
    if (keepFor(connection) <= 0) {
      connection.close();
      return;
    }
    connection.freeSince = this.#looks;
    connection.place = this.#free.push(connection) - 1;
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS).unref();
  }

  gone(connection: Connection): void {
    const { place } = connection;
    if (place === -1) return;
    const last = this.#free.pop()!;
    if (last !== connection) {
      this.#free[place] = last;
      last.place = place;
    }
    connection.place = -1;
  }

  /** Lets go of all that are free. */
  closeFree(): void {
    for (const connection of this.#free.slice()) connection.close();
  }

  #take(): Connection | undefined {
    const connection = this.#free.pop();
    if (connection !== undefined) connection.place = -1;
    return connection;
  }

  /** Lets go of those that have been free for as long as they may. */
  #look(): void {
    this.#looks += 1;
    for (const connection of this.#free.slice()) {
      const freeMs = (this.#looks - connection.freeSince) * LOOK_MS;
      if (freeMs >= keepFor(connection)) connection.close();
    }
    if (this.#free.length > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

function keepFor({ keepAliveMs }: Connection): number {
  return keepAliveMs === undefined ? KEEP_ALIVE_MS : Math.min(KEEP_ALIVE_MS, keepAliveMs - MARGIN_MS);
}

/** Lanes are shared by all routes to the same upstream. */
export class Lanes {
  readonly #now: () => number;
  readonly #lanes = new Map<string, Lane>();

  /** `now` is monotonic, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  to(upstream: Upstream, { connectMs }: Timeouts): Lane {
    const { origin, verifyTls, maxConnections } = upstream;
    const key = JSON.stringify([origin, verifyTls, maxConnections, connectMs]);
    const lane = this.#lanes.get(key) ?? new Lane(upstream, connectMs, this.#now);
    this.#lanes.set(key, lane);
    return lane;
  }

  closeFree(): void {
    for (const lane of this.#lanes.values()) lane.closeFree();
  }
}
