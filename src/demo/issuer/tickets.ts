/** Values behind random names that end: codes, refresh tokens, sessions. */
import { randomSecret, type RandomBytes } from "../random.ts";

export interface Clock {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly randomBytes: RandomBytes;
}

interface Ticket<Value> {
  readonly value: Value;
  readonly endsAt: number;
}

export class Tickets<Value> {
  readonly #clock: Clock;
  readonly #lifetimeMs: number;
  readonly #tickets = new Map<string, Ticket<Value>>();

  constructor(clock: Clock, lifetimeMs: number) {
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  /** Keeps the value for the lifetime; answers the name under which it is found. */
  issue(value: Value): string {
    this.#dropEnded();
    const name = randomSecret(this.#clock.randomBytes);
    this.#tickets.set(name, { value, endsAt: this.#clock.now() + this.#lifetimeMs });
    return name;
  }

  /** The value, while it lasts. */
  find(name: string): Value | undefined {
    const ticket = this.#tickets.get(name);
    return ticket && ticket.endsAt > this.#clock.now() ? ticket.value : undefined;
  }

  /** The value, for the last time. */
  take(name: string): Value | undefined {
    const value = this.find(name);
    this.#tickets.delete(name);
    return value;
  }

  #dropEnded(): void {
    const now = this.#clock.now();
    for (const [name, ticket] of this.#tickets) if (ticket.endsAt <= now) this.#tickets.delete(name);
  }
}
