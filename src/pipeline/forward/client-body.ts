/** The client's request body: what may be sent at all, and how it is streamed on. */
import { createHash, type Hash, timingSafeEqual } from "node:crypto";
import type { ErrorCode } from "../../contract/errors.ts";
import type { Route } from "../../contract/policy.ts";
import { bodyUnderRule, declaredBody, type Framing } from "../../decision/body.ts";
import type { DoorRequest } from "../door-request.ts";
import type { Exchange } from "../exchange.ts";
import { outliveErrors } from "../unread-body.ts";
import type { BodySink, BodySource } from "./upstream/asking.ts";

/** What must have come, or the body's end, before the client has its time anew: a byte now and then is no progress. */
const PROGRESS_BYTES = 1024;

/** Reads the framing and holds it against the route's rule, before anything is forwarded. */
export function frameBody(exchange: Exchange, route: Route): Framing {
  const { headers } = exchange.request;
  const framing = heldBody(exchange) ?? declaredBody(headers["transfer-encoding"], headers["content-length"]);
  return bodyUnderRule(framing, exchange.facts, route.body);
}

/** A body that was read before now has the length that it has. */
function heldBody({ payload }: Exchange): Framing | undefined {
  return payload?.held && { kind: "body", lengthBytes: payload.held.length };
}

/** Why a body ended before its time: the code is what the client is told. */
export class BodyFault extends Error {
  override readonly name = "BodyFault";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface BodyBounds {
  readonly maxBytes: number | undefined;
  /** Longest wait for the client's next kilobyte, or for the upstream to take what came; undefined: no bound. */
  readonly idleMs: number | undefined;
  /** What the whole must hash to: its last bytes are not given away before. */
  readonly sha256?: Uint8Array | undefined;
}

/**
 * A request body on its way to the upstream, with back-pressure and within its bounds; it fails with a BodyFault.
 * Stopping it leaves the client's connection as it is, so that the client can still be answered.
 */
export class ClientBody implements BodySource {
  readonly #request: DoorRequest;
  readonly #bounds: BodyBounds;
  readonly #hash: Hash | undefined;
  #sink: BodySink | undefined;
  /** The last bytes that came, where the whole has a hash to match. */
  #last: Buffer | undefined;
  #received = 0;
  /** Received when the client's time began. */
  #receivedBefore = 0;
  /** For the client; otherwise for the upstream. */
  #waiting = true;
  #idle: NodeJS.Timeout | undefined;

  constructor(request: DoorRequest, bounds: BodyBounds) {
    this.#request = request;
    this.#bounds = bounds;
    this.#hash = bounds.sha256 && createHash("sha256");
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    outliveErrors({ request: this.#request });
    this.#request.on("data", this.#take).on("end", this.#end).on("error", this.#leave).on("close", this.#leave);
    this.#beginWait();
    this.#request.resume();
  }

  resume(): void {
    if (this.#sink === undefined || this.#waiting) return;
    this.#waiting = true;
    this.#beginWait();
    this.#request.resume();
  }

  stop(): void {
    if (this.#sink === undefined) return;
    this.#letGo();
    if (!this.#request.readableEnded) this.#request.pause();
  }

  #letGo(): void {
    this.#sink = undefined;
    clearTimeout(this.#idle);
    this.#request.off("data", this.#take).off("end", this.#end).off("error", this.#leave).off("close", this.#leave);
  }

  #fail(fault: BodyFault): void {
    const sink = this.#sink;
    this.stop();
    sink?.fault(fault);
  }

  #beginWait(): void {
    const { idleMs } = this.#bounds;
    if (idleMs === undefined) return;
    this.#receivedBefore = this.#received;
    if (this.#idle === undefined) this.#idle = setTimeout(() => this.#tooSlow(), idleMs);
    else this.#idle.refresh();
  }

  /** Either side may be: the client that does not send, or the upstream that does not take what is here. */
  #tooSlow(): void {
    this.#fail(
      this.#waiting
        ? new BodyFault("REQUEST_TIMEOUT", "the body did not arrive in time")
        : new BodyFault("UPSTREAM_TIMEOUT", "the upstream did not take the body in time"),
    );
  }

  readonly #take = (chunk: Buffer): void => {
    const { maxBytes } = this.#bounds;
    this.#received += chunk.length;
    if (maxBytes !== undefined && this.#received > maxBytes) {
      this.#fail(new BodyFault("BODY_TOO_LARGE", `more than ${maxBytes} bytes sent`));
      return;
    }
    const next = this.#hash === undefined ? chunk : this.#holdBack(this.#hash, chunk);
    if (next === undefined || this.#sink?.data(next) !== false) {
      if (this.#received - this.#receivedBefore >= PROGRESS_BYTES) this.#beginWait();
      return;
    }
    this.#waiting = false;
    this.#beginWait();
    this.#request.pause();
  };

  /** Gives what came before, and keeps what came now. */
  #holdBack(hash: Hash, chunk: Buffer): Buffer | undefined {
    const before = this.#last;
    hash.update(chunk);
    this.#last = chunk;
    return before;
  }

  readonly #end = (): void => {
    const { sha256 } = this.#bounds;
    if (this.#hash !== undefined && sha256 !== undefined && !timingSafeEqual(this.#hash.digest(), sha256)) {
      this.#fail(new BodyFault("SIGNATURE_INVALID", "the body is not the one that was signed"));
      return;
    }
    const sink = this.#sink;
    this.#letGo();
    if (this.#last !== undefined) sink?.data(this.#last);
    sink?.end();
  };

  readonly #leave = (): void => {
    if (!this.#request.readableEnded) this.#fail(new BodyFault("REQUEST_INVALID", "the client left before its body ended"));
  };
}
