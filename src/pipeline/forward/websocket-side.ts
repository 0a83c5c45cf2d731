/** What the proxy must not do with either side of a WebSocket, whose two connections it ties together. */
import { WebSocket } from "ws";

/** Emitted in place of `ping` and `pong`. */
export const SIGN_OF_LIFE = "sign of life";
/** RFC 6455 section 7.4.1. */
const INTERNAL_ERROR = 1011;

/**
 * Pings and pongs stay on their side, where `ws` answers them: the proxy would send them on to somebody who does not read. And the
 * words of an error, which may be longer than a close frame can hold, are for the log alone.
 */
export function guardSide(side: WebSocket): void {
  const { emit, close } = side;
  side.emit = (event: string | symbol, ...rest: unknown[]): boolean =>
    Reflect.apply(emit, side, event === "ping" || event === "pong" ? [SIGN_OF_LIFE] : [event, ...rest]);
  side.close = (code, reason) => {
    // A side that is not read would never see how the other one answers.
    side.resume();
    const isError = code === INTERNAL_ERROR && typeof reason === "string";
    Reflect.apply(close, side, isError ? [code] : [code, reason]);
  };
}

/** The client's side: nothing is read of it until the upstream's is open. */
export class ClientSide extends WebSocket {
  constructor(...parts: ConstructorParameters<typeof WebSocket>) {
    super(...parts);
    guardSide(this);
    this.once("open", () => this.pause());
  }
}
