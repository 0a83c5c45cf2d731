/** The primary's end of the talk with one worker: orders go out, and answers find who asked. */
import { type Answer, type Fault, type Given, type Order, type OrderName, type Said } from "./messages.ts";

/** The worker did not do it, and says why. */
export class WorkerFault extends Error {
  override readonly name = "WorkerFault";

  constructor({ message, ...door }: Fault) {
    super(message);
    Object.assign(this, door);
  }
}

/** The worker ended, or does not answer. */
export class WorkerGone extends Error {
  override readonly name = "WorkerGone";
}

interface Waiting {
  readonly resolve: (answer: Answer<OrderName>) => void;
  readonly reject: (error: Error) => void;
}

export class Asker {
  readonly #send: (order: Order) => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #present = Promise.withResolvers<undefined>();
  #count = 0;
  #ended = false;

  constructor(send: (order: Order) => void) {
    this.#send = send;
    this.#present.promise.catch(ignored);
  }

  /** Resolves when the worker takes orders. Rejects with WorkerGone. */
  present(): Promise<undefined> {
    return this.#present.promise;
  }

  /** What the order comes to. Rejects with WorkerFault or WorkerGone. */
  ask<Name extends OrderName>(name: Name, given: Given<Name>): Promise<Answer<Name>> {
    if (this.#ended) return Promise.reject(new WorkerGone("the worker ended"));
    const { promise, resolve, reject } = Promise.withResolvers<Answer<OrderName>>();
    const number = (this.#count += 1);
    this.#waiting.set(number, { resolve, reject });
    this.#send({ number, name, given });
    return promise;
  }

  hear(said: Said): void {
    if (said.kind === "present") {
      this.#present.resolve(undefined);
      return;
    }
    const waiting = this.#waiting.get(said.number);
    this.#waiting.delete(said.number);
    if (said.kind === "answer") waiting?.resolve(said.answer);
    else waiting?.reject(new WorkerFault(said.fault));
  }

  /** Nothing more will be heard. */
  end(): void {
    this.#ended = true;
    const gone = new WorkerGone("the worker ended");
    this.#present.reject(gone);
    for (const { reject } of this.#waiting.values()) reject(gone);
    this.#waiting.clear();
  }
}

function ignored(): void {}
