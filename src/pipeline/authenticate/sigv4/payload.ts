/** The body that a signature is about: what the request says of it before any of it is read. */
import { createHash } from "node:crypto";
import { askForBody } from "../../continue.ts";
import type { Exchange } from "../../exchange.ts";
import { addressSubject } from "../../subject.ts";
import { outliveErrors } from "../../unread-body.ts";
import type { HeldBodies, HeldBody } from "./held-bodies.ts";

/** SHA-256 in hexadecimal digits: `signed` is known from the head, `unsaid` only from the body itself. */
export type Payload =
  | { readonly kind: "signed"; readonly sha256: string; readonly hasBody: boolean }
  | { readonly kind: "unsaid" }
  | { readonly kind: "refused"; readonly reason: string };

const TOO_LARGE = "the body is larger than `holdBody` or the route's `body.max`";

const SHA256 = /^[0-9a-f]{64}$/;
const EMPTY_SHA256 = createHash("sha256").digest("hex");

/**
 * `declared` are the values of `x-amz-content-sha256`. A word in place of a hash (`UNSIGNED-PAYLOAD`,
 * `STREAMING-…`) leaves the body unproved, and is refused.
 */
export function payloadOf(declared: readonly string[], { headers }: Exchange["request"]): Payload {
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  if (declared.length === 0) return hasBody ? { kind: "unsaid" } : { kind: "signed", sha256: EMPTY_SHA256, hasBody };
  const [sha256 = ""] = declared;
  if (declared.length > 1 || !SHA256.test(sha256)) return { kind: "refused", reason: "`x-amz-content-sha256` is not one SHA-256" };
  if (!hasBody && sha256 !== EMPTY_SHA256) return { kind: "refused", reason: "`x-amz-content-sha256` is of a body, and there is none" };
  return { kind: "signed", sha256, hasBody };
}

export type Held =
  | { readonly kind: "held"; readonly body: Buffer }
  | { readonly kind: "refused"; readonly reason: string }
  /** All that is held takes as much memory as it may. */
  | { readonly kind: "noRoom" };

/**
 * Reads the body into memory, up to so many bytes; all of it must come within the route's idle time, since nobody is known yet.
 * The memory is given back when the exchange is over.
 */
export function holdBody(exchange: Exchange, holdBytes: number, bodies: HeldBodies): Promise<Held> {
  const routeBytes = exchange.match.kind === "route" ? exchange.match.route.body.maxBytes : undefined;
  const maxBytes = Math.min(holdBytes, routeBytes ?? holdBytes);
  const declaredBytes = Number(exchange.request.headers["content-length"] ?? maxBytes);
  if (declaredBytes > maxBytes) return Promise.resolve(refused(TOO_LARGE));
  if (exchange.upgrade) return Promise.resolve(refused("a WebSocket handshake with a body"));
  askForBody(exchange);
  const body = bodies.open(addressSubject(exchange.facts.address), declaredBytes);
  return new Promise((resolve) => new BodyHolder(exchange, body, resolve));
}

function refused(reason: string): Held {
  return { kind: "refused", reason };
}

class BodyHolder {
  readonly #request: Exchange["request"];
  readonly #body: HeldBody;
  readonly #resolve: (held: Held) => void;
  readonly #patience: NodeJS.Timeout | undefined;
  #settled = false;

  constructor({ request, response, match }: Exchange, body: HeldBody, resolve: (held: Held) => void) {
    this.#request = request;
    this.#body = body;
    this.#resolve = resolve;
    response.once("close", this.#over);
    const idleMs = match.kind === "route" ? match.route.timeouts.idleMs : undefined;
    if (idleMs !== undefined) this.#patience = setTimeout(() => this.#settle(refused("the body did not arrive in time")), idleMs);
    outliveErrors({ request });
    request.on("data", this.#take).on("end", this.#end).on("error", this.#leave).on("close", this.#leave);
    request.resume();
  }

  readonly #take = (chunk: Buffer): void => {
    const became = this.#body.add(chunk);
    if (became !== "taken") this.#settle(became === "noRoom" ? { kind: "noRoom" } : refused(TOO_LARGE));
  };

  readonly #end = (): void => this.#settle({ kind: "held", body: this.#body.whole() });

  readonly #leave = (): void => this.#settle(refused("the client left before its body ended"));

  /** A request that was answered meanwhile, since its body broke off, says nothing more itself. */
  readonly #over = (): void => {
    this.#leave();
    this.#body.release();
  };

  #settle(held: Held): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#patience);
    this.#request.off("data", this.#take).off("end", this.#end).off("error", this.#leave).off("close", this.#leave);
    if (!this.#request.readableEnded) this.#request.pause();
    if (held.kind !== "held") this.#body.release();
    this.#resolve(held);
  }
}
