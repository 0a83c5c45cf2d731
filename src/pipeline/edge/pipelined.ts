/**
 * What comes on a connection behind requests that are not answered (RFC 9112 section 9.3.2). The first few are taken up at once,
 * the others in their order and a few in each turn of the event loop, so that nobody else waits for all of them.
 */
import type { Socket } from "node:net";
import type { Exchange } from "../exchange.ts";
import { isClosing, readNoMore } from "../unread-body.ts";
import { FewAtATime } from "./few-at-a-time.ts";

/** How many requests may wait on one connection behind the first that is not answered. */
const MOST_WAITING = 100;
/** How many of them are under way before the next has to wait for another turn. */
const AT_ONCE = 8;

interface Line {
  /** Those under way whose answers are queued behind another's. */
  readonly begun: Set<Exchange>;
  /** How many are to be taken up in a later turn. */
  later: number;
  /** The one that was too many has come: nothing behind it counts. */
  full: boolean;
}

export class Pipelined {
  readonly #lines = new WeakMap<Socket, Line>();
  readonly #later = new FewAtATime();

  /**
   * Calls `take`, which must not throw, when it is the request's turn: never, where the connection is to end before.
   * `crowded`: more requests wait on the connection than may; it must end the connection.
   */
  add(socket: Socket, take: (crowded: boolean) => void): void {
    const line = this.#lineOf(socket);
    if (line.full) {
      readNoMore(socket);
      return;
    }
    const crowded = line.begun.size + line.later >= MOST_WAITING;
    line.full = crowded;
    if (line.later === 0 && line.begun.size < AT_ONCE) take(crowded);
    else this.#wait(socket, line, () => take(crowded));
  }

  /** Calls `work`, which must not throw, once all that came on the connection before is taken up. */
  inOrder(socket: Socket, work: () => void): void {
    const line = this.#lines.get(socket);
    if (line === undefined || line.later === 0) work();
    else this.#wait(socket, line, work);
  }

  /** Whether anything waits for a later turn. */
  isWaiting(socket: Socket): boolean {
    return (this.#lines.get(socket)?.later ?? 0) > 0;
  }

  /** The answer of this one is queued behind another's. */
  began(exchange: Exchange): void {
    const { begun } = this.#lineOf(exchange.request.socket);
    begun.add(exchange);
    exchange.response.once("close", () => begun.delete(exchange));
  }

  /** Node tells only the answer at the head of the queue that its connection is gone. */
  abandon(socket: Socket): void {
    for (const { response } of this.#lines.get(socket)?.begun ?? []) if (!response.closed) response.emit("close");
  }

  #lineOf(socket: Socket): Line {
    const line = this.#lines.get(socket) ?? { begun: new Set(), later: 0, full: false };
    this.#lines.set(socket, line);
    return line;
  }

  #wait(socket: Socket, line: Line, work: () => void): void {
    line.later += 1;
    this.#later.add(() => {
      line.later -= 1;
      // What came before may have been the connection's last.
      if (isClosing(socket)) readNoMore(socket);
      else if (socket.writable) work();
    });
  }
}
